package rpm_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"hash/adler32"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Tags of rpm's headers.
const (
	name        = 1000
	version     = 1001
	release     = 1002
	epoch       = 1003
	installTime = 1008
	vendor      = 1011
	license     = 1014
	arch        = 1022
	sourceRPM   = 1044
	module      = 5096
)

// tags are the values of a header: text, or a number.
type tags map[uint32]any

// packageTags are those of an ordinary package with a source of its own name.
func packageTags(n string, more tags) tags {
	t := tags{
		name: n, version: "1.0", release: "1.el9", arch: "x86_64", sourceRPM: n + "-1.0-1.el9.src.rpm",
		license: "MIT", vendor: "Red Hat, Inc.", installTime: uint32(1700000000),
	}
	for tag, value := range more {
		if t[tag] = value; value == nil {
			delete(t, tag)
		}
	}
	return t
}

// blob is a header as databases store it.
func blob(values tags) []byte {
	var index, data []byte
	order := make([]uint32, 0, len(values))
	for tag := range values {
		order = append(order, tag)
	}
	slices.Sort(order)
	for _, tag := range order {
		kind := uint32(6)
		if _, ok := values[tag].(uint32); ok {
			kind = 4
			data = append(data, make([]byte, -len(data)&3)...)
		}
		for _, n := range []uint32{tag, kind, uint32(len(data)), 1} {
			index = binary.BigEndian.AppendUint32(index, n)
		}
		switch v := values[tag].(type) {
		case string:
			data = append(append(data, v...), 0)
		case uint32:
			data = binary.BigEndian.AppendUint32(data, v)
		}
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(len(order)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
	return slices.Concat(out, index, data)
}

// packages are the headers of ordinary packages.
func packages(names ...string) [][]byte {
	out := [][]byte{}
	for _, n := range names {
		out = append(out, blob(packageTags(n, nil)))
	}
	return out
}

const bdbPage = 512

// bdb is a database of Berkeley DB with one bucket and pages of 512 bytes, in
// which values are in chains of pages, but for a short one.
func bdb(order binary.ByteOrder, blobs [][]byte) []byte {
	pages := [][]byte{make([]byte, bdbPage)}
	page := func(kind byte) []byte {
		p := make([]byte, bdbPage)
		p[25] = kind
		pages = append(pages, p)
		return p
	}
	hash := page(13)
	entries, free := 0, bdbPage
	add := func(entry []byte) {
		if 26+2*(entries+1) > free-len(entry) {
			hash, entries, free = page(13), 0, bdbPage
		}
		free -= len(entry)
		copy(hash[free:], entry)
		order.PutUint16(hash[26+2*entries:], uint16(free))
		entries++
		order.PutUint16(hash[20:], uint16(entries))
	}
	key := func(n int) { add(append([]byte{1}, number(order, n)...)) }
	key(0)
	add(append([]byte{1}, number(order, len(blobs))...))
	for i, value := range blobs {
		if entries%2 == 0 && 26+2*(entries+2) > free-17 {
			hash, entries, free = page(13), 0, bdbPage
		}
		key(i + 1)
		add(slices.Concat([]byte{3, 0, 0, 0}, number(order, len(pages)), number(order, len(value))))
		for len(value) > 0 {
			part := value[:min(len(value), bdbPage-26)]
			value = value[len(part):]
			p := page(7)
			order.PutUint16(p[22:], uint16(len(part)))
			copy(p[26:], part)
			if len(value) > 0 {
				order.PutUint32(p[16:], uint32(len(pages)))
			}
		}
	}
	meta := pages[0]
	order.PutUint32(meta[12:], 0x00061561)
	order.PutUint32(meta[20:], bdbPage)
	meta[25] = 8
	order.PutUint32(meta[32:], uint32(len(pages)-1))
	order.PutUint32(meta[96:], 1)
	return slices.Concat(pages...)
}

func number(order binary.ByteOrder, n int) []byte {
	b := make([]byte, 4)
	order.PutUint32(b, uint32(n))
	return b
}

// ndb is a database in rpm's own format with pages of slots for all packages.
func ndb(blobs [][]byte) []byte {
	le := binary.LittleEndian
	pages := (len(blobs)+2)/256 + 1
	out := make([]byte, 4096*pages)
	copy(out, "RpmP")
	le.PutUint32(out[12:], uint32(pages))
	for i := 2; i < len(out)/16; i++ {
		copy(out[16*i:], "Slot")
	}
	for i, value := range blobs {
		head := slices.Concat([]byte("BlbS"), number(le, i+1), number(le, 1), number(le, len(value)))
		body := slices.Concat(head, value)
		body = append(body, make([]byte, -(len(body)+12)&15)...)
		tail := slices.Concat(number(le, int(adler32.Checksum(body))), number(le, len(value)), []byte("BlbE"))
		slot := out[16*(i+2):]
		le.PutUint32(slot[4:], uint32(i+1))
		le.PutUint32(slot[8:], uint32(len(out)/16))
		le.PutUint32(slot[12:], uint32((len(body)+len(tail))/16))
		out = slices.Concat(out, body, tail)
	}
	return out
}

// liveSQLite is a database that SQLite itself writes and still has open.
type liveSQLite struct {
	t    testing.TB
	path string
	conn *sql.Conn
}

func openSQLite(t testing.TB, path string) *liveSQLite {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	conn, err := db.Conn(context.Background())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(); _ = db.Close() })
	return &liveSQLite{t, path, conn}
}

// newSQLite makes a database like rpm's. pragmas come before the table.
func newSQLite(t testing.TB, pragmas ...string) *liveSQLite {
	t.Helper()
	s := openSQLite(t, filepath.Join(t.TempDir(), "rpmdb.sqlite"))
	for _, pragma := range pragmas {
		s.exec(pragma)
	}
	s.exec("CREATE TABLE IF NOT EXISTS 'Basenames' (key TEXT NOT NULL, hnum INTEGER NOT NULL)")
	s.exec("CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)")
	return s
}

func (s *liveSQLite) exec(query string, args ...any) {
	s.t.Helper()
	_, err := s.conn.ExecContext(context.Background(), query, args...)
	require.NoError(s.t, err, query)
}

func (s *liveSQLite) insert(blobs ...[]byte) *liveSQLite {
	s.t.Helper()
	for _, b := range blobs {
		s.exec("INSERT INTO Packages(blob) VALUES (?)", b)
	}
	return s
}

// file is a copy of the database, or with a suffix of a file beside it.
func (s *liveSQLite) file(suffix string) []byte {
	s.t.Helper()
	dt, err := os.ReadFile(s.path + suffix)
	require.NoError(s.t, err)
	return bytes.Clone(dt)
}

// sqlite is a database in SQLite.
func sqlite(t testing.TB, blobs [][]byte) []byte {
	t.Helper()
	return newSQLite(t, "PRAGMA journal_mode=MEMORY").insert(blobs...).file("")
}
