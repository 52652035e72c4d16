package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// listing is the name, in a copy, of the page that lists the documents.
const listing = "/"

// fetchRemote opens a document of a server after it was fetched whole: what an
// importer reads is never cut off by the network.
func (s *Source) fetchRemote(ctx context.Context, name string, most int64) (io.ReadSeekCloser, cached, error) {
	if s.options.Copy == nil {
		return s.fetchOnce(ctx, name, most)
	}
	doc, err := s.cached(ctx, name, most)
	if err != nil {
		return nil, cached{}, err
	}
	if doc.Missing {
		return nil, cached{}, fmt.Errorf("the server did not have it: %w", fs.ErrNotExist)
	}
	f, err := s.options.Copy.place.open(doc)
	return f, doc, err
}

// cached finds a document in the Copy. Unless it was there before, it is
// fetched, in this run by the first feed that needs it.
func (s *Source) cached(ctx context.Context, name string, most int64) (doc cached, err error) {
	c := s.options.Copy
	c.place.lock.Lock()
	defer c.place.lock.Unlock()
	doc, found := c.next[name]
	switch {
	case found:
		return doc, nil
	case s.options.Offline:
		if doc, found = c.place.lists[c.name].Documents[name]; !found {
			return cached{}, errors.New("it is not in the cache, and nothing is fetched offline")
		}
		return doc, nil
	}
	if doc, found = c.place.fetched(c, name); found {
		s.traffic.Shared++
		c.next[name] = doc
		return doc, nil
	}
	have := c.place.newest(name)
	f, err := c.place.open(have)
	if err != nil {
		have = cached{} // Damaged or absent: fetched anew.
	} else if err := f.Close(); err != nil {
		return cached{}, err
	}
	doc, err = s.download(ctx, name, have, most, c.place.dir)
	if errors.Is(err, fs.ErrNotExist) {
		c.next[name] = cached{Missing: true, Fetched: s.now()}
	}
	if err == nil {
		c.next[name] = doc
	}
	return doc, err
}

func (s *Source) now() time.Time { return s.options.Now().UTC().Truncate(time.Second) }

// download fetches a document to a file in dir.
func (s *Source) download(ctx context.Context, name string, have cached, most int64, dir string) (cached, error) {
	u := s.remote
	switch name {
	case "":
	case listing:
		u = u.JoinPath("/") // With a final slash, for the links.
	default:
		u = u.JoinPath(name)
	}
	d := &download{source: s, url: u.String(), have: have, most: most, dir: dir}
	doc, err := d.run(ctx)
	if err != nil {
		return cached{}, err
	}
	if doc == have {
		s.traffic.Unchanged++
	} else {
		s.traffic.Fetched++
	}
	doc.Fetched = s.now()
	return doc, nil
}

// fetchOnce fetches a document to a file that is gone when it is closed.
func (s *Source) fetchOnce(ctx context.Context, name string, most int64) (io.ReadSeekCloser, cached, error) {
	dir, err := os.MkdirTemp("", "feed-*")
	if err != nil {
		return nil, cached{}, err
	}
	doc, err := s.download(ctx, name, cached{}, most, dir)
	if err != nil {
		return nil, cached{}, errors.Join(err, os.RemoveAll(dir))
	}
	f, err := os.Open(filepath.Join(dir, doc.SHA256)) //nolint:gosec // G304: the file that was just made.
	if err != nil {
		return nil, cached{}, errors.Join(err, os.RemoveAll(dir))
	}
	return &temporary{f, dir}, doc, nil
}

// temporary is a file that is removed with its folder.
type temporary struct {
	*os.File
	dir string
}

func (t *temporary) Close() error { return errors.Join(t.File.Close(), os.RemoveAll(t.dir)) }
