package sstable

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// FuzzReader reads hostile tables whose checksums are right: a block of the
// fuzzer's, an index of the fuzzer's, of the part and of the table, and what it
// likes.
func FuzzReader(f *testing.F) {
	f.Add([]byte("\x00\x01\x01ab\x01\x01\x00c"), []byte("\x00\x01\x05a\x08\x00\x00\x00\x00"), true)
	f.Add([]byte{}, []byte{}, false)
	f.Fuzz(func(t *testing.T, block, index []byte, sign bool) {
		var data bytes.Buffer
		data.Write(block)
		if sign {
			// Indices with the right checksums lead behind those of the blocks.
			var e, top encoder
			e.put("", binary.LittleEndian.AppendUint32(binary.AppendUvarint(nil, uint64(len(block))), checksum(block)))
			part := slices.Concat(e.out, index)
			place := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(block))), uint64(len(part)))
			top.put("", binary.LittleEndian.AppendUint32(place, checksum(part)))
			data.Write(part)
			index = top.out
		}
		data.Write(index)
		footer := binary.LittleEndian.AppendUint32(nil, uint32(len(index)))
		footer = binary.LittleEndian.AppendUint32(footer, checksum(index))
		data.Write(append(footer, magic...))
		r, err := NewReader(bytes.NewReader(data.Bytes()), int64(data.Len()))
		if err != nil {
			return
		}
		for _, key := range []string{"", "a", "b\xff"} {
			if value, found, err := r.Get(key); err != nil && (found || value != nil) && len(value) > len(block) {
				t.Fatal("a value larger than its block")
			}
		}
		for rec, err := range r.All() {
			if err == nil && len(rec.Key) > MaxKey {
				t.Fatal("a key longer than allowed")
			}
		}
	})
}
