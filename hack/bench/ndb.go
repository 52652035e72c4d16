package main

import (
	"encoding/binary"
	"errors"
	"hash/adler32"
)

// writeNDB writes the headers that "rpmdb --exportdb" gives as a database of
// NDB: rpm's lib/backend/ndb/rpmpkg.c. It returns their number.
func writeNDB(path string, exported []byte) (int, error) {
	headers, err := splitHeaders(exported)
	if err != nil {
		return 0, err
	}
	const page, block = 4096, 16
	le := binary.LittleEndian
	pages := (len(headers)+2)/(page/block) + 1
	out := make([]byte, page*pages, page*pages+len(exported)+64*len(headers))
	copy(out, "RpmP")
	le.PutUint32(out[8:], 1)
	le.PutUint32(out[12:], uint32(pages))
	le.PutUint32(out[16:], uint32(len(headers)+1))
	for i := 2; i < len(out)/block; i++ {
		copy(out[block*i:], "Slot")
	}
	for i, header := range headers {
		number, size := uint32(i+1), uint32(len(header))
		start := len(out)
		out = append(out, "BlbS"...)
		out = le.AppendUint32(out, number)
		out = le.AppendUint32(out, 1)
		out = le.AppendUint32(out, size)
		out = append(out, header...)
		for (len(out)+12)%block != 0 {
			out = append(out, 0)
		}
		out = le.AppendUint32(out, adler32.Checksum(out[start:]))
		out = le.AppendUint32(out, size)
		out = append(out, "BlbE"...)
		slot := out[block*(i+2):]
		le.PutUint32(slot[4:], number)
		le.PutUint32(slot[8:], uint32(start/block))
		le.PutUint32(slot[12:], uint32((len(out)-start)/block))
	}
	return len(headers), write(path, out)
}

// splitHeaders splits exported headers, and takes away the magic number that
// they begin with.
func splitHeaders(exported []byte) ([][]byte, error) {
	const magic, entry = 8, 16
	var headers [][]byte
	for len(exported) > 0 {
		if len(exported) < magic+8 {
			return nil, errors.New("what rpm exported ends in the middle of a package")
		}
		entries, size := binary.BigEndian.Uint32(exported[magic:]), binary.BigEndian.Uint32(exported[magic+4:])
		end := magic + 8 + entry*int(entries) + int(size)
		if end > len(exported) {
			return nil, errors.New("what rpm exported ends in the middle of a package")
		}
		headers = append(headers, exported[magic:end])
		exported = exported[end:]
	}
	return headers, nil
}
