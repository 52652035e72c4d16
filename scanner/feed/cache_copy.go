package feed

import (
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
)

const (
	listExt = ".json"
	// maxCopyFile is far above the list of a feed of 100,000 documents.
	maxCopyFile = 64 << 20
	// copyVersion is the version of the form of a list. A copy of another
	// version is fetched anew.
	copyVersion = 1
)

// Copy is the last good copy of one feed, and what has been fetched since to
// replace it. A Copy is not safe for concurrent use; several are, also those of
// one address.
type Copy struct {
	place     *place
	name, url string
	next      map[string]cached // fetched since the last good copy
	saved     map[string]cached // the last good copy, if this is of it
}

// copyList is the form of the list of a feed.
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
	f, _, err := openRegular(path)
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
	c.place.lock.Lock()
	defer c.place.lock.Unlock()
	good := c.place.lists[c.name]
	return good.Rows, good.Saved, len(good.Documents) > 0
}

// Path is the file that lists the copy. Without it there is no last good copy.
func (c *Copy) Path() string { return filepath.Join(c.place.dir, c.name+listExt) }

// Save makes what has been fetched the last good copy, which gave so many
// rows, and removes what was there before. After an error the one before is
// still whole.
func (c *Copy) Save(stats Stats, now time.Time) error {
	c.place.lock.Lock()
	defer c.place.lock.Unlock()
	list := copyList{
		Version: copyVersion, Feed: c.name, URL: c.url,
		Rows: stats.Rows, Malformed: stats.Malformed, Saved: now.UTC().Truncate(time.Second), Documents: c.next,
	}
	text, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		return err
	}
	if err := replaceFile(c.Path(), text); err != nil {
		return fmt.Errorf("cannot write to the cache of feeds: %w", err)
	}
	c.place.lists[c.name] = list
	c.saved, c.next = c.next, map[string]cached{}
	c.place.tidy()
	return nil
}

// Discard forgets what has been fetched since the last good copy.
func (c *Copy) Discard() {
	c.place.lock.Lock()
	defer c.place.lock.Unlock()
	clear(c.next)
	c.place.tidy()
}

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
