package database

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/scan"
)

// cache keeps what scans read of one database: images have most of their
// packages in common with others. It goes with the database.
type cache struct {
	found   *bounded[foundKey, match.Found]
	details *bounded[detailsKey, knownDetails]
}

type foundKey struct {
	distro, release string
	match.Key
}

type detailsKey struct{ id, distro string }

// knownDetails is an answer of DB.Details, also that there are none.
type knownDetails struct {
	db.Details
	ok bool
}

// newCache makes a cache of so many bytes.
func newCache(size int) *cache {
	return &cache{
		found:   newBounded[foundKey, match.Found](size / 2),
		details: newBounded[detailsKey, knownDetails](size - size/2),
	}
}

// Release is the part of a release.
func (c *cache) Release(distro, release string) match.Cache {
	return releaseCache{c.found, distro, release}
}

// Details answers as read does.
func (c *cache) Details(id, distro string, read scan.ReadDetails) (db.Details, bool, error) {
	key := detailsKey{id, distro}
	if known, ok := c.details.get(key); ok {
		return known.Details, known.ok, nil
	}
	d, ok, err := read(id, distro)
	if err == nil {
		size := len(id) + len(distro) + len(d.Description) + len(d.URL)
		for _, rating := range d.CVSS {
			size += entrySize + len(rating.Vector)
		}
		c.details.add(key, knownDetails{d, ok}, size)
	}
	return d, ok, err
}

// releaseCache is a match.Cache.
type releaseCache struct {
	found           *bounded[foundKey, match.Found]
	distro, release string
}

func (r releaseCache) Get(k match.Key) (match.Found, bool) {
	return r.found.get(foundKey{r.distro, r.release, k})
}

func (r releaseCache) Add(k match.Key, f match.Found) {
	size := len(k.Source) + len(k.SourceVersion) + len(k.Binary) + len(k.BinaryVersion)
	r.found.add(foundKey{r.distro, r.release, k}, f, size+f.Size())
}

// bounded forgets what was not asked for longest when its entries take more
// than most bytes.
type bounded[K comparable, V any] struct {
	lock    sync.Mutex
	entries *simplelru.LRU[K, sized[V]]
	size    int
	most    int
}

// sized is a value with the bytes that it counts.
type sized[V any] struct {
	value V
	size  int
}

const (
	// entrySize is what an entry takes beside its texts: keys and places in lists.
	entrySize = 400
	// maxShare is the part of the cache above which an entry is not kept: it would
	// make others go for one that a client may have made up.
	maxShare = 16
	// maxEntries is no bound: that is the size.
	maxEntries = 1 << 30
)

func newBounded[K comparable, V any](most int) *bounded[K, V] {
	b := &bounded[K, V]{most: most}
	// It fails for a number of entries below one.
	b.entries, _ = simplelru.NewLRU(maxEntries, func(_ K, v sized[V]) { b.size -= v.size })
	return b
}

func (b *bounded[K, V]) get(k K) (V, bool) {
	b.lock.Lock()
	defer b.lock.Unlock()
	v, ok := b.entries.Get(k)
	return v.value, ok
}

// add keeps a value whose texts, with those of its key, have so many bytes.
func (b *bounded[K, V]) add(k K, value V, texts int) {
	v := sized[V]{value, entrySize + texts}
	if v.size > b.most/maxShare {
		return
	}
	b.lock.Lock()
	defer b.lock.Unlock()
	b.entries.Remove(k) // another request may have added it
	b.entries.Add(k, v)
	for b.size += v.size; b.size > b.most; {
		b.entries.RemoveOldest()
	}
}
