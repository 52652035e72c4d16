package rpm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// TestTrap14WriteAheadLog: the newest packages are only in the log of a database
// that is in use, and the root file system is read-only.
func TestTrap14WriteAheadLog(t *testing.T) {
	s := newSQLite(t, "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0").insert(packages("old")...)
	s.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	checkpointed := s.file("")
	s.insert(packages("new", "newer")...)
	// Large enough that the tree's root, and the end of the file, are in the log.
	for range 50 {
		s.insert(blob(packageTags("large", tags{license: strings.Repeat("x", 3000)})))
	}
	s.exec("DELETE FROM Packages WHERE hnum > 4")
	require.Equal(t, checkpointed, s.file(""), "the packages are in the log alone")

	c := read(t, files(map[string][]byte{pathSQLite: s.file("")}))
	assert.Equal(t, []string{"old"}, names(c.Packages()), "a log that is not there cannot be read")

	log := s.file("-wal")
	want := []string{"large", "new", "newer", "old"}
	c = read(t, files(map[string][]byte{pathSQLite: s.file(""), pathSQLite + "-wal": log}))
	assert.Equal(t, want, names(c.Packages()))
	assert.Empty(t, c.Problems())

	t.Run("read-only, and nothing is written", func(t *testing.T) {
		root := t.TempDir()
		dir := filepath.Join(root, "var/lib/rpm")
		write(t, filepath.Join(dir, "rpmdb.sqlite"), s.file(""))
		write(t, filepath.Join(dir, "rpmdb.sqlite-wal"), log)
		require.NoError(t, os.Chmod(dir, 0o500))
		fsys, err := rootfs.Open(root)
		require.NoError(t, err)
		defer fsys.Close()
		assert.Equal(t, want, names(read(t, fsys).Packages()))
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Len(t, entries, 2)
	})
	t.Run("checkpointed, and the log is still there", func(t *testing.T) {
		s.exec("PRAGMA wal_checkpoint(PASSIVE)")
		require.NotEqual(t, checkpointed, s.file(""))
		c := read(t, files(map[string][]byte{pathSQLite: s.file(""), pathSQLite + "-wal": s.file("-wal")}))
		assert.Equal(t, want, names(c.Packages()))
	})
	t.Run("the log begins anew over frames of before", func(t *testing.T) {
		s.insert(packages("newest")...)
		require.Len(t, s.file("-wal"), len(log))
		c := read(t, files(map[string][]byte{pathSQLite: s.file(""), pathSQLite + "-wal": s.file("-wal")}))
		assert.Equal(t, append([]string{"large", "new", "newer"}, "newest", "old"), names(c.Packages()))
	})
}

// TestLogAlone: nothing has reached the database's file yet.
func TestLogAlone(t *testing.T) {
	s := newSQLite(t, "PRAGMA page_size=1024", "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0").insert(packages("bash")...)
	c := read(t, files(map[string][]byte{pathSQLite: s.file("")[:0], pathSQLite + "-wal": s.file("-wal")}))
	assert.Equal(t, []string{"bash"}, names(c.Packages()))
}

// TestLogEndsAtTheLastCommit: what a transaction wrote before it was finished,
// and what follows damage, does not count, as for SQLite.
func TestLogEndsAtTheLastCommit(t *testing.T) {
	s := newSQLite(t, "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0", "PRAGMA cache_size=2").insert(packages("first")...)
	first := len(s.file("-wal"))
	s.insert(packages("second")...)
	second := len(s.file("-wal"))
	s.exec("BEGIN")
	for range 20 {
		s.insert(blob(packageTags("unfinished", tags{license: strings.Repeat("x", 4000)})))
	}
	log := s.file("-wal")
	require.Greater(t, len(log), second, "SQLite has written pages of the transaction")

	list := func(log []byte) []string {
		return names(read(t, files(map[string][]byte{pathSQLite: s.file(""), pathSQLite + "-wal": log})).Packages())
	}
	assert.Equal(t, []string{"first", "second"}, list(log))
	assert.Equal(t, []string{"first"}, list(log[:second-1]))
	flipped := append([]byte{}, log...)
	flipped[first+24+100] ^= 1
	assert.Equal(t, []string{"first"}, list(flipped))
	s.exec("COMMIT")
	assert.Contains(t, list(s.file("-wal")), "unfinished")
}

func TestBadLog(t *testing.T) {
	s := newSQLite(t, "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0").insert(packages("old")...)
	s.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	s.insert(packages("new")...)
	for name, log := range map[string][]byte{
		"empty": nil, "cut off": s.file("-wal")[:31], "no log": []byte(strings.Repeat("no log at all ", 1000)),
	} {
		c := read(t, files(map[string][]byte{pathSQLite: s.file(""), pathSQLite + "-wal": log}))
		assert.Equal(t, []string{"old"}, names(c.Packages()), name)
	}
}

// TestRollbackJournal: rpm with another journal mode was killed.
func TestRollbackJournal(t *testing.T) {
	dt := sqlite(t, packages("bash"))
	hot := []byte("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7 and so on")
	c := read(t, files(map[string][]byte{pathSQLite: dt, pathSQLite + "-journal": hot}))
	assert.Equal(t, []string{"bash"}, names(c.Packages()))
	assert.Equal(t, []string{pathSQLite + `-journal:0: rpm was interrupted while it changed the database, and the change is not undone yet; run "rpm --rebuilddb" in the image`}, reasons(c.Problems()))

	c = read(t, files(map[string][]byte{pathSQLite: dt, pathSQLite + "-journal": make([]byte, 512)}))
	assert.Empty(t, c.Problems(), "the change is done")
}
