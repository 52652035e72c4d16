package api

import (
	"errors"
	"io"
	"sync/atomic"
)

// budget is bytes of memory that requests share.
type budget struct{ free atomic.Int64 }

func newBudget(size int64) *budget {
	b := &budget{}
	b.free.Store(size)
	return b
}

// take takes n bytes; false if there are not so many left.
func (b *budget) take(n int64) bool {
	if b.free.Add(-n) >= 0 {
		return true
	}
	b.free.Add(n)
	return false
}

func (b *budget) giveBack(n int64) { b.free.Add(n) }

// buffer is a text whose memory is taken from a budget.
type buffer struct {
	from  *budget
	taken int64
	text  []byte
	// expect is the room to begin with; 0 if nothing is known.
	expect int64
}

const (
	// leastBuffer is how a buffer begins whose size is not known.
	leastBuffer = 16 << 10
	// mostExpected bounds the memory for what has not come yet.
	mostExpected = 256 << 10
)

// Write appends; it fails when the budget is used up.
func (b *buffer) Write(p []byte) (int, error) {
	if need := int64(len(b.text) + len(p)); need > int64(cap(b.text)) {
		if err := b.grow(need); err != nil {
			return 0, err
		}
	}
	b.text = append(b.text, p...)
	return len(p), nil
}

// ReadFrom appends what r gives until its end.
func (b *buffer) ReadFrom(r io.Reader) (int64, error) {
	before := len(b.text)
	for {
		if len(b.text) == cap(b.text) {
			if err := b.grow(int64(len(b.text)) + 1); err != nil {
				return int64(len(b.text) - before), err
			}
		}
		n, err := r.Read(b.text[len(b.text):cap(b.text)])
		b.text = b.text[:len(b.text)+n]
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return int64(len(b.text) - before), err
		}
	}
}

// grow makes room for so many bytes in all.
func (b *buffer) grow(need int64) error {
	size := max(2*int64(cap(b.text)), need, b.expect, leastBuffer)
	if !b.from.take(size) {
		return errBudget
	}
	grown := make([]byte, len(b.text), size)
	copy(grown, b.text)
	b.from.giveBack(b.taken)
	b.text, b.taken = grown, size
	return nil
}

// free gives the memory back; the text must not be used any more.
func (b *buffer) free() {
	b.from.giveBack(b.taken)
	b.text, b.taken = nil, 0
}
