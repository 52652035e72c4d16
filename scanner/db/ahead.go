package db

import "io"

const (
	// aheadBytes is how much of a file is read at once: about a hundred blocks of
	// a table.
	aheadBytes = 16 << 10
	// aheadPlaces is at how many places of a file that is done: a scan goes
	// through the rows on sources and those on binaries side by side, both in the
	// order of their names.
	aheadPlaces = 4
)

// ahead reads more of a file than it is asked for, since what follows is asked
// for next. It is not safe for concurrent use.
type ahead struct {
	file   io.ReaderAt
	places [aheadPlaces]place
	oldest int // of the places
}

// place is a part of a file that was read.
type place struct {
	start int64
	text  []byte
}

// ReadAt is that of io.ReaderAt.
func (a *ahead) ReadAt(to []byte, off int64) (int, error) {
	for i := range a.places {
		p := &a.places[i]
		if off >= p.start && off+int64(len(to)) <= p.start+int64(len(p.text)) {
			return copy(to, p.text[off-p.start:]), nil
		}
	}
	if len(to) > aheadBytes {
		return a.file.ReadAt(to, off)
	}
	p := &a.places[a.oldest]
	a.oldest = (a.oldest + 1) % aheadPlaces
	if p.text == nil {
		p.text = make([]byte, 0, aheadBytes)
	}
	n, err := a.file.ReadAt(p.text[:aheadBytes], off)
	p.start, p.text = off, p.text[:n]
	if n >= len(to) {
		return copy(to, p.text), nil
	}
	return copy(to, p.text), err
}
