package rpm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// The file format of SQLite, https://www.sqlite.org/fileformat2.html: numbers
// are big-endian, pages are counted from 1.
const (
	sqliteMagic  = "SQLite format 3\x00"
	sqliteHeader = 100 // bytes, at the start of the first page

	sqliteInterior = 5  // page of a table's tree
	sqliteLeaf     = 13 // page of a table's tree

	logSuffix     = "-wal"     // behind the path of the database
	journalSuffix = "-journal" // likewise

	journalMagic = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
)

func isSQLite(start []byte) bool { return strings.HasPrefix(string(start), sqliteMagic) }

// openSQLite reads the database together with its write-ahead log, if there is
// one beside it. The main file may be empty as long as the log is there.
func (d *database) openSQLite(fsys fs.FS, main *rootfs.Section, budget *pkgdb.Collector) error {
	if err := d.noteJournal(fsys); err != nil {
		return err
	}
	found, err := pkgdb.EachFile(fsys, []string{d.path + logSuffix}, budget, func(f *rootfs.File, _ string) error {
		log, err := f.Section()
		if err != nil {
			return err
		}
		return d.read(sqliteRecords(main, log.SectionReader))
	})
	if err != nil || found {
		return err
	}
	return d.read(sqliteRecords(main, io.NewSectionReader(nil, 0, 0)))
}

// noteJournal makes a problem of a rollback journal: the database is then in the
// middle of a change, and SQLite would undo it first.
func (d *database) noteJournal(fsys fs.FS) error {
	journal := d.path + journalSuffix
	f, err := rootfs.OpenFile(fsys, journal, pkgdb.MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the package database %w", err)
	}
	start := make([]byte, len(journalMagic))
	if _, err := io.ReadFull(f, start); err == nil && string(start) == journalMagic {
		d.c.Problem(journal, 0, `rpm was interrupted while it changed the database, and the change is not undone yet; run "rpm --rebuilddb" in the image`)
	}
	return f.Close()
}

type sqlite struct {
	*pages
	usable int    // bytes of a page
	inLog  damage // of the write-ahead log
	left   int64  // bytes that rows can still have: no two share any
	id     uint64 // of the row at hand
	leaf   []byte
	cell   [][]byte // of leaf
	whole  []byte   // the row at hand, of which everything matters
	value  parts    // the header at hand
}

// sqliteRecords are the rows of rpm's table Packages (hnum, blob).
func sqliteRecords(main *rootfs.Section, log *io.SectionReader) records {
	return func(yield func([]byte, error) bool) {
		s, err := newSQLite(main, log)
		if err != nil || s == nil {
			if err != nil {
				yield(nil, err)
			}
			return
		}
		if s.inLog != "" && !yield(nil, s.inLog) {
			return
		}
		if stated := s.statedPages(); stated > s.count && !yield(nil, damage("the end of the file is missing")) {
			return
		}
		root, err := s.table("Packages")
		if err != nil {
			yield(nil, err)
			return
		}
		for blob, err := range s.walk(root, s.blob) {
			if !yield(blob, err) {
				return
			}
		}
	}
}

// newSQLite reads the header. Without a page in file or log the result is nil.
func newSQLite(main *rootfs.Section, log *io.SectionReader) (*sqlite, error) {
	committed, err := readWAL(log)
	if err != nil {
		return nil, err
	}
	size := committed.pageSize
	if size == 0 {
		if main.Size() == 0 {
			return nil, committed.problem()
		}
		start := make([]byte, sqliteHeader)
		if err := readAt(main, start, 0); err != nil {
			return nil, err
		}
		size = statedPageSize(start)
	}
	if !isPageSize(size) {
		return nil, damage(fmt.Sprintf("%d is not the size of a page", size))
	}
	s := &sqlite{pages: newPages(main, size), inLog: committed.damage}
	if err := s.overlay(log, committed); err != nil {
		return nil, err
	}
	first, err := s.look(0, 1)
	switch {
	case err != nil:
		return nil, err
	case !isSQLite(first):
		return nil, damage("the first page is not that of a database")
	case statedPageSize(first) != size:
		return nil, damage("its write-ahead log has pages of another size")
	case first[19] > 2:
		return nil, damage(fmt.Sprintf("version %d of the format is not known", first[19]))
	case binary.BigEndian.Uint32(first[56:]) > 1:
		return nil, damage("the database is not in UTF-8, as rpm writes it")
	}
	s.usable = size - int(first[20])
	s.left = int64(s.count) * int64(size)
	if s.usable < 480 {
		return nil, damage("its pages leave no place for data")
	}
	return s, nil
}

// statedPageSize is the size of a page as the header states it.
func statedPageSize(header []byte) int {
	if size := int(binary.BigEndian.Uint16(header[16:])); size != 1 {
		return size
	}
	return 64 << 10 // has no room in 16 bits
}

