package sstable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Reader looks up keys in a table. It is safe for concurrent use.
type Reader struct {
	data   []byte
	blocks []block
}

// block is where a block is in the data.
type block struct {
	first      string // key
	start, end int
	crc        uint32
}

// NewReader reads from data, which must not change. It reads the index only.
func NewReader(data []byte) (*Reader, error) {
	if len(data) < footerSize {
		return nil, fmt.Errorf("%w: too short", ErrFormat)
	}
	body, footer := data[:len(data)-footerSize], data[len(data)-footerSize:]
	if string(footer[8:]) != magic {
		return nil, fmt.Errorf("%w: the footer is missing", ErrFormat)
	}
	size := binary.LittleEndian.Uint32(footer)
	if uint64(size) > uint64(len(body)) {
		return nil, fmt.Errorf("%w: the index is longer than the file", ErrFormat)
	}
	index := body[len(body)-int(size):]
	if checksum(index) != binary.LittleEndian.Uint32(footer[4:]) {
		return nil, fmt.Errorf("%w: the checksum of the index is wrong", ErrFormat)
	}
	r := &Reader{data: body[:len(body)-int(size)]}
	return r, r.readIndex(index)
}

func (r *Reader) readIndex(index []byte) error {
	start := 0
	e := entries{left: index}
	for e.next() {
		size, n := binary.Uvarint(e.value)
		if n <= 0 || len(e.value)-n != crcSize || size > uint64(len(r.data)-start) {
			return fmt.Errorf("%w: the index names a block that is not there", ErrFormat)
		}
		end := start + int(size) //nolint:gosec // G115: no more than the data.
		b := block{string(e.key), start, end, binary.LittleEndian.Uint32(e.value[n:])}
		r.blocks = append(r.blocks, b)
		start = b.end
	}
	return e.err
}

// Get gives the value of a key, as a part of the data that the Reader reads
// from; false if the key is not there.
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
	e, err := r.open(r.blocks[i])
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

// All gives every key and value in order. It stops at the first error.
func (r *Reader) All() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, b := range r.blocks {
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

// Record is a key and its value.
type Record struct {
	Key   string
	Value []byte
}

// open checks a block and gives its entries.
func (r *Reader) open(b block) (entries, error) {
	content := r.data[b.start:b.end]
	if checksum(content) != b.crc {
		return entries{}, fmt.Errorf("%w: the checksum of a block is wrong", ErrFormat)
	}
	return entries{left: content}, nil
}
