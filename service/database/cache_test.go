package database_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/service/database"
	"github.com/example/microscanner-frontend/service/servicetest"
)

// lentCache is the cache of a small database, of 1 MiB.
func lentCache(t *testing.T) *database.Database {
	t.Helper()
	h := open(t, servicetest.Database(t, servicetest.Record("CVE-2024-0001", 1)))
	_, err := h.Refresh()
	assert.NoError(t, err)
	lent, done := h.Acquire()
	t.Cleanup(func() {
		done()
		assert.NoError(t, h.Close())
	})
	return lent
}

// The cache is bounded: what was not asked for longest is forgotten.
func TestCacheIsBounded(t *testing.T) {
	cache := lentCache(t).Cache.Release("debian", "12")
	key := func(n int) match.Key { return match.Key{Source: fmt.Sprint("source", n), SourceVersion: "1"} }
	const more = 100_000 // at 400 bytes
	for n := range more {
		cache.Add(key(n), match.Found{})
		_, ok := cache.Get(key(0))
		assert.True(t, ok, "it is asked for all the time")
	}
	kept := 0
	for n := range more {
		if _, ok := cache.Get(key(n)); ok {
			kept++
		}
	}
	assert.Greater(t, kept, 500)
	assert.Less(t, kept, (1<<20)/2/400)
	large := match.Key{Source: strings.Repeat("a", 100_000)}
	cache.Add(large, match.Found{})
	_, ok := cache.Get(large)
	assert.False(t, ok, "one that would make many others go")
	_, ok = cache.Get(key(more - 1))
	assert.True(t, ok)
}

// Releases and distributions are told apart.
func TestCacheTellsReleasesApart(t *testing.T) {
	cache := lentCache(t).Cache
	cache.Release("debian", "12").Add(match.Key{Source: "a"}, match.Found{})
	for release, want := range map[[2]string]bool{{"debian", "12"}: true, {"debian", "13"}: false, {"ubuntu", "12"}: false} {
		_, ok := cache.Release(release[0], release[1]).Get(match.Key{Source: "a"})
		assert.Equal(t, want, ok, release)
	}
	reads := 0
	read := func(id, distro string) (db.Details, bool, error) {
		reads++
		return db.Details{Description: id + distro}, true, nil
	}
	for range 2 {
		for _, distro := range []string{"debian", "ubuntu"} {
			d, ok, err := cache.Details("CVE-1", distro, read)
			assert.NoError(t, err)
			assert.True(t, ok)
			assert.Equal(t, "CVE-1"+distro, d.Description)
		}
	}
	assert.Equal(t, 2, reads)
}
