package rpm

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// NDB, rpm's own format: lib/backend/ndb/rpmpkg.c. Pages of slots are at the
// start, the first two slots of the first being the file's header; a slot names
// the blocks of a blob. All numbers are little-endian.
const (
	ndbSlotPage = 4096 // bytes
	ndbBlock    = 16   // bytes; also those of a slot and of a blob's head
	ndbTail     = 12   // bytes: checksum, length and magic
	ndbPiece    = 4096 // bytes of a blob that are looked at, or not, together
	ndbMaxPages = 2048 // of slots: for half a million packages

	ndbFree = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" // package, offset and length in a slot
)

func isNDB(start []byte) bool {
	return len(start) >= 2*ndbBlock && string(start[:4]) == "RpmP"
}

func ndbRecords(file *rootfs.Section) records {
	return func(yield func([]byte, error) bool) {
		slots, missing, err := ndbSlots(file)
		if err != nil {
			yield(nil, err)
			return
		}
		if missing && !yield(nil, damage("the end of the file is missing")) {
			return
		}
		db := ndb{file: file, left: file.Size()}
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
func ndbSlots(file *rootfs.Section) (slots []byte, missing bool, err error) {
	head := make([]byte, 2*ndbBlock)
	if err := readAt(file, head, 0); err != nil {
		return nil, false, err
	}
	if v := binary.LittleEndian.Uint32(head[4:]); v != 0 {
		return nil, false, damage(fmt.Sprintf("version %d of the format is not known", v))
	}
	n := binary.LittleEndian.Uint32(head[12:])
	if n == 0 || n > ndbMaxPages {
		return nil, false, damage(fmt.Sprintf("there cannot be %d pages of slots", n))
	}
	end := min(int64(n)*ndbSlotPage, file.Size())
	slots = make([]byte, end-int64(len(head)))
	if err := readAt(file, slots, int64(len(head))); err != nil {
		return nil, false, err
	}
	return slots[:len(slots)/ndbBlock*ndbBlock], end < int64(n)*ndbSlotPage, nil
}

type ndb struct {
	file  *rootfs.Section
	left  int64 // bytes that blobs can still have: no two share any
	value parts // the blob at hand
}

// blob reads what a slot points to, as far as it matters. Its checksum, Adler-32, is left unread: it
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
	head, err := db.copy(offset, ndbBlock)
	if err != nil {
		return nil, err
	}
	tail, err := db.copy(offset+length-ndbTail, ndbTail)
	if err != nil {
		return nil, err
	}
	size := int64(binary.LittleEndian.Uint32(head[12:]))
	switch {
	case string(head[:4]) != "BlbS" || string(tail[8:]) != "BlbE":
		return nil, damage("it does not start and end as a package")
	case string(head[4:8]) != string(slot[4:8]):
		return nil, damage("it is not the package that its slot is for")
	case (ndbBlock+size+ndbTail+ndbBlock-1)/ndbBlock*ndbBlock != length, string(tail[4:8]) != string(head[12:16]):
		return nil, damage("its length is not that of its slot")
	}
	return db.header(offset+ndbBlock, int(size))
}

// copy gives a few bytes of the file.
func (db *ndb) copy(offset int64, n int) ([]byte, error) {
	b, err := bytesAt(db.file, offset, n, n)
	return bytes.Clone(b), err
}

// header gives a header: where it is, if the file is mapped, and else put
// together from the pieces that matter.
func (db *ndb) header(offset int64, size int) ([]byte, error) {
	if db.file.Mapped() {
		return bytesAt(db.file, offset, size, size)
	}
	db.value.reset(size)
	for at := 0; at < size; at += ndbPiece {
		n := min(ndbPiece, size-at)
		if !db.value.wants(at, at+n) {
			continue
		}
		piece, err := bytesAt(db.file, offset+int64(at), n, size-at)
		if err != nil {
			return nil, err
		}
		db.value.add(at, piece)
	}
	return db.value.blob, nil
}