func isPageSize(n int) bool { return n >= 512 && n <= 64<<10 && n&(n-1) == 0 }

// statedPages is the number of pages as the header states it, or 0.
func (s *sqlite) statedPages() uint32 {
	first, err := s.look(0, 1)
	if err != nil || !bytes.Equal(first[24:28], first[92:96]) {
		return 0
	}
	return binary.BigEndian.Uint32(first[28:])
}

// table finds the root page of a table in the schema.
func (s *sqlite) table(name string) (root uint32, err error) {
	for row, err := range s.rows(1) {
		if err != nil {
			return 0, err
		}
		columns, err := sqliteColumns(row) // type, name, tbl_name, rootpage, sql
		if err != nil {
			return 0, err
		}
		if string(columns[0].data) == "table" && strings.EqualFold(string(columns[1].data), name) && len(columns[3].data) <= 4 {
			for _, b := range columns[3].data {
				root = root<<8 | uint32(b)
			}
			return root, nil
		}
	}
	return 0, noTable(name)
}

// noTable is the damage of a database without the table of a name.
func noTable(name string) damage { return damage("the database has no table " + name) }

// rows yields the rows of a table.
func (s *sqlite) rows(root uint32) records { return s.walk(root, s.record) }

// walk yields what read makes of the rows of a table: all leaves of its tree.
func (s *sqlite) walk(root uint32, read func(cell []byte) ([]byte, error)) records {
	return func(yield func([]byte, error) bool) {
		if err := s.use(root - 1); err != nil {
			yield(nil, err)
			return
		}
		todo := []uint32{root}
		for len(todo) > 0 {
			n := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			cells, page, err := s.cells(n)
			if err == nil && page[0] == sqliteInterior {
				todo, err = s.children(cells, page, todo)
			} else if err == nil {
				for _, cell := range cells {
					if !yield(read(cell)) {
						return
					}
				}
			}
			if err != nil && !yield(nil, err) {
				return
			}
		}
	}
}

// cells splits a page of a tree. Its header is the returned page's start.
func (s *sqlite) cells(n uint32) (cells [][]byte, page []byte, err error) {
	whole, err := s.look(n-1, 1)
	if err != nil {
		return nil, nil, err
	}
	s.leaf = append(s.leaf[:0], whole[:s.usable]...)
	whole, page = s.leaf, s.leaf
	if n == 1 {
		page = page[sqliteHeader:]
	}
	start := 8
	switch page[0] {
	case sqliteInterior:
		start = 12
	case sqliteLeaf:
	default:
		return nil, nil, damage(fmt.Sprintf("page %d is not one of a table", n))
	}
	count := int(binary.BigEndian.Uint16(page[3:]))
	if start+6*count > len(page) { // a pointer, and the smallest cell
		return nil, nil, damage(fmt.Sprintf("page %d cannot have %d cells", n, count))
	}
	s.cell = s.cell[:0]
	for i := range count {
		at := int(binary.BigEndian.Uint16(page[start+2*i:]))
		if at < start || at+4 > len(whole) {
			return nil, nil, damage(fmt.Sprintf("a cell of page %d is not inside it", n))
		}
		s.cell = append(s.cell, whole[at:])
	}
	return s.cell, page, nil
}

// children adds the pages below an interior page, the first of them last. The
// error is about one of them, and the others are added.
func (s *sqlite) children(cells [][]byte, page []byte, todo []uint32) (_ []uint32, err error) {
	for i := len(cells); i >= 0; i-- {
		child := page[8:] // the last has no cell
		if i < len(cells) {
			child = cells[i]
		}
		n := binary.BigEndian.Uint32(child)
		if bad := s.use(n - 1); bad != nil {
			err = bad
			continue
		}
		todo = append(todo, n)
	}
	return todo, err
}

// payload is the record of a row: its length, what of it is in the cell, and
// the first of the pages with the rest. How much is in the cell is told by the
// format's section 1.6.
type payload struct {
	length int
	local  []byte
	next   uint32 // 0 if there is no rest
}

func (s *sqlite) payload(cell []byte) (payload, error) {
	size, n := sqliteVarint(cell)
	id, key := sqliteVarint(cell[n:])
	if n == 0 || key == 0 {
		return payload{}, damage("its cell is cut off")
	}
	if size > maxHeader {
		return payload{}, damage(tooLong)
	}
	if s.left -= int64(size); s.left < 0 {
		return payload{}, damage("the rows are larger than the database")
	}
	s.id = id
	cell = cell[n+key:]
	length, local := int(size), int(size)
	if most := s.usable - 35; length > most {
		least := (s.usable-12)*32/255 - 23
		if local = least + (length-least)%(s.usable-4); local > most {
			local = least
		}
	}
	if local > len(cell) || local < length && local+4 > len(cell) {
		return payload{}, damage("its cell is cut off")
	}
	p := payload{length: length, local: cell[:local]}
	if local < length {
		p.next = binary.BigEndian.Uint32(cell[local:])
	}
	return p, nil
}

