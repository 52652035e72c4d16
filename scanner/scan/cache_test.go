package scan_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/scan"
)

// memory is a cache that forgets nothing.
type memory struct {
	lock    sync.Mutex
	found   map[[2]string]map[match.Key]match.Found
	details map[[2]string]db.Details
	hits    int
}

func newMemory() *memory {
	return &memory{found: map[[2]string]map[match.Key]match.Found{}, details: map[[2]string]db.Details{}}
}

func (m *memory) Release(distro, release string) match.Cache {
	return releaseMemory{m, [2]string{distro, release}}
}

func (m *memory) Details(id, distro string, read scan.ReadDetails) (db.Details, bool, error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	key := [2]string{id, distro}
	if d, ok := m.details[key]; ok {
		return d, true, nil
	}
	d, ok, err := read(id, distro)
	if ok {
		m.details[key] = d
	}
	return d, ok, err
}

type releaseMemory struct {
	*memory
	key [2]string
}

func (r releaseMemory) Get(k match.Key) (match.Found, bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	found, ok := r.found[r.key][k]
	if ok {
		r.hits++
	}
	return found, ok
}

func (r releaseMemory) Add(k match.Key, f match.Found) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.found[r.key] == nil {
		r.found[r.key] = map[match.Key]match.Found{}
	}
	r.found[r.key][k] = f
}

// assertCacheIsExact scans root file systems without a cache, with one that is
// filled by that, and with one that the others filled: the reports have the same
// bytes.
func assertCacheIsExact(t *testing.T, database *db.DB, roots []string) {
	t.Helper()
	cache := newMemory()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	assess := func(inv inventory.Inventory, c scan.Cache) string {
		r, err := scan.Assess(&inv, database, scan.Options{
			Distros: all.List(), Now: func() time.Time { return at }, FullOutput: true, UnderInvestigation: true, Cache: c,
		})
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, report.WriteJSON(&out, r))
		return out.String()
	}
	var want []string
	for pass := range 3 {
		for i, root := range roots {
			inv, err := scan.Inventory(os.DirFS(root), all.List())
			require.NoError(t, err)
			if pass == 0 {
				want = append(want, assess(inv, nil))
				continue
			}
			assert.Equal(t, want[i], assess(inv, cache), "%s, pass %d", filepath.Base(root), pass)
		}
	}
	assert.NotZero(t, cache.hits)
}

func TestCacheIsExact(t *testing.T) {
	roots, err := filepath.Glob("testdata/*/rootfs")
	require.NoError(t, err)
	assertCacheIsExact(t, scantest.Open(t, scantest.Database(t, readRecords(t, "testdata/records.jsonl")...)), roots)
}

// TestCacheIsExactOfReal does so with real package databases.
func TestCacheIsExactOfReal(t *testing.T) {
	for feed, of := range map[string]struct{ data, roots string }{
		"debian": {"debian/tracker-shape-from-dsa-dla.json.gz", "debian-*"},
		"alpine": {"alpine/secdb-json", "alpine-*"},
		"ubuntu": {"ubuntu/uct-2020-06.jsonl.gz", "ubuntu-*"},
	} {
		t.Run(feed, func(t *testing.T) {
			name := feed
			if feed == "ubuntu" {
				name = "ubuntu-cve-tracker"
			}
			roots, err := filepath.Glob(filepath.Join(scantest.Shared(t, "rootfs"), of.roots))
			require.NoError(t, err)
			require.NotEmpty(t, roots)
			assertCacheIsExact(t, scantest.Open(t, scantest.DatabaseFromFeed(t, name, scantest.Shared(t, of.data))), roots)
		})
	}
}

// What has a problem is told in every report, and not only in the first.
func TestCacheKeepsNoProblem(t *testing.T) {
	rec := advisory.Record{ID: "CVE-2024-0001", Distro: "debian", Release: "12", Package: "a", Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: "2"}
	database := scantest.Open(t, scantest.Database(t, rec))
	cache := newMemory()
	for range 2 {
		inv := inventory.Inventory{OS: inventory.OS{Distro: "debian", Release: "12"}, Packages: []inventory.Package{
			{Format: inventory.FormatDpkg, Name: "a", Version: "x:1", SourceName: "a", SourceVersion: "x:1", Vendor: "Debian"},
		}}
		r, err := scan.Assess(&inv, database, scan.Options{Distros: all.List(), Now: time.Now, Cache: cache})
		require.NoError(t, err)
		assert.True(t, r.PartialResults)
	}
}
