package api

import "sync/atomic"

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
}

// Write appends; it fails when the budget is used up.
func (b *buffer) Write(p []byte) (int, error) {
	if need := int64(len(b.text) + len(p)); need > int64(cap(b.text)) {
		size := max(2*int64(cap(b.text)), need, 64<<10)
		if !b.from.take(size) {
			return 0, errBudget
		}
		grown := make([]byte, len(b.text), size)
		copy(grown, b.text)
		b.from.giveBack(b.taken)
		b.text, b.taken = grown, size
	}
	b.text = append(b.text, p...)
	return len(p), nil
}

// free gives the memory back; the text must not be used any more.
func (b *buffer) free() {
	b.from.giveBack(b.taken)
	b.text, b.taken = nil, 0
}
