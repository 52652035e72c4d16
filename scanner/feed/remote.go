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
	c := s.options.Copy
	doc, found := c.lookup(name, !s.options.Offline)
	if !found && s.options.Offline {
		return nil, cached{}, errors.New("it is not in the cache, and nothing is fetched offline")
	}
	if found {
		return openCached(c, doc)
	}
	have, _ := c.lookup(name, false)
	f, err := c.open(have)
	if err != nil {
		have = cached{} // Damaged or absent: fetched anew.
	} else if err := f.Close(); err != nil {
		return nil, cached{}, err
	}
	doc, err = s.download(ctx, name, have, most, c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		c.next[name] = cached{Missing: true, Fetched: s.now()}
	}
	if err != nil {
		return nil, cached{}, err
	}
	c.next[name] = doc
	return openCached(c, doc)
}

func (s *Source) now() time.Time { return s.options.Now().UTC().Truncate(time.Second) }

func openCached(c *Copy, doc cached) (io.ReadSeekCloser, cached, error) {
	if doc.Missing {
		return nil, cached{}, fmt.Errorf("the server did not have it: %w", fs.ErrNotExist)
	}
	f, err := c.open(doc)
	return f, doc, err
}

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
