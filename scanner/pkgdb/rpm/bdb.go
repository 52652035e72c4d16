package rpm

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// A database of Berkeley DB's access method hash, as its dbinc/db_page.h has it.
// The first page is the metadata; its numbers are in the byte order of the
// machine that wrote them, and so are those of all pages.
const (
	bdbMagic      = 0x00061561
	bdbMetadata   = 512 // bytes, of which the numbers of buckets are the last that matter
	bdbPageHeader = 26  // bytes
	bdbOffPage    = 12  // bytes of an entry that names an overflow page

	// Types of pages.
	bdbFree         = 0 // or a bucket that nothing was ever put into
	bdbHashUnsorted = 2 // before Berkeley DB 4.6
	bdbOverflow     = 7
	bdbHashMeta     = 8
	bdbHash         = 13

	// Types of entries in a page of the hash.
	bdbKeyData   = 1
	bdbOverflows = 3

	bdbChecksums = 1 // flag of the metadata: pages have a longer header
)

func isBDB(start []byte) bool {
	return len(start) == bdbMetadata && (binary.LittleEndian.Uint32(start[12:]) == bdbMagic || binary.BigEndian.Uint32(start[12:]) == bdbMagic)
}

type bdb struct {
	*pages
	order binary.ByteOrder
	meta  []byte   // the start of the first page
	page  []byte   // the page of the hash at hand
	value parts    // the value at hand, if it has pages of its own
	loose []uint32 // overflow pages that nothing had led to when they came by
	away  []chain  // values that have pages of their own and were not read yet
}

// chain is a value that has pages of its own.
type chain struct{ first, length uint32 }

// maxAway bounds how many values are put off.
const maxAway = 1 << 16

