package pkgdb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// lineBuffer is how much of a line is kept, in bytes.
const lineBuffer = 64 << 10

// Lines reads lines of any length in bounded memory.
type Lines struct {
	r      *bufio.Reader
	err    error
	text   []byte // in the buffer of r, or start
	start  []byte // of a line that was cut
	cut    bool
	number int
}

// NewLines returns a reader of lines.
func NewLines(r io.Reader) *Lines {
	return &Lines{r: bufio.NewReaderSize(r, lineBuffer)}
}

// Next goes to the next line and reports whether there is one.
func (l *Lines) Next() bool {
	l.cut = false
	text, err := l.r.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		if !l.cut {
			// The buffer is about to be used for what follows.
			l.start = append(l.start[:0], text[:MaxValue]...)
			l.text, l.cut = l.start, true
		}
		_, err = l.r.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
		return false
	}
	if !l.cut {
		if len(text) == 0 {
			return false
		}
		l.text = bytes.TrimSuffix(text, []byte("\n"))
	}
	l.number++
	return true
}

// Text is the line without its line feed, valid until Next. Of a line longer
// than 64 KiB it is the first MaxValue bytes, and Cut is true.
func (l *Lines) Text() []byte { return l.text }

// Cut reports whether Text is not the whole line.
func (l *Lines) Cut() bool { return l.cut }

// Number is the line's number, 1 for the first.
func (l *Lines) Number() int { return l.number }

// Err is the error that ended the reading, if it was not the file's end.
func (l *Lines) Err() error {
	if l.err != nil {
		return fmt.Errorf("the package database %w", l.err)
	}
	return nil
}
