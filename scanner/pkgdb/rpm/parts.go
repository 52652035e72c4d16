package rpm

import (
	"bytes"
	"encoding/binary"

	"github.com/example/microscanner-frontend/scanner/pkgdb"
)

// parts puts a header together from pages, without those that hold nothing that
// parseHeader looks at: most of a header is the lists of the package's files.
// The bytes of such pages are whatever was in the buffer before.
type parts struct {
	index int    // bytes of the header's start and its index, as far as known
	ends  bool   // index is where it ends
	open  []int  // where wanted values begin of which the end was not seen
	blob  []byte // as long as the header
}

// reset begins with the next header. The buffer of the last one is used again.
func (p *parts) reset(length int) {
	if cap(p.blob) < length {
		p.blob = make([]byte, length+length/2)
	}
	*p = parts{index: headerStart, open: p.open[:0], blob: p.blob[:length]}
}

// add takes the bytes of the header that are at a position.
func (p *parts) add(at int, data []byte) {
	if !p.wants(at, at+len(data)) {
		return
	}
	end := at + copy(p.blob[at:], data)
	if !p.ends && end >= headerStart {
		p.ends = true
		p.index += headerEntry * int(binary.BigEndian.Uint32(p.blob))
	}
	if at < p.index && end >= p.index {
		p.find()
	}
	p.close(at, end)
}

// wants reports whether a part of the header is looked at.
func (p *parts) wants(start, end int) bool {
	if start < p.index {
		return true
	}
	for _, at := range p.open {
		if at < end && start <= at+pkgdb.MaxValue {
			return true
		}
	}
	return false
}

// maxOpen is how many values are looked for; those of a header are ten. One with
// more is put together whole.
const maxOpen = 100

// find lists where the wanted values begin.
func (p *parts) find() {
	var h header
	for at := headerStart; at < p.index; at += headerEntry {
		if len(p.open) == maxOpen {
			p.index, p.open = len(p.blob), p.open[:0]
			return
		}
		entry := p.blob[at:]
		if tag := binary.BigEndian.Uint32(entry); h.text(tag) != nil || h.number(tag) != nil {
			p.open = append(p.open, p.index+int(binary.BigEndian.Uint32(entry[8:])))
		}
	}
}

// close forgets the values that end before a position: texts end with a zero,
// and numbers have four bytes.
func (p *parts) close(start, end int) {
	open := p.open[:0]
	for _, at := range p.open {
		if at+4 > end || bytes.IndexByte(p.blob[max(at, start):end], 0) < 0 {
			open = append(open, at)
		}
	}
	p.open = open
}
