package sstable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sort"
)

// Reader looks up keys in a table. It holds the block that it read last, so it
// is not safe for concurrent use.
type Reader struct {
	file   io.ReaderAt
	parts  []part
	buffer []byte // for the content of a block
	held   block  // that is in buffer; the zero block for none
}

// block is where a block is in the file.
type block struct {
	first      string // key
	start, end int64
	crc        uint32
}

// part is where a part of the table is in the file.
type part struct {
	index  block
	start  int64   // of the blocks, which end where the index starts
	blocks []block // nil until they are needed
}

// NewReader reads from a file of so many bytes, which must not change. It reads
// the index of the parts only.
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
	r := &Reader{file: file}
	return r, r.readParts(index, body-length)
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

// errPlace is about an index that names what is not there.
var errPlace = fmt.Errorf("%w: the index names a block that is not there", ErrFormat)

// readParts reads the index of parts that are size bytes together.
func (r *Reader) readParts(index []byte, size int64) error {
	start := int64(0)
	e := entries{left: index}
	for e.next() {
		p := cutter{b: e.value}
		data, length, crc := p.length(size-start), p.length(size-start), p.crc()
		if p.bad || data+length > size-start {
			return errPlace
		}
		end := start + data + length
		r.parts = append(r.parts, part{start: start, index: block{first: string(e.key), start: start + data, end: end, crc: crc}})
		start = end
	}
	return e.err
}

// load reads the index of a part, unless it was read before.
func (r *Reader) load(p *part) error {
	if p.blocks != nil {
		return nil
	}
	index, err := r.open(p.index)
	if err != nil {
		return err
	}
	blocks := []block{}
	start := p.start
	for index.next() {
		c := cutter{b: index.value}
		length, crc := c.length(p.index.start-start), c.crc()
		if c.bad {
			return errPlace
		}
		blocks = append(blocks, block{first: string(index.key), start: start, end: start + length, crc: crc})
		start += length
	}
	if index.err == nil {
		p.blocks = blocks
	}
	return index.err
}

// cutter cuts the value of an index entry into its numbers.
type cutter struct {
	b   []byte
	bad bool
}

// length cuts a length up to limit.
func (c *cutter) length(limit int64) int64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 || v > uint64(limit) { //nolint:gosec // G115: limits are lengths.
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return int64(v) //nolint:gosec // G115: no more than limit.
}

// crc cuts the checksum, which is last.
func (c *cutter) crc() uint32 {
	if len(c.b) != crcSize {
		c.bad = true
		return 0
	}
	return binary.LittleEndian.Uint32(c.b)
}

// Get gives the value of a key, which is valid until the Reader is used again;
// false if the key is not there.
func (r *Reader) Get(key string) (value []byte, found bool, err error) {
	i := last(len(r.parts), func(i int) string { return r.parts[i].index.first }, key)
	if i < 0 {
		return nil, false, nil
	}
	if err := r.load(&r.parts[i]); err != nil {
		return nil, false, err
	}
	blocks := r.parts[i].blocks
	i = last(len(blocks), func(i int) string { return blocks[i].first }, key)
	if i < 0 {
		return nil, false, nil
	}
	e, err := r.open(blocks[i])
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

// last gives the index of the last of n sorted first keys that is not above the
// key; -1 if all are.
func last(n int, first func(int) string, key string) int {
	return sort.Search(n, func(i int) bool { return first(i) > key }) - 1
}

// All gives every key and value in order. It stops at the first error. A value
// is valid until the next.
func (r *Reader) All() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for i := range r.parts {
			if err := r.load(&r.parts[i]); err != nil {
				yield(Record{}, err)
				return
			}
			for _, b := range r.parts[i].blocks {
				e, err := r.open(b)
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
}

// Record is a key and its value.
type Record struct {
	Key   string
	Value []byte
}

// open reads a block, unless it is the one that was read last, checks it, and
// gives its entries.
func (r *Reader) open(b block) (entries, error) {
	if r.held == b && b != (block{}) {
		return entries{left: r.buffer}, nil
	}
	r.held = block{}
	r.buffer = slices.Grow(r.buffer[:0], int(b.end-b.start))[:b.end-b.start]
	if err := readAt(r.file, r.buffer, b.start); err != nil {
		return entries{}, err
	}
	if checksum(r.buffer) != b.crc {
		return entries{}, fmt.Errorf("%w: the checksum of a block is wrong", ErrFormat)
	}
	r.held = b
	return entries{left: r.buffer}, nil
}
