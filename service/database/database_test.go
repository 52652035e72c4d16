package database_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/service/database"
	"github.com/example/microscanner-frontend/service/servicetest"
)

func open(t *testing.T, dir string) *database.Holder {
	t.Helper()
	h, err := database.Open(dir, 1<<20, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return h
}

// What was lent stays readable, its files too that nobody opened yet, although
// another database is in its place.
func TestLentDatabaseStays(t *testing.T) {
	dir := servicetest.Database(t, servicetest.Record("CVE-2024-0001", 1))
	h := open(t, dir)
	changed, err := h.Refresh()
	require.NoError(t, err)
	require.True(t, changed)
	old, done := h.Acquire()
	servicetest.Install(t, dir, servicetest.Record("CVE-2024-0002", 1))
	changed, err = h.Refresh()
	require.NoError(t, err)
	require.True(t, changed)
	assert.Equal(t, "CVE-2024-0001", first(t, old))
	now, doneNow := h.Acquire()
	assert.Equal(t, "CVE-2024-0002", first(t, now))
	done()
	_, err = old.Release("debian", "12")
	assert.Error(t, err, "the last user is gone")
	doneNow()
	require.NoError(t, h.Close())
	left, err := os.ReadDir(filepath.Dir(dir))
	require.NoError(t, err)
	assert.Len(t, left, 1)
}

func first(t *testing.T, d *database.Database) string {
	t.Helper()
	r, err := d.Release("debian", "12")
	require.NoError(t, err)
	defer r.Close()
	rows, err := r.Lookup(advisory.Source, "source-1")
	require.NoError(t, err)
	return rows[0].ID
}

// A database that is damaged or gone leaves the one before in use.
func TestDamagedDatabase(t *testing.T) {
	dir := servicetest.Database(t, servicetest.Record("CVE-2024-0001", 1))
	h := open(t, dir)
	defer func() { require.NoError(t, h.Close()) }()
	_, err := h.Refresh()
	require.NoError(t, err)
	other := servicetest.Database(t, servicetest.Record("CVE-2024-0002", 1))
	require.NoError(t, os.WriteFile(filepath.Join(other, "debian-12.sst"), []byte("damaged"), 0o600))
	require.NoError(t, os.Rename(dir, dir+".old"))
	_, err = h.Refresh()
	require.ErrorIs(t, err, db.ErrNoDatabase)
	require.NoError(t, os.Rename(other, dir))
	_, err = h.Refresh()
	require.ErrorIs(t, err, db.ErrCorrupt)
	changed, err := h.Refresh()
	require.NoError(t, err, "it is not read again so soon")
	assert.False(t, changed)
	used, done := h.Acquire()
	defer done()
	assert.Equal(t, "CVE-2024-0001", first(t, used))
}

// The copies of a process that was killed are removed, those of one that lives
// are not.
func TestCopiesOfTheDead(t *testing.T) {
	dir := servicetest.Database(t)
	dead := filepath.Join(filepath.Dir(dir), ".db.in-use-1")
	require.NoError(t, os.Mkdir(dead, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dead, "in-use"), nil, 0o600))
	one, two := open(t, dir), open(t, dir)
	assert.NoDirExists(t, dead)
	for _, h := range []*database.Holder{one, two} {
		_, err := h.Refresh()
		require.NoError(t, err)
		require.NoError(t, h.Close())
	}
}
