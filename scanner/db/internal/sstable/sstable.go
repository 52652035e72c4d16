// Package sstable reads and writes a sorted table of keys and values in a file,
// in the manner of Bigtable and LevelDB
// (https://github.com/google/leveldb/blob/main/doc/table_format.md), without
// what a file that is never changed does not need.
//
//	blocks, one after the other
//	index: a block with an entry for each block: its first key, and
//	    as value its length (varint) and its CRC-32C (4 bytes)
//	footer: length of the index, CRC-32C of the index, magic
//
// A block is entries in the order of their keys. An entry is the length of what
// its key shares with the one before it in the block, the length of the rest,
// the length of the value (three varints), the rest and the value. Fixed
// numbers are little-endian.
//
// The reader works on a byte slice, such as a mapped file. It trusts nothing:
// whatever it uses has been checked against a checksum and for bounds first.
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
	// MaxKey is the longest key in bytes.
	MaxKey = 1024
)

// ErrFormat is wrapped by all errors about data that are not a whole table.
var ErrFormat = errors.New("not a whole table")

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// entry is an entry of a block whose key is still shared with others.
type entry struct {
	shared      int
	rest, value []byte
}

// nextEntry splits the first entry off a block.
func nextEntry(block []byte) (e entry, after []byte, err error) {
	var n [3]uint64
	for i := range n {
		v, size := binary.Uvarint(block)
		if size <= 0 {
			return entry{}, nil, fmt.Errorf("%w: an entry is cut off", ErrFormat)
		}
		n[i], block = v, block[size:]
	}
	if n[0] > MaxKey || n[1] > MaxKey || n[2] > uint64(len(block)) || n[1] > uint64(len(block))-n[2] {
		return entry{}, nil, fmt.Errorf("%w: an entry is longer than its block", ErrFormat)
	}
	end := n[1] + n[2]
	return entry{int(n[0]), block[:n[1]], block[n[1]:end:end]}, block[end:], nil
}

// appendKey gives the key of e, built upon the key before it.
func (e entry) appendKey(last []byte) ([]byte, error) {
	if e.shared > len(last) || e.shared+len(e.rest) > MaxKey {
		return nil, fmt.Errorf("%w: a key shares more than there is", ErrFormat)
	}
	return append(last[:e.shared], e.rest...), nil
}
