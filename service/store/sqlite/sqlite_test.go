package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/store/sqlite"
	"github.com/example/microscanner-frontend/service/store/storetest"
)

func kind() storetest.Kind {
	return storetest.Kind{
		// A name that has to be escaped in a URL.
		New: func(t testing.TB) string { return filepath.Join(t.TempDir(), "a store? 100%#1.db") },
		Open: func(ctx context.Context, file string, o store.Options) (store.Store, error) {
			return sqlite.Open(ctx, file, o)
		},
	}
}

func TestMain(m *testing.M) { storetest.Main(m, kind()) }

func TestStore(t *testing.T) { storetest.Run(t, kind()) }

func open(t testing.TB, file string) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), file, store.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func TestPermissions(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store.db"))
	storetest.AddToken(t, s, "a")
	require.NoError(t, s.Backup(t.Context(), filepath.Join(dir, "backup.db")))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 4, "store, log, index of the log, backup")
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode(), e.Name())
	}
}

// TestBackup: a backup that is made while others write has, of each token, the
// scans up to some moment, and opens as a store.
func TestBackup(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := open(t, filepath.Join(dir, "store.db"))
	token := storetest.AddToken(t, s, "a")
	stop, done := make(chan struct{}), make(chan error, 1)
	var written atomic.Int64
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			_, ok, err := s.Take(ctx, token.ID, storetest.Now(), 1_000_000)
			if err == nil && ok {
				_, err = s.AddScan(ctx, store.ScanRecord{TokenID: token.ID, Image: "app", At: storetest.Now()})
			}
			if err != nil {
				done <- err
				return
			}
			written.Add(1)
		}
	}()
	for i := range 3 {
		for n := written.Load(); written.Load() < n+50; time.Sleep(time.Millisecond) {
		}
		least := int(written.Load())
		file := filepath.Join(dir, fmt.Sprintf("it's a backup %d?.db", i))
		require.NoError(t, s.Backup(ctx, file))
		most := int(written.Load()) + 1

		restored := open(t, file)
		found, err := restored.Token(ctx, storetest.HashOf("a"))
		require.NoError(t, err)
		used, err := restored.Used(ctx, found.ID, storetest.Now())
		require.NoError(t, err)
		assert.GreaterOrEqual(t, used, least)
		assert.LessOrEqual(t, used, most)
		scans, err := restored.LastScans(ctx, found.ID, "app", "", 1_000_000)
		require.NoError(t, err)
		assert.InDelta(t, used, len(scans), 1)

		require.ErrorIs(t, s.Backup(ctx, file), os.ErrExist)
		_, _, err = restored.Take(ctx, found.ID, storetest.Now(), 1_000_000)
		require.NoError(t, err, "the restored store takes writes")
	}
	close(stop)
	require.NoError(t, <-done)

	require.Error(t, s.Backup(ctx, filepath.Join(dir, "missing", "backup.db")))
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	require.Error(t, s.Backup(cancelled, filepath.Join(dir, "cancelled.db")))
	assert.NoFileExists(t, filepath.Join(dir, "cancelled.db"))
	left, err := filepath.Glob(filepath.Join(dir, ".backup-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestNewerSchema(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	s, err := sqlite.Open(t.Context(), file, store.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	_, err = sqlite.Open(t.Context(), file, store.Options{})
	require.ErrorContains(t, err, "has schema 99, and this program knows only 1")
}

func TestNoStore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	require.NoError(t, os.WriteFile(file, []byte("this is a text and no database, though it is long enough"), 0o600))
	_, err := sqlite.Open(t.Context(), file, store.Options{})
	require.ErrorContains(t, err, "not a database")
	_, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "missing", "store.db"), store.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestFailureIsAlone: a write that fails takes none of those with it that share
// its commit.
func TestFailureIsAlone(t *testing.T) {
	ctx := context.Background()
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	token := storetest.AddToken(t, s, "a")
	var kept atomic.Int64
	done := make(chan error)
	const n = 400
	for i := range n {
		go func() {
			id := token.ID
			if i%3 == 0 {
				id = 1_000_000
			}
			_, err := s.AddScan(ctx, store.ScanRecord{TokenID: id, Image: "app", At: storetest.Now(), Inventory: []byte("i")})
			if err == nil {
				kept.Add(1)
			} else if i%3 == 0 && errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			done <- err
		}()
	}
	for range n {
		require.NoError(t, <-done)
	}
	list, err := s.LastScans(ctx, token.ID, "app", "", n)
	require.NoError(t, err)
	assert.Len(t, list, int(kept.Load()))
	assert.Len(t, list, n-(n+2)/3)
}

// BenchmarkScan is what the store does for one scan, with as many at once as a
// busy service has.
func BenchmarkScan(b *testing.B) {
	ctx := context.Background()
	s := open(b, filepath.Join(b.TempDir(), "store.db"))
	const tokens = 50
	for i := range tokens {
		storetest.AddToken(b, s, fmt.Sprint(i))
	}
	findings := make([]store.Finding, 60)
	for i := range findings {
		findings[i] = store.Finding{ID: fmt.Sprintf("CVE-2026-%04d", i*7), Package: "libexample", Version: "1.2.3-4", Severity: "medium", Fixed: "1.2.3-5"}
	}
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			token, err := s.Token(ctx, storetest.HashOf(fmt.Sprint(i%tokens)))
			if err != nil {
				b.Fatal(err)
			}
			// Each hundred scans are a second, so that last_used is written too.
			at := storetest.Now().Add(time.Duration(i) * 10 * time.Millisecond)
			if _, _, err := s.Take(ctx, token.ID, at, 1_000_000); err != nil {
				b.Fatal(err)
			}
			if _, err := s.AddScan(ctx, store.ScanRecord{TokenID: token.ID, Image: "app", At: at, OS: "debian 12", Packages: 400, Findings: findings}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "scans/s")
}
