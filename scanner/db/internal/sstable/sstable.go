// Package sstable reads and writes a sorted table of keys and values in a file,
// in the manner of Bigtable and LevelDB
// (https://github.com/google/leveldb/blob/main/doc/table_format.md), without
// what a file that is never changed does not need.
//
//	parts, one after the other, of each
//	    blocks, one after the other
//	    index of the part: a block with an entry for each block: its first key,
//	        and as value its length (varint) and its CRC-32C (4 bytes)
//	index: a block with an entry for each part: its first key, and as value the
//	    length of its blocks together and that of its index (varints), and the
//	    CRC-32C of its index (4 bytes)
//	footer: length of the index, CRC-32C of the index, magic
//
// A block is entries in the order of their keys. An entry is the length of what
// its key shares with the one before it in the block, the length of the rest,
// the length of the value (three varints), the rest and the value. Fixed
// numbers are little-endian.
//
// An index of parts makes opening a large table as cheap as opening a small one.
// The reader reads a block at a time and holds no more than one, besides the
// indices of the parts that it looked into. It trusts nothing: whatever it uses has been checked against a checksum and for bounds
// first.
package sstable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

const (
	magic      = "mscansst"
	footerSize = 4 + 4 + len(magic)
	crcSize    = 4
	// A block ends after so many entries or bytes. A lookup checks and reads
	// one block.
	blockEntries = 16
	blockBytes   = 4096
	// A part ends when its index has so many bytes.
	indexBytes = 4096
	// MaxKey is the longest key in bytes.
	MaxKey = 1024
)

// ErrFormat is wrapped by all errors about data that are not a whole table.
var ErrFormat = errors.New("not a whole table")

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// entries goes through the entries of a block.
type entries struct {
	left       []byte
	key, value []byte // of the entry; key is valid until the next
	err        error
}

// next reads an entry. It is false at the end, and then err may be set.
func (e *entries) next() bool {
	if len(e.left) == 0 {
		return false
	}
	shared, rest, valueLen := e.number(MaxKey), e.number(MaxKey), e.number(len(e.left))
	switch {
	case e.err != nil:
	case shared > len(e.key) || shared+rest > MaxKey:
		e.err = fmt.Errorf("%w: a key shares more than there is", ErrFormat)
	case rest > len(e.left)-valueLen:
		e.err = fmt.Errorf("%w: an entry is longer than its block", ErrFormat)
	}
	if e.err != nil {
		return false
	}
	e.key = append(e.key[:shared], e.left[:rest]...)
	end := rest + valueLen
	e.value, e.left = e.left[rest:end:end], e.left[end:]
	return true
}

// number reads a number up to limit.
func (e *entries) number(limit int) int {
	v, size := binary.Uvarint(e.left)
	if size <= 0 || v > uint64(limit) { //nolint:gosec // G115: limits are lengths.
		e.err = fmt.Errorf("%w: an entry is longer than its block", ErrFormat)
		e.left = nil
		return 0
	}
	e.left = e.left[size:]
	return int(v) //nolint:gosec // G115: no more than an int.
}
