package rpm

import (
	"encoding/binary"
	"fmt"
	"io"
)

// NDB, rpm's own format: lib/backend/ndb/rpmpkg.c. Pages of slots are at the
// start, the first two slots of the first being the file's header; a slot names
// the blocks of a blob. All numbers are little-endian.
const (
	ndbSlotPage = 4096 // bytes
	ndbBlock    = 16   // bytes; also those of a slot and of a blob's head
	ndbTail     = 12   // bytes: checksum, length and magic
	ndbMaxPages = 2048 // of slots: for half a million packages

	ndbFree = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" // package, offset and length in a slot
)

func isNDB(start []byte) bool {
	return len(start) >= 2*ndbBlock && string(start[:4]) == "RpmP"
}

func ndbRecords(r *io.SectionReader) records {
	return func(yield func([]byte, error) bool) {
		slots, missing, err := ndbSlots(r)
		if err != nil {
			yield(nil, err)
			return
		}
		if missing && !yield(nil, damage("the end of the file is missing")) {
			return
		}
		db := ndb{r: r, left: r.Size()}
		for len(slots) > 0 {
			slot := slots[:ndbBlock]
			slots = slots[ndbBlock:]
			if string(slot[:4]) != "Slot" {
				if !yield(nil, damage("a slot does not start as one")) {
					return
				}
				continue
			}
			if string(slot[4:]) == ndbFree {
				continue
			}
			if !yield(db.blob(slot)) {
				return
			}
		}
	}
}

// ndbSlots reads the slots of all packages. missing says that the file ends
// before they do.
func ndbSlots(r *io.SectionReader) (slots []byte, missing bool, err error) {
	head := make([]byte, 2*ndbBlock)
	if err := readAt(r, head, 0); err != nil {
		return nil, false, err
	}
	if v := binary.LittleEndian.Uint32(head[4:]); v != 0 {
		return nil, false, damage(fmt.Sprintf("version %d of the format is not known", v))
	}
	n := binary.LittleEndian.Uint32(head[12:])
	if n == 0 || n > ndbMaxPages {
		return nil, false, damage(fmt.Sprintf("there cannot be %d pages of slots", n))
	}
	end := min(int64(n)*ndbSlotPage, r.Size())
	slots = make([]byte, end-int64(len(head)))
	if err := readAt(r, slots, int64(len(head))); err != nil {
		return nil, false, err
	}
	return slots[:len(slots)/ndbBlock*ndbBlock], end < int64(n)*ndbSlotPage, nil
}

type ndb struct {
	r    *io.SectionReader
	left int64 // bytes that blobs can still have: no two share any
	buf  []byte
}

// blob reads what a slot points to. Its checksum, Adler-32, is left unread: it
// costs several times what the reading does, and keeps nobody from anything.
func (db *ndb) blob(slot []byte) ([]byte, error) {
	offset := int64(binary.LittleEndian.Uint32(slot[8:])) * ndbBlock
	length := int64(binary.LittleEndian.Uint32(slot[12:])) * ndbBlock
	switch {
	case length < ndbBlock+ndbTail:
		return nil, damage("its slot leaves no place for it")
	case length > maxHeader:
		return nil, damage(tooLong)
	case length > db.left:
		return nil, damage("its slot is larger than what is left of the file")
	}
	db.left -= length
	if int64(cap(db.buf)) < length {
		db.buf = make([]byte, length)
	}
	buf := db.buf[:length]
	if err := readAt(db.r, buf, offset); err != nil {
		return nil, err
	}
	body, tail := buf[:length-ndbTail], buf[length-ndbTail:]
	size := int64(binary.LittleEndian.Uint32(buf[12:]))
	switch {
	case string(buf[:4]) != "BlbS" || string(tail[8:]) != "BlbE":
		return nil, damage("it does not start and end as a package")
	case string(buf[4:8]) != string(slot[4:8]):
		return nil, damage("it is not the package that its slot is for")
	case (ndbBlock+size+ndbTail+ndbBlock-1)/ndbBlock*ndbBlock != length, string(tail[4:8]) != string(buf[12:16]):
		return nil, damage("its length is not that of its slot")
	}
	return body[ndbBlock : ndbBlock+size], nil
}
