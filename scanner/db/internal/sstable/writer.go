package sstable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Writer writes a table. The same records give the same bytes.
type Writer struct {
	w     io.Writer
	last  string // key
	any   bool   // whether there is a last key
	block encoder
	part  encoder // index of the part
	data  int     // bytes of the part's blocks
	index encoder
	err   error
}

// encoder makes a block.
type encoder struct {
	out     []byte
	entries int
	first   string
	last    string
}

// NewWriter writes to w. The table is complete after Close.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Put adds a record. Its key must be greater than the one before.
func (t *Writer) Put(key string, value []byte) error {
	switch {
	case t.err != nil:
		return t.err
	case len(key) > MaxKey:
		t.err = fmt.Errorf("a key of %d bytes", len(key))
	case t.any && key <= t.last:
		t.err = fmt.Errorf("the key %q after %q", key, t.last)
	case len(value) > math.MaxInt32:
		t.err = fmt.Errorf("a value of %d bytes", len(value))
	}
	if t.err != nil {
		return t.err
	}
	t.last, t.any = key, true
	t.block.put(key, value)
	if t.block.entries >= blockEntries || len(t.block.out) >= blockBytes {
		t.flush()
	}
	return t.err
}

// Close writes the index. It does not close what it writes to.
func (t *Writer) Close() error {
	t.flush()
	t.flushPart()
	if uint64(len(t.index.out)) > math.MaxUint32 && t.err == nil {
		t.err = errors.New("too many records")
	}
	footer := binary.LittleEndian.AppendUint32(nil, uint32(len(t.index.out))) //nolint:gosec // G115: checked above.
	footer = binary.LittleEndian.AppendUint32(footer, checksum(t.index.out))
	t.write(t.index.out)
	t.write(append(footer, magic...))
	return t.err
}

// flush writes the block and begins another.
func (t *Writer) flush() {
	if t.block.entries == 0 {
		return
	}
	place := binary.AppendUvarint(nil, uint64(len(t.block.out)))
	place = binary.LittleEndian.AppendUint32(place, checksum(t.block.out))
	t.part.put(t.block.first, place)
	t.write(t.block.out)
	t.data += len(t.block.out)
	t.block = encoder{out: t.block.out[:0]}
	if len(t.part.out) >= indexBytes {
		t.flushPart()
	}
}

// flushPart writes the index of the part and begins another.
func (t *Writer) flushPart() {
	if t.part.entries == 0 {
		return
	}
	place := binary.AppendUvarint(nil, uint64(t.data)) //nolint:gosec // G115: not negative.
	place = binary.AppendUvarint(place, uint64(len(t.part.out)))
	place = binary.LittleEndian.AppendUint32(place, checksum(t.part.out))
	t.index.put(t.part.first, place)
	t.write(t.part.out)
	t.part, t.data = encoder{out: t.part.out[:0]}, 0
}

func (t *Writer) write(b []byte) {
	if t.err == nil {
		_, t.err = t.w.Write(b)
	}
}

func (e *encoder) put(key string, value []byte) {
	shared := 0
	for shared < len(key) && shared < len(e.last) && key[shared] == e.last[shared] {
		shared++
	}
	if e.entries == 0 {
		e.first = key
	}
	e.out = binary.AppendUvarint(e.out, uint64(shared))
	e.out = binary.AppendUvarint(e.out, uint64(len(key)-shared)) //nolint:gosec // G115: shared is a part of key.
	e.out = binary.AppendUvarint(e.out, uint64(len(value)))
	e.out = append(e.out, key[shared:]...)
	e.out = append(e.out, value...)
	e.entries++
	e.last = key
}