// openBDB reads the metadata.
func openBDB(file *rootfs.Section) (*bdb, error) {
	meta := make([]byte, bdbMetadata)
	if err := readAt(file, meta, 0); err != nil {
		return nil, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if binary.BigEndian.Uint32(meta[12:]) == bdbMagic {
		order = binary.BigEndian
	}
	size := order.Uint32(meta[20:])
	switch {
	case meta[25] != bdbHashMeta:
		return nil, damage("the file is no hash of Berkeley DB")
	case meta[24] != 0:
		return nil, damage("the database is encrypted")
	case meta[26]&bdbChecksums != 0:
		return nil, damage("the database has checksums, which rpm does not write")
	case !isPageSize(int(size)):
		return nil, damage(fmt.Sprintf("%d is not the size of a page", size))
	}
	return &bdb{pages: newPages(file, int(size)), order: order, meta: meta}, nil
}

// bdbRecords goes through the buckets of the hash, and then through all pages
// that it did not come by: what is there is listed, whatever the metadata say.
// Data that no package has are those of a page of the hash that is lost.
func bdbRecords(file *rootfs.Section) records {
	return func(yield func([]byte, error) bool) {
		b, err := openBDB(file)
		if err != nil {
			yield(nil, err)
			return
		}
		sound, result := true, yield
		yield = func(blob []byte, err error) bool {
			sound = sound && err == nil
			return result(blob, err)
		}
		if last := b.order.Uint32(b.meta[32:]); last >= b.count && !yield(nil, damage("the end of the file is missing")) {
			return
		}
		buckets := min(int64(b.order.Uint32(b.meta[72:]))+1, int64(b.count))
		for bucket := range uint32(buckets) { //nolint:gosec // at most the pages
			if n := b.bucketPage(bucket); n != 0 && n < b.count && !b.isUsed(n) && !b.hashPage(n, yield) {
				return
			}
		}
		if !b.chains(yield) {
			return
		}
		for n := uint32(1); n < b.count; n++ {
			if !b.isUsed(n) && (!b.hashPage(n, yield) || !b.chains(yield)) {
				return
			}
		}
		if lost := b.unclaimed(); sound && lost > 0 {
			yield(nil, damage(fmt.Sprintf("%d pages have data of packages that are not listed", lost)))
		}
	}
}

// unclaimed is the number of overflow pages that belong to nothing.
func (b *bdb) unclaimed() int {
	lost := map[uint32]struct{}{}
	for _, n := range b.loose {
		if !b.isUsed(n) {
			lost[n] = struct{}{}
		}
	}
	return len(lost)
}

// bucketPage is the first page of a bucket, Berkeley DB's BUCKET_TO_PAGE. The
// buckets with numbers of the same length in bits are in a row.
func (b *bdb) bucketPage(bucket uint32) uint32 {
	return bucket + b.order.Uint32(b.meta[96+4*bits.Len32(bucket):])
}

// hashPage yields the records of a page, if it is one of the hash.
func (b *bdb) hashPage(n uint32, yield func([]byte, error) bool) bool {
	page, err := b.look(n, 1)
	if err != nil {
		return yield(nil, err)
	}
	entries := int(b.order.Uint16(page[20:]))
	switch kind := page[25]; {
	case kind == bdbHash, kind == bdbHashUnsorted:
	case kind == bdbOverflow:
		b.loose = append(b.loose, n)
		return true
	case kind == bdbFree && entries == 0:
		return true
	default:
		return yield(nil, damage(fmt.Sprintf("page %d of the type %d is none of a hash", n, kind)))
	}
	if err := b.use(n); err != nil {
		return yield(nil, err)
	}
	b.page = append(b.page[:0], page...)
	if entries%2 != 0 || bdbPageHeader+2*entries > len(page) {
		return yield(nil, damage(fmt.Sprintf("page %d cannot have %d entries", n, entries)))
	}
	for i := 0; i < entries; i += 2 {
		blob, err := b.record(i)
		if (blob != nil || err != nil) && !yield(blob, err) {
			return false
		}
	}
	return len(b.away) < maxAway || b.chains(yield)
}

// chains yields the values that were put off, in the order of the file: it is
// read faster than in that of the hash, which is none.
func (b *bdb) chains(yield func([]byte, error) bool) bool {
	slices.SortFunc(b.away, func(x, y chain) int {
		return cmp.Or(cmp.Compare(x.first, y.first), cmp.Compare(x.length, y.length))
	})
	for _, c := range b.away {
		if !yield(b.overflow(c.first, c.length)) {
			return false
		}
	}
	b.away = b.away[:0]
	return true
}

// record is the value of a pair of entries: key and value. It is nil for the
// pair of rpm's own, with the key 0, that holds the number of the next package,
// and for a value that chains will yield.
func (b *bdb) record(i int) ([]byte, error) {
	key, err := b.entry(i)
	if err != nil {
		return nil, err
	}
	if key[0] == bdbKeyData && len(key) == 5 && b.order.Uint32(key[1:]) == 0 {
		return nil, nil
	}
	value, err := b.entry(i + 1)
	switch {
	case err != nil:
		return nil, err
	case value[0] == bdbKeyData:
		return value[1:], nil
	case value[0] == bdbOverflows && len(value) == bdbOffPage:
		b.away = append(b.away, chain{b.order.Uint32(value[4:]), b.order.Uint32(value[8:])})
		return nil, nil
	}
	return nil, damage(fmt.Sprintf("there are no entries of the type %d", value[0]))
}

// entry is an entry of the page at hand, with its type in front. Entries fill a
// page from its end; a list of where they begin is at its start.
func (b *bdb) entry(i int) ([]byte, error) {
	position := func(i int) int { return int(b.order.Uint16(b.page[bdbPageHeader+2*i:])) }
	start, end := position(i), len(b.page)
	if i > 0 {
		end = position(i - 1)
	}
	if start < bdbPageHeader || start >= end || end > len(b.page) {
		return nil, damage("an entry is not inside its page")
	}
	return b.page[start:end], nil
}

// overflow puts a value together from a chain of pages, as far as it matters.
func (b *bdb) overflow(n, length uint32) ([]byte, error) {
	if length > maxHeader {
		return nil, damage(tooLong)
	}
	b.value.reset(int(length))
	for at := 0; at < int(length); {
		page, err := b.take(n, (int(length)-at)/(b.size-bdbPageHeader)+1)
		if err != nil {
			return nil, err
		}
		data := int(b.order.Uint16(page[22:]))
		if page[25] != bdbOverflow || data == 0 || bdbPageHeader+data > len(page) {
			return nil, damage(fmt.Sprintf("page %d does not continue it", n))
		}
		if at+data > int(length) {
			return nil, damage("it is longer than stated")
		}
		b.value.add(at, page[bdbPageHeader:bdbPageHeader+data])
		at += data
		n = b.order.Uint32(page[16:])
	}
	return b.value.blob, nil
}
