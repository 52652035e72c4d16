package sstable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// Reader looks up keys in a table. It holds the block that it read last, so it
// is not safe for concurrent use.
type Reader struct {
	file   io.ReaderAt
	blocks []block
	buffer []byte // for the content of a block
	held   int    // index of the block in buffer; -1 for none
}

// block is where a block is in the file.
type block struct {
	first      string // key
	start, end int64
	crc        uint32
}

// NewReader reads from a file of so many bytes, which must not change. It reads
// the index only.
func NewReader(file io.ReaderAt, size int64) (*Reader, error) {
	body := size - int64(footerSize)
	if body < 0 {
		return nil, fmt.Errorf("%w: too short", ErrFormat)
	}
	var footer [footerSize]byte
	if err := readAt(file, footer[:], body); err != nil {
		return nil, err
	}
	if string(footer[8:]) != magic {
		return nil, fmt.Errorf("%w: the footer is missing", ErrFormat)
	}
	length := int64(binary.LittleEndian.Uint32(footer[:]))
	if length > body {
		return nil, fmt.Errorf("%w: the index is longer than the file", ErrFormat)
	}
	index := make([]byte, length)
	if err := readAt(file, index, body-length); err != nil {
		return nil, err
	}
	if checksum(index) != binary.LittleEndian.Uint32(footer[4:]) {
		return nil, fmt.Errorf("%w: the checksum of the index is wrong", ErrFormat)
	}
	r := &Reader{file: file, held: -1}
	return r, r.readIndex(index, body-length)
}

func readAt(file io.ReaderAt, to []byte, offset int64) error {
	n, err := file.ReadAt(to, offset)
	switch {
	case n == len(to): // also with io.EOF
		return nil
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: the file is cut off", ErrFormat)
	}
	return fmt.Errorf("read %d bytes at %d: %w", len(to), offset, err)
}

// readIndex reads the index of blocks that are size bytes together.
func (r *Reader) readIndex(index []byte, size int64) error {
	start := int64(0)
	var keys []byte // of all blocks: one piece of memory in place of thousands
	var ends []int
	e := entries{left: index}
	for e.next() {
		length, n := binary.Uvarint(e.value)
		if n <= 0 || len(e.value)-n != crcSize || length > uint64(size-start) { //nolint:gosec // G115: start is no more than size.
			return fmt.Errorf("%w: the index names a block that is not there", ErrFormat)
		}
		end := start + int64(length) //nolint:gosec // G115: no more than size.
		r.blocks = append(r.blocks, block{start: start, end: end, crc: binary.LittleEndian.Uint32(e.value[n:])})
		keys = append(keys, e.key...)
		ends = append(ends, len(keys))
		start = end
	}
	text, from := string(keys), 0
	for i, end := range ends {
		r.blocks[i].first, from = text[from:end], end
	}
	return e.err
}

// Get gives the value of a key, which is valid until the Reader is used again;
// false if the key is not there.
func (r *Reader) Get(key string) (value []byte, found bool, err error) {
	i, exact := slices.BinarySearchFunc(r.blocks, key, func(b block, key string) int {
		return strings.Compare(b.first, key)
	})
	if !exact {
		i--
	}
	if i < 0 {
		return nil, false, nil
	}
	e, err := r.open(i)
	if err != nil {
		return nil, false, err
	}
	var buffer [64]byte // Most keys fit.
	for e.key = buffer[:0]; e.next(); {
		if string(e.key) >= key {
			if string(e.key) == key {
				return e.value, true, nil
			}
			return nil, false, nil
		}
	}
	return nil, false, e.err
}

// All gives every key and value in order. It stops at the first error. A value
// is valid until the next.
func (r *Reader) All() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for i := range r.blocks {
			e, err := r.open(i)
			for err == nil && e.next() {
				if !yield(Record{string(e.key), e.value}, nil) {
					return
				}
			}
			if err = errors.Join(err, e.err); err != nil {
				yield(Record{}, err)
				return
			}
		}
	}
}

// Record is a key and its value.
type Record struct {
	Key   string
	Value []byte
}

// open reads a block, unless it is the one that was read last, checks it, and
// gives its entries.
func (r *Reader) open(i int) (entries, error) {
	if r.held == i {
		return entries{left: r.buffer}, nil
	}
	b := r.blocks[i]
	r.held = -1
	r.buffer = slices.Grow(r.buffer[:0], int(b.end-b.start))[:b.end-b.start]
	if err := readAt(r.file, r.buffer, b.start); err != nil {
		return entries{}, err
	}
	if checksum(r.buffer) != b.crc {
		return entries{}, fmt.Errorf("%w: the checksum of a block is wrong", ErrFormat)
	}
	r.held = i
	return entries{left: r.buffer}, nil
}
