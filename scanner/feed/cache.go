package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	copyFile = "copy.json"
	// maxCopyFile is far above the list of a feed of 100,000 documents.
	maxCopyFile = 64 << 20
	// copyVersion is the version of the form of copyFile. A copy of another
	// version is fetched anew.
	copyVersion = 1
	lockPause   = 200 * time.Millisecond
)

// Cache is a directory with the last good copy of each feed that was fetched.
// It has a folder for each feed and address; in it the list copy.json and the
// documents as they were fetched, each named by its SHA-256.
type Cache struct {
	dir  string
	lock *flock.Flock
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
	return &Cache{dir, lock}, nil
}

// Close unlocks the directory.
func (c *Cache) Close() error { return c.lock.Close() }

// Copy gives the last good copy of a feed, by its name and address; an empty
// one if there is none, or none that can be read.
func (c *Cache) Copy(name, location string) (*Copy, error) {
	sum := sha256.Sum256([]byte(location))
	copied := &Copy{dir: filepath.Join(c.dir, name+"-"+hex.EncodeToString(sum[:8]))}
	if err := os.MkdirAll(copied.dir, 0o750); err != nil {
		return nil, fmt.Errorf("cannot use the cache of feeds: %w", err)
	}
	copied.good = readCopy(filepath.Join(copied.dir, copyFile))
	copied.good.Feed, copied.good.URL = name, redact(location)
	copied.Discard()
	return copied, nil
}

// Copy is the last good copy of one feed, and what has been fetched since to
// replace it. It is not safe for concurrent use.
type Copy struct {
	dir  string
	good copyList
	next map[string]cached
}

// copyList is the form of copy.json.
type copyList struct {
	Version   int               `json:"version"`
	Feed      string            `json:"feed"`
	URL       string            `json:"url"` // without credentials and query
	Rows      int               `json:"rows"`
	Malformed int               `json:"malformed"`
	Saved     time.Time         `json:"saved"`
	Documents map[string]cached `json:"documents"` // by their names below the address
}

// cached is a document of a copy.
type cached struct {
	// Missing says that the server had none. The other fields are empty then.
	Missing  bool      `json:"missing,omitempty"`
	ETag     string    `json:"etag,omitempty"`
	Modified string    `json:"modified,omitempty"` // Last-Modified, as it was
	SHA256   string    `json:"sha256,omitempty"`   // of what was fetched, and its name in the cache
	Size     int64     `json:"size,omitempty"`
	Fetched  time.Time `json:"fetched"`
}

// readCopy reads a list. One that is damaged is no copy: nothing is lost but
// the time to fetch it.
func readCopy(path string) copyList {
	f, err := os.Open(path) //nolint:gosec // G304: a file of the cache.
	if err != nil {
		return copyList{}
	}
	defer f.Close()
	var list copyList
	if err := json.NewDecoder(io.LimitReader(f, maxCopyFile)).Decode(&list); err != nil || list.Version != copyVersion {
		return copyList{}
	}
	return list
}

// Good tells how many rows the last good copy gave, and when it was saved;
// false if there is none.
func (c *Copy) Good() (rows int, saved time.Time, ok bool) {
	return c.good.Rows, c.good.Saved, len(c.good.Documents) > 0
}

// Dir is the folder of the copy. Without it there is no last good copy.
func (c *Copy) Dir() string { return c.dir }

// Save makes what has been fetched the last good copy, which gave so many
// rows, and removes what was there before. After an error the one before is
// still whole.
func (c *Copy) Save(stats Stats, now time.Time) error {
	list := copyList{
		Version: copyVersion, Feed: c.good.Feed, URL: c.good.URL,
		Rows: stats.Rows, Malformed: stats.Malformed, Saved: now.UTC().Truncate(time.Second), Documents: c.next,
	}
	text, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(c.dir, copyFile), text); err != nil {
		return fmt.Errorf("cannot write to the cache of feeds: %w", err)
	}
	c.good = list
	c.Discard()
	return nil
}

// Discard forgets what has been fetched since the last good copy.
func (c *Copy) Discard() {
	c.next = map[string]cached{}
	keep := map[string]bool{copyFile: true}
	for _, doc := range c.good.Documents {
		keep[doc.SHA256] = true
	}
	// What cannot be removed now will be another time.
	entries, _ := os.ReadDir(c.dir)
	for _, e := range entries {
		if !keep[e.Name()] {
			_ = os.Remove(filepath.Join(c.dir, e.Name()))
		}
	}
}

// lookup finds a document, of those fetched now first.
func (c *Copy) lookup(name string, now bool) (cached, bool) {
	if doc, ok := c.next[name]; ok || now {
		return doc, ok
	}
	doc, ok := c.good.Documents[name]
	return doc, ok
}

// open opens a document if it is what was fetched, byte for byte.
func (c *Copy) open(doc cached) (_ *os.File, err error) {
	if _, err := hex.DecodeString(doc.SHA256); err != nil || len(doc.SHA256) != 2*sha256.Size {
		return nil, errDamaged
	}
	f, err := os.Open(filepath.Join(c.dir, doc.SHA256))
	if err != nil {
		return nil, errDamaged
	}
	if err := checkSHA256(f, doc.SHA256); err != nil {
		return nil, errors.Join(errDamaged, f.Close())
	}
	return f, nil
}

// errDamaged is the error for a copy that is not what was fetched.
var errDamaged = errors.New("the copy in the cache is damaged")

// checkSHA256 compares the digest of a file, and goes back to its start.
func checkSHA256(f io.ReadSeeker, want string) error {
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("its SHA-256 is %s, and must be %s: it was damaged or changed on the way", got, want)
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// replaceFile writes a file that appears whole or not at all.
func replaceFile(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		if e := os.Remove(f.Name()); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
