// Package scantest makes advisory databases and root file systems for tests.
package scantest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/version"
)

// Built is the build time of every database made here.
func Built() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// Shared returns a path below the folder of real data, which is no part of the
// repository. Without it the test is skipped.
func Shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		require.NotEqual(t, dir, filepath.Dir(dir), "no go.mod above the test")
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skip("needs ../shared/data, real data that is not part of the repository")
	}
	return path
}

func newBuilder() *db.Builder {
	list := all.List()
	return db.NewBuilder(db.BuilderOptions{Built: Built(), Scheme: func(id string) (version.Scheme, bool) {
		d, ok := distro.ByID(list, id)
		return d.Rules.Scheme, ok
	}})
}

func write(t testing.TB, b *db.Builder) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	_, err := b.Write(context.Background(), dir)
	require.NoError(t, err)
	return dir
}

// Database makes a database of records and returns its directory.
func Database(t testing.TB, records ...advisory.Record) string {
	t.Helper()
	b := newBuilder()
	for _, r := range records {
		require.NoError(t, b.Add(r))
	}
	return write(t, b)
}

// DatabaseFromFeed makes a database of the feed of that name, from a path.
func DatabaseFromFeed(t testing.TB, name, path string) string {
	t.Helper()
	return DatabaseFromFeeds(t, map[string]string{name: path})
}

// DatabaseFromFeeds makes a database of feeds, by name, from paths, and of
// records.
func DatabaseFromFeeds(t testing.TB, paths map[string]string, records ...advisory.Record) string {
	t.Helper()
	b := newBuilder()
	add := func(r advisory.Record) error {
		var bad *db.RecordError
		if err := b.Add(r); !errors.As(err, &bad) {
			return err
		}
		return nil
	}
	for name, path := range paths {
		f, ok := distro.FeedByName(all.List(), name)
		require.True(t, ok, name)
		src, err := feed.NewSource(path, feed.Options{})
		require.NoError(t, err)
		_, err = f.Records(context.Background(), src, add)
		require.NoError(t, err)
	}
	for _, r := range records {
		require.NoError(t, add(r))
	}
	return write(t, b)
}

// Open opens a database for the time of a test.
func Open(t testing.TB, dir string) *db.DB {
	t.Helper()
	database, err := db.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, database.Close()) })
	return database
}

// Rootfs makes a directory with files, by path; missing folders are made. A
// text that starts with "-> " makes a symbolic link.
func Rootfs(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			require.NoError(t, os.Symlink(target, path))
			continue
		}
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}
