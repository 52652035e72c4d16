package rpm_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
)

// selected are the names of the packages as SQLite itself selects them. Each
// header that the tests make is found by the name of its source.
func (s *liveSQLite) selected() []string {
	s.t.Helper()
	rows, err := s.conn.QueryContext(context.Background(), "SELECT blob FROM Packages")
	require.NoError(s.t, err)
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var b []byte
		require.NoError(s.t, rows.Scan(&b))
		before, _, ok := strings.Cut(string(b), "-1.0-1.el9.src.rpm\x00")
		require.True(s.t, ok)
		out = append(out, before[strings.LastIndexByte(before, 0)+1:])
	}
	require.NoError(s.t, rows.Err())
	slices.Sort(out)
	return out
}

// image is a root file system with the database as it is on disk now.
func (s *liveSQLite) image() fstest.MapFS {
	list := map[string][]byte{pathSQLite: s.file("")}
	for _, suffix := range []string{"-wal", "-journal"} {
		if _, err := os.Stat(s.path + suffix); err == nil {
			list[pathSQLite+suffix] = s.file(suffix)
		}
	}
	return files(list)
}

// agree compares with what SQLite selects.
func (s *liveSQLite) agree(what string) {
	s.t.Helper()
	want := s.selected()
	require.NotEmpty(s.t, want, what)
	c := read(s.t, s.image())
	assert.Empty(s.t, c.Problems(), what)
	assert.Equal(s.t, want, names(c.Packages()), what)
}

// TestLikeSQLite takes databases with pages of every size through what becomes
// of a database, and compares with what SQLite selects after each step.
func TestLikeSQLite(t *testing.T) {
	for size := 512; size <= 64<<10; size *= 2 {
		for _, more := range []string{"auto_vacuum=NONE", "auto_vacuum=FULL", "auto_vacuum=INCREMENTAL", "journal_mode=WAL"} {
			t.Run(fmt.Sprint(size, " ", more), func(t *testing.T) {
				s := newSQLite(t, fmt.Sprint("PRAGMA page_size=", size), "PRAGMA "+more, "PRAGMA wal_autocheckpoint=0", "PRAGMA synchronous=OFF")
				s.exec("BEGIN")
				for i := range 150 {
					// Around the lengths at which a row gets a page of its own.
					length := []int{0, 50, size/2 - 300, size - 360, size - 340, size, 3*size + i, 20 * i}[i%8]
					s.insert(blob(packageTags(fmt.Sprintf("p%03d", i), tags{license: strings.Repeat("x", min(4000, max(0, length))), 1044 + 5000: strings.Repeat("y", max(0, length))})))
				}
				s.exec("COMMIT")
				s.agree("inserted")
				s.exec("DELETE FROM Packages WHERE hnum % 3 != 0")
				s.agree("deleted")
				s.insert(packages("after", "later")...)
				s.agree("with free pages")
				s.exec("DELETE FROM Packages WHERE hnum > 40 AND hnum < 140")
				s.exec("PRAGMA incremental_vacuum(7)")
				s.agree("vacuumed in part")
				s.exec("VACUUM")
				s.agree("vacuumed")
				s.exec("PRAGMA wal_checkpoint(TRUNCATE)")
				s.agree("checkpointed")
				s.insert(blob(packageTags("last", tags{license: strings.Repeat("z", 3000)})))
				s.agree("inserted again")
			})
		}
	}
}

// TestShrunkInLog: the database is smaller in the log than in its file, and the
// log is larger than the database.
func TestShrunkInLog(t *testing.T) {
	s := newSQLite(t, "PRAGMA page_size=512", "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0")
	for i := range 100 {
		s.insert(blob(packageTags(fmt.Sprint("p", i), tags{license: strings.Repeat("x", 2000)})))
	}
	s.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	for i := range 30 {
		s.exec("DELETE FROM Packages WHERE hnum > ?", 70-2*i)
	}
	s.exec("VACUUM")
	require.Greater(t, len(s.file("-wal")), len(s.file(""))/4)
	s.agree("vacuumed in the log")
	s.exec("PRAGMA wal_checkpoint(PASSIVE)")
	s.agree("the log is copied")
	s.insert(packages("new")...)
	s.agree("the log begins anew")
}

// TestQuotedName: the schema has the name of a table without its quotes, on
// pages of its own if it is long.
func TestQuotedName(t *testing.T) {
	s := newSQLite(t, "PRAGMA page_size=512", "PRAGMA journal_mode=MEMORY")
	s.exec("DROP TABLE Packages")
	for i := range 40 {
		s.exec(fmt.Sprintf("CREATE TABLE [t%d] (a TEXT, b TEXT DEFAULT '%s')", i, strings.Repeat("d", 300*(i%3))))
		s.exec(fmt.Sprintf("CREATE INDEX i%[1]d ON t%[1]d (a, b)", i))
	}
	s.exec("CREATE VIEW Package AS SELECT 1")
	s.exec(`CREATE TABLE "PACKAGES" /* Packages */ (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)`)
	s.insert(packages("bash", "zlib")...).agree("quoted")
}

