package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

const lockPause = 200 * time.Millisecond

// Cache is a directory with the last good copy of each feed that was fetched.
// It has a folder for each address; in it the documents as they were fetched,
// each named by its SHA-256, and for each feed of that address a list of them,
// named by the feed. It is not safe for concurrent use; what it gives is.
type Cache struct {
	dir    string
	lock   *flock.Flock
	places map[string]*place // by folder
}

// OpenCache makes the directory if there is none, and locks it: it waits until
// no other process uses it, or ctx ends.
func OpenCache(ctx context.Context, dir string) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("cannot make the cache of feeds: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	if _, err := lock.TryLockContext(ctx, lockPause); err != nil {
		return nil, fmt.Errorf("cannot lock the cache of feeds: %w", err)
	}
	return &Cache{dir, lock, map[string]*place{}}, nil
}

// Close unlocks the directory.
func (c *Cache) Close() error { return c.lock.Close() }

// Copy gives the last good copy of a feed, by its name and address; an empty
// one if there is none, or none that can be read. What one feed fetches, the
// other copies of the address that this Cache gives take without a request.
func (c *Cache) Copy(name, location string) (*Copy, error) {
	dir := filepath.Join(c.dir, folder(location))
	p, ok := c.places[dir]
	if !ok {
		var err error
		if p, err = openPlace(dir); err != nil {
			return nil, fmt.Errorf("cannot use the cache of feeds: %w", err)
		}
		c.places[dir] = p
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	copied := &Copy{place: p, name: name, url: redact(location), next: map[string]cached{}}
	p.copies = append(p.copies, copied)
	p.tidy()
	return copied, nil
}

// folder names the folder of an address, by its host for people and its digest
// for us.
func folder(location string) string {
	var host string
	if u, err := url.Parse(location); err == nil {
		host = strings.Map(func(r rune) rune {
			if r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' {
				return r
			}
			return '-'
		}, strings.ToLower(u.Hostname()))
	}
	sum := sha256.Sum256([]byte(location))
	return host + "-" + hex.EncodeToString(sum[:8])
}

// place is the folder of one address.
type place struct {
	dir string
	// lock is for what follows, and for the files. It is held while a document
	// is fetched: another feed that needs it too waits, and has it then.
	lock   sync.Mutex
	lists  map[string]copyList // of each feed, its last good copy
	copies []*Copy             // that were given out
}

func openPlace(dir string) (*place, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	// Behind a link there may be somebody's files, which tidy would remove.
	if info, err := os.Lstat(dir); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a directory; remove it", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	p := &place{dir: dir, lists: map[string]copyList{}}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), listExt); ok {
			p.lists[name] = readCopy(filepath.Join(dir, e.Name()))
		}
	}
	return p, nil
}

// fetched finds a document that another feed has fetched since the Cache was
// opened.
func (p *place) fetched(by *Copy, name string) (cached, bool) {
	for _, other := range p.copies {
		if other == by {
			continue
		}
		for _, docs := range []map[string]cached{other.next, other.saved} {
			if doc, ok := docs[name]; ok {
				return doc, true
			}
		}
	}
	return cached{}, false
}

// newest finds the document of that name in the last good copies that was
// fetched last, whichever feed that was for.
func (p *place) newest(name string) cached {
	var found cached
	for _, list := range p.lists {
		if doc := list.Documents[name]; found.SHA256 == "" || doc.SHA256 != "" && doc.Fetched.After(found.Fetched) {
			found = doc
		}
	}
	return found
}

// tidy removes the documents that are in no last good copy, and were not fetched
// to become one. What cannot be removed now will be another time.
func (p *place) tidy() {
	keep := map[string]bool{}
	for name, list := range p.lists {
		keep[name+listExt] = true
		keepAll(keep, list.Documents)
	}
	for _, c := range p.copies {
		keepAll(keep, c.next)
	}
	entries, _ := os.ReadDir(p.dir)
	for _, e := range entries {
		if !keep[e.Name()] {
			_ = os.Remove(filepath.Join(p.dir, e.Name()))
		}
	}
}

func keepAll(keep map[string]bool, docs map[string]cached) {
	for _, doc := range docs {
		keep[doc.SHA256] = true
	}
}

// open opens a document if it is what was fetched, byte for byte.
func (p *place) open(doc cached) (_ *os.File, err error) {
	if _, err := hex.DecodeString(doc.SHA256); err != nil || len(doc.SHA256) != 2*sha256.Size {
		return nil, errDamaged
	}
	f, size, err := openRegular(filepath.Join(p.dir, doc.SHA256))
	if err != nil {
		return nil, errDamaged
	}
	if size != doc.Size {
		return nil, errors.Join(errDamaged, f.Close())
	}
	if err := checkSHA256(f, doc.SHA256); err != nil {
		return nil, errors.Join(errDamaged, f.Close())
	}
	return f, nil
}

// openRegular opens a file of the cache, and tells its size. A link, a FIFO or a
// device is none: nobody but an attacker puts it there, and it may have no end.
func openRegular(path string) (_ *os.File, size int64, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errDamaged
	}
	f, err := os.Open(path) //nolint:gosec // G304: a file of the cache.
	return f, info.Size(), err
}

// errDamaged is the error for a copy that is not what was fetched.
var errDamaged = errors.New("the copy in the cache is damaged")
