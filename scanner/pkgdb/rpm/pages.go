package rpm

import (
	"errors"
	"fmt"
	"io"

	"github.com/example/microscanner-frontend/scanner/rootfs"
)

const endsEarly = "the file ends in the middle of it"

// pages reads a file that consists of pages of one size. In a sound database
// each page belongs to one thing, so each can be had once: a chain of pages that
// leads back to itself ends, and so does every walk.
type pages struct {
	file  *rootfs.Section
	size  int
	count uint32 // pages of the database
	held  uint32 // of them in the file; the others are in the log
	used  []uint64

	log    io.ReaderAt
	logged map[uint32]int64 // positions in log of pages that are newer there
	frame  []byte           // one of them
}

// newPages takes the whole pages of a file.
func newPages(file *rootfs.Section, size int) *pages {
	count := uint32(min(file.Size()/int64(size), 1<<30)) //nolint:gosec // bounded
	return &pages{file: file, size: size, count: count, held: count, used: make([]uint64, count/64+1)}
}

// overlay puts what a write-ahead log has committed above the file.
func (p *pages) overlay(log io.ReaderAt, committed wal) error {
	if committed.pageSize == 0 {
		return nil
	}
	if int64(committed.count) > int64(p.held)+int64(len(committed.frames)) {
		return damage("its write-ahead log is for a larger database")
	}
	p.log, p.logged, p.frame = log, committed.frames, make([]byte, p.size)
	p.count, p.held = committed.count, min(p.held, committed.count)
	p.used = make([]uint64, p.count/64+1)
	return nil
}

// isUsed reports whether take had the page.
func (p *pages) isUsed(n uint32) bool { return p.used[n/64]&(1<<(n%64)) != 0 }

// use notes that a page belongs to something.
func (p *pages) use(n uint32) error {
	if n >= p.count {
		return damage(fmt.Sprintf("page %d is beyond the end of the file", n))
	}
	if p.isUsed(n) {
		return damage(fmt.Sprintf("page %d is used twice", n))
	}
	p.used[n/64] |= 1 << (n % 64)
	return nil
}

// take returns a page that nothing else uses, valid until the next call. It is
// the first of so many that probably follow each other.
func (p *pages) take(n uint32, run int) ([]byte, error) {
	if err := p.use(n); err != nil {
		return nil, err
	}
	return p.look(n, run)
}

// look is take for a page whose use was noted before.
func (p *pages) look(n uint32, run int) ([]byte, error) {
	if at, ok := p.logged[n]; ok {
		return p.frame, readAt(p.log, p.frame, at)
	}
	if n >= p.held {
		return nil, damage(fmt.Sprintf("page %d is beyond the end of the file", n))
	}
	run = min(run, int(p.held-n))
	return bytesAt(p.file, int64(n)*int64(p.size), p.size, run*p.size)
}

// bytesAt is Bytes of a file whose end must not come before.
func bytesAt(file *rootfs.Section, off int64, n, run int) ([]byte, error) {
	b, err := file.Bytes(off, n, run)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, damage(endsEarly)
	}
	return b, err
}

// readAt fills buf from a position of r. A file that ends before is damaged.
func readAt(r io.ReaderAt, buf []byte, off int64) error {
	n, err := r.ReadAt(buf, off)
	switch {
	case n == len(buf):
		return nil
	case errors.Is(err, io.EOF):
		return damage(endsEarly)
	}
	return err
}