// TestReservedBytes: extensions of SQLite take bytes at the end of each page.
func TestReservedBytes(t *testing.T) {
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Skip("needs sqlite3, of Debian's package of that name")
	}
	for _, reserved := range []int{4, 32, 255} {
		path := filepath.Join(t.TempDir(), "rpmdb.sqlite")
		script := fmt.Sprintf(".filectrl reserve_bytes %d\nPRAGMA page_size=1024;\nVACUUM;\n"+
			"CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL);\n", reserved)
		want := []string{}
		for i := range 60 {
			n := fmt.Sprintf("p%02d", i)
			want = append(want, n)
			script += fmt.Sprintf("INSERT INTO Packages(blob) VALUES (x'%x');\n", blob(packageTags(n, tags{license: strings.Repeat("x", 60*i)})))
		}
		cmd := exec.Command("sqlite3", path)
		cmd.Stdin = strings.NewReader(script)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		dt := content(t, path)
		require.EqualValues(t, reserved, dt[20])
		c := read(t, files(map[string][]byte{pathSQLite: dt}))
		assert.Empty(t, c.Problems())
		assert.Equal(t, want, names(c.Packages()), reserved)
	}
}

// TestNotRead: what this package does not read is a problem, never a database
// without packages.
func TestNotRead(t *testing.T) {
	utf16 := newSQLite(t, "PRAGMA encoding='UTF-16le'", "PRAGMA journal_mode=MEMORY").insert(packages("bash")...).file("")
	future := sqlite(t, packages("bash"))
	future[19] = 3
	for want, dt := range map[string][]byte{
		"is not in UTF-8":                      utf16,
		"version 3 of the format is not known": future,
	} {
		c := read(t, files(map[string][]byte{pathSQLite: dt}))
		assert.Empty(t, c.Packages())
		require.Len(t, c.Problems(), 1)
		assert.Contains(t, c.Problems()[0].Reason, want)
	}
}

// TestLogOfOtherDatabase: its pages are of another size, and the first page is
// not among them.
func TestLogOfOtherDatabase(t *testing.T) {
	log := func(pages string) []byte {
		s := newSQLite(t, "PRAGMA page_size="+pages, "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0")
		s.exec("PRAGMA wal_checkpoint(TRUNCATE)")
		return s.insert(packages("other")...).file("-wal")
	}
	dt := newSQLite(t, "PRAGMA page_size=1024", "PRAGMA journal_mode=MEMORY").insert(packages("bash", "zlib")...).file("")
	c := read(t, files(map[string][]byte{pathSQLite: dt, pathSQLite + "-wal": log("512")}))
	require.NotEmpty(t, c.Problems())
	assert.Contains(t, c.Problems()[0].Reason, "pages of another size")
}

// TestDamagedLog: SQLite forgets what was committed after damage. Here it is a
// problem as well; what an older log has left is none.
func TestDamagedLog(t *testing.T) {
	s := newSQLite(t, "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0").insert(packages("first")...)
	first := len(s.file("-wal"))
	s.insert(packages("second")...)
	log := s.file("-wal")
	flip := func(at int) []byte {
		out := slices.Clone(log)
		out[at] ^= 0x10
		return out
	}
	for what, dt := range map[string][]byte{
		"cut": log[:len(log)-1], "data": flip(first + 24 + 100), "number of a page": flip(first + 3),
		"checksum": flip(first + 16), "magic": flip(0), "size of a page": flip(8), "checksum of the start": flip(31),
	} {
		c := read(t, files(map[string][]byte{pathSQLite: s.file(""), pathSQLite + "-wal": dt}))
		require.NotEmpty(t, c.Problems(), what)
		assert.Contains(t, c.Problems()[0].Reason, "write-ahead log", what)
		assert.NotContains(t, names(c.Packages()), "second", what)
	}
	s.exec("PRAGMA wal_checkpoint(RESTART)")
	s.insert(packages("third")...)
	s.agree("frames of before")
}

