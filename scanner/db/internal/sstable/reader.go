package sstable

import (
	"encoding/binary"
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
	return eachEntry(index, func(key, value []byte) (bool, error) {
		size, n := binary.Uvarint(value)
		if n <= 0 || len(value)-n != crcSize || size > uint64(len(r.data)-start) {
			return false, fmt.Errorf("%w: the index names a block that is not there", ErrFormat)
		}
		b := block{string(key), start, start + int(size), binary.LittleEndian.Uint32(value[n:])}
		r.blocks = append(r.blocks, b)
		start = b.end
		return true, nil
	})
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
	err = r.each(r.blocks[i], func(k, v []byte) (bool, error) {
		if string(k) == key {
			value, found = v, true
		}
		return string(k) < key, nil
	})
	return value, found, err
}

// All gives every key and value in order. It stops at the first error.
func (r *Reader) All() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, b := range r.blocks {
			goOn := true
			err := r.each(b, func(k, v []byte) (bool, error) {
				goOn = yield(Record{string(k), v}, nil)
				return goOn, nil
			})
			if err != nil {
				yield(Record{}, err)
				return
			}
			if !goOn {
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

// each calls do for the entries of a block until that is false.
func (r *Reader) each(b block, do func(key, value []byte) (bool, error)) error {
	content := r.data[b.start:b.end]
	if checksum(content) != b.crc {
		return fmt.Errorf("%w: the checksum of a block is wrong", ErrFormat)
	}
	return eachEntry(content, do)
}

func eachEntry(content []byte, do func(key, value []byte) (bool, error)) error {
	var key []byte
	for len(content) > 0 {
		e, after, err := nextEntry(content)
		if err != nil {
			return err
		}
		if key, err = e.appendKey(key); err != nil {
			return err
		}
		goOn, err := do(key, e.value)
		if err != nil || !goOn {
			return err
		}
		content = after
	}
	return nil
}