// rest gives add the parts of a record that are not in its cell, in their order
// and with their positions.
func (s *sqlite) rest(p payload, add func(at int, data []byte)) error {
	next := p.next
	for at := len(p.local); at < p.length; {
		page, err := s.take(next-1, (p.length-at)/(s.usable-4)+1)
		if err != nil {
			return err
		}
		data := page[4:][:min(s.usable-4, p.length-at)]
		add(at, data)
		at += len(data)
		next = binary.BigEndian.Uint32(page)
	}
	return nil
}

// record puts the record of a row together.
func (s *sqlite) record(cell []byte) ([]byte, error) {
	p, err := s.payload(cell)
	if err != nil || len(p.local) == p.length {
		return p.local, err
	}
	s.whole = append(slices.Grow(s.whole[:0], p.length), p.local...)
	err = s.rest(p, func(_ int, data []byte) { s.whole = append(s.whole, data...) })
	return s.whole, err
}

// blob puts the second column of a row together, which is a header, as far as it
// matters.
func (s *sqlite) blob(cell []byte) ([]byte, error) {
	p, err := s.payload(cell)
	if err != nil {
		return nil, err
	}
	start, length, err := blobOf(p.local, p.length)
	if err != nil {
		return nil, err
	}
	s.value.reset(length)
	add := func(at int, data []byte) {
		if skip := start - at; skip > 0 {
			at, data = start, data[min(skip, len(data)):]
		}
		if at -= start; at < length {
			s.value.add(at, data[:min(len(data), length-at)])
		}
	}
	add(0, p.local)
	return s.value.blob, s.rest(p, add)
}

// column is a value of a record. What its bytes mean depends on kind.
type column struct {
	kind uint64
	data []byte
}

// number is the value of an integer. Those that matter are not negative.
func (c column) number() (n uint64) {
	if c.kind == 9 {
		return 1
	}
	if c.kind <= 6 {
		for _, b := range c.data {
			n = n<<8 | uint64(b)
		}
	}
	return n
}

// blobOf is where the second column is in a record of a length, of which the
// start is given.
func blobOf(start []byte, length int) (at, size int, err error) {
	cutOff := damage("a row is cut off")
	kinds, n := sqliteVarint(start)
	if n == 0 || kinds > uint64(len(start)) || int(kinds) < n { //nolint:gosec // at most len(start)
		return 0, 0, cutOff
	}
	first, n1 := sqliteVarint(start[n:kinds])
	second, n2 := sqliteVarint(start[n+n1 : kinds])
	if second < 12 || second%2 != 0 {
		return 0, 0, damage("the row holds no package")
	}
	before, blob := serialSize(first), serialSize(second)
	if n1 == 0 || n2 == 0 || before > uint64(length) || blob > uint64(length) || kinds+before+blob > uint64(length) { //nolint:gosec // a length
		return 0, 0, cutOff
	}
	return int(kinds + before), int(blob), nil //nolint:gosec // at most length
}

// sqliteColumns splits the first columns of a record. Columns that it has not
// are empty.
func sqliteColumns(record []byte) (columns [6]column, err error) {
	size, n := sqliteVarint(record)
	if n == 0 || size > uint64(len(record)) || int(size) < n { //nolint:gosec // at most len(record)
		return columns, damage("a row is cut off")
	}
	kinds, data := record[n:size], record[size:]
	for i := range columns {
		if len(kinds) == 0 {
			break
		}
		kind, n := sqliteVarint(kinds)
		size := serialSize(kind)
		if n == 0 || size > uint64(len(data)) {
			return columns, damage("a row is cut off")
		}
		columns[i] = column{kind, data[:size]}
		kinds, data = kinds[n:], data[size:]
	}
	return columns, nil
}

// serialSize is the number of bytes of a value of a serial type.
func serialSize(kind uint64) uint64 {
	switch {
	case kind >= 12:
		return (kind - 12) / 2
	case kind <= 4:
		return kind
	case kind == 5:
		return 6
	case kind <= 7:
		return 8
	}
	return 0
}

// sqliteVarint decodes a number of one to nine bytes: seven bits each, and all
// eight of the ninth. n is 0 if it is cut off.
func sqliteVarint(b []byte) (v uint64, n int) {
	for i := range min(len(b), 9) {
		if i == 8 {
			return v<<8 | uint64(b[i]), 9
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