// TestBothOrdersOfTheLog: the checksums of a log are of words in the byte order
// of the machine that wrote it.
func TestBothOrdersOfTheLog(t *testing.T) {
	s := newSQLite(t, "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0").insert(packages("bash")...)
	log := s.file("-wal")
	big := log[3] == 0x83
	var order binary.ByteOrder = binary.BigEndian
	if big {
		order = binary.LittleEndian
	}
	log[3] ^= 1
	var s0, s1 uint32
	sum := func(b, stored []byte) {
		for ; len(b) > 0; b = b[8:] {
			s0 += order.Uint32(b) + s1
			s1 += order.Uint32(b[4:]) + s0
		}
		if stored != nil {
			binary.BigEndian.PutUint32(stored, s0)
			binary.BigEndian.PutUint32(stored[4:], s1)
		}
	}
	sum(log[:24], log[24:])
	size := int(binary.BigEndian.Uint32(log[8:]))
	for frame := log[32:]; len(frame) > 0; frame = frame[24+size:] {
		sum(frame[:8], nil)
		sum(frame[24:24+size], frame[16:])
	}
	c := read(t, files(map[string][]byte{pathSQLite: s.file(""), pathSQLite + "-wal": log}))
	assert.Empty(t, c.Problems())
	assert.Equal(t, []string{"bash"}, names(c.Packages()))

	// The turned log is one that SQLite itself reads.
	path := filepath.Join(t.TempDir(), "rpmdb.sqlite")
	write(t, path, s.file(""))
	write(t, path+"-wal", log)
	assert.Equal(t, []string{"bash"}, openSQLite(t, path).selected())
}

// TestFlippedTree: a flip of one bit in a page's header, or in the pointers of a
// tree, loses no package without a problem.
func TestFlippedTree(t *testing.T) {
	blobs := [][]byte{}
	for i := range 60 {
		blobs = append(blobs, blob(packageTags(fmt.Sprint("p", i), tags{license: strings.Repeat("x", 900)})))
	}
	dt := newSQLite(t, "PRAGMA page_size=1024", "PRAGMA journal_mode=MEMORY").insert(blobs...).file("")
	for at := 1024; at < len(dt); at += 1024 {
		for bit := range 8 {
			damaged := slices.Clone(dt)
			damaged[at] ^= 1 << bit // the type of a page of a tree, or where a chain goes on
			c := read(t, files(map[string][]byte{pathSQLite: damaged}))
			if len(c.Packages()) != len(blobs) {
				require.NotEmpty(t, c.Problems(), "byte %d, bit %d", at, bit)
			}
		}
	}
}

// TestFlippedHash is the same of Berkeley DB: the type of a page, and the number
// of its entries.
func TestFlippedHash(t *testing.T) {
	blobs := [][]byte{}
	for i := range 60 {
		blobs = append(blobs, blob(packageTags(fmt.Sprint("p", i), nil)))
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		dt := bdb(order, blobs)
		for page := bdbPage; page < len(dt); page += bdbPage {
			for _, at := range []int{20, 21, 25} {
				for bit := range 8 {
					damaged := slices.Clone(dt)
					damaged[page+at] ^= 1 << bit
					c := read(t, files(map[string][]byte{pathBDB: damaged}))
					if len(c.Packages()) != len(blobs) {
						require.NotEmpty(t, c.Problems(), "page %d, byte %d, bit %d", page/bdbPage, at, bit)
					}
				}
			}
		}
		blank := slices.Clone(dt)
		blank[bdbPage+25], blank[bdbPage+20], blank[bdbPage+21] = 0, 0, 0
		c := read(t, files(map[string][]byte{pathBDB: blank}))
		require.Len(t, c.Problems(), 1)
		assert.Contains(t, c.Problems()[0].Reason, "have data of packages that are not listed")
	}
}

// TestFlippedSlots flips each bit of the slots of NDB.
func TestFlippedSlots(t *testing.T) {
	dt := ndb(packages("a", "b", "c"))
	for at := 32; at < 32+5*16; at++ {
		for bit := range 8 {
			damaged := slices.Clone(dt)
			damaged[at] ^= 1 << bit
			c := read(t, files(map[string][]byte{pathNDB: damaged}))
			require.NotEmpty(t, c.Problems(), "byte %d, bit %d", at, bit)
		}
	}
}

// TestLongLicense: a package is listed without a license that is too long to be
// believed.
func TestLongLicense(t *testing.T) {
	dt := ndb([][]byte{blob(packageTags("texlive", tags{license: strings.Repeat("x", pkgdb.MaxValue+1)}))})
	c := pkgdb.NewCollector()
	found, err := rpm.Read(files(map[string][]byte{pathNDB: dt}), c)
	require.NoError(t, err)
	require.True(t, found)
	assert.Equal(t, []string{"texlive"}, names(c.Packages()))
	require.Len(t, c.Problems(), 1)
	assert.Contains(t, c.Problems()[0].Reason, "texlive: the value of tag 1014 is not of its type, or longer than")
}
