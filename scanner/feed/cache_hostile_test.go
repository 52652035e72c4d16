package feed_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/feed"
)

// A cache that came from elsewhere may have links: the folder of an address is
// tidied, and must not be another one.
func TestCacheTidiesNoOtherFolder(t *testing.T) {
	address, _ := answering(t, good)
	dir, precious := t.TempDir(), t.TempDir()
	folder := filepath.Base(filepath.Dir(copied(t, t.TempDir(), address).Path()))
	mine := filepath.Join(precious, "mine.txt")
	require.NoError(t, os.WriteFile(mine, []byte("mine"), 0o600))
	require.NoError(t, os.Symlink(precious, filepath.Join(dir, folder)))
	cache, err := feed.OpenCache(t.Context(), dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, cache.Close()) }()
	_, err = cache.Copy("x", address)
	assert.ErrorContains(t, err, "cannot use the cache of feeds: "+filepath.Join(dir, folder)+" is not a directory")
	assert.FileExists(t, mine)
}

// What is no regular file, or of another size than what was fetched, is not
// read: it may have no end.
func TestCacheReadsWhatItWrote(t *testing.T) {
	address, asked := answering(t, good)
	for name, replace := range map[string]func(path string) error{
		"endless": func(path string) error { return os.Symlink("/dev/zero", path) },
		"waiting": func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"larger": func(path string) error {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				return err
			}
			return os.Truncate(path, 1<<40)
		},
	} {
		for _, what := range []string{"document", "list"} {
			if name == "larger" && what == "list" {
				continue // It is cut off.
			}
			dir := t.TempDir()
			cache, err := feed.OpenCache(t.Context(), dir)
			require.NoError(t, err)
			c, err := cache.Copy("x", address)
			require.NoError(t, err)
			_, err = read(source(t, address, feed.Options{Copy: c}), "")
			require.NoError(t, err)
			require.NoError(t, c.Save(feed.Stats{Rows: 1}, time.Unix(0, 0)))
			require.NoError(t, cache.Close())
			entries, err := os.ReadDir(filepath.Dir(c.Path()))
			require.NoError(t, err)
			require.Len(t, entries, 2)
			for _, e := range entries {
				if strings.HasSuffix(e.Name(), ".json") == (what == "list") {
					path := filepath.Join(filepath.Dir(c.Path()), e.Name())
					require.NoError(t, os.Remove(path))
					require.NoError(t, replace(path))
				}
			}
			before := asked.Load()
			cache, err = feed.OpenCache(t.Context(), dir)
			require.NoError(t, err)
			c, err = cache.Copy("x", address)
			require.NoError(t, err)
			got, err := read(source(t, address, feed.Options{Copy: c}), "")
			require.NoError(t, err)
			assert.Equal(t, content, got, "%s %s", name, what)
			require.NoError(t, cache.Close())
			assert.Equal(t, before+1, asked.Load(), "%s %s: fetched anew", name, what)
		}
	}
}
