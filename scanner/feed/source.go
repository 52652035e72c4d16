package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Defaults of Options. Most feeds are below a tenth; the others state their own
// limits, see Feed.
const (
	DefaultMaxBytes    = 1 << 30          // as fetched
	DefaultMaxUnpacked = 4 << 30          // after decompression
	DefaultTimeout     = 10 * time.Minute // to fetch one document
	DefaultPause       = time.Second
)

// Options bound what a Source reads. The zero value has the defaults.
type Options struct {
	MaxBytes    int64
	MaxUnpacked int64
	// Timeout is for fetching a document, in all attempts together. How long it
	// takes to read what was fetched depends on what the importer does, and is
	// bounded by MaxUnpacked alone.
	Timeout time.Duration
	// Pause is the time between the first two requests for a document that does
	// not come. It doubles with each further one.
	Pause time.Duration
	// Copy is the feed's place in the cache: what has not changed is not fetched
	// again. Nil to fetch all, and keep nothing.
	Copy *Copy
	// Offline makes no request, and takes all from the Copy.
	Offline bool
	// Progress is told how many bytes came over the network; nil if that is not
	// wanted.
	Progress func(bytes int)
	// Now gives the time that the Copy notes; nil for time.Now.
	Now func() time.Time
	// Transport makes the requests of an http or https source; nil for one
	// with timeouts that obeys the usual settings for proxies.
	Transport http.RoundTripper
}

// Source is where a feed lies: a file, a directory, or an http or https
// address. It opens the feed's documents, unpacks them, and keeps account of
// what was read. A Source is not safe for concurrent use.
type Source struct {
	location string
	remote   *url.URL // nil for a path
	options  Options
	client   *http.Client
	docs     []document
	modified time.Time
	traffic  Traffic
}

// Traffic is what a Source had from servers.
type Traffic struct {
	Fetched   int   // documents that came over the network
	Unchanged int   // documents of the cache that are as they were
	Shared    int   // documents that were fetched for another feed of the same address
	Bytes     int64 // over the network, of failed attempts too
}

// Traffic tells what was fetched so far.
func (s *Source) Traffic() Traffic { return s.traffic }

// NewSource gives the source at a path or at an http or https address.
func NewSource(location string, options Options) (*Source, error) {
	if options.MaxBytes <= 0 {
		options.MaxBytes = DefaultMaxBytes
	}
	if options.MaxUnpacked <= 0 {
		options.MaxUnpacked = DefaultMaxUnpacked
	}
	if options.Timeout <= 0 {
		options.Timeout = DefaultTimeout
	}
	if options.Pause <= 0 {
		options.Pause = DefaultPause
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if location == "" {
		return nil, errors.New("the path or address is missing")
	}
	if !IsAddress(location) {
		return &Source{location: location, options: options}, nil
	}
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is neither a path nor an http or https address", redact(location))
	}
	return &Source{location: location, remote: u, options: options, client: newClient(options.Transport)}, nil
}

// IsAddress tells whether a location is an address; all others are paths.
func IsAddress(location string) bool { return strings.Contains(location, "://") }

// Location names the source in metadata: an address without what could be
// secret in it, or the last element of a path, so that the same feed gives the
// same database wherever it lay.
func (s *Source) Location() string {
	if s.remote != nil {
		u := *s.remote
		u.User, u.RawQuery, u.Fragment = nil, "", ""
		return u.String()
	}
	return filepath.Base(s.location)
}

// Open opens the source's only document, or with a name the document of that
// slash-separated path below the source. A document of a server has been
// fetched whole before. The error wraps fs.ErrNotExist when there is none. The
// caller must Close it.
func (s *Source) Open(ctx context.Context, name string) (*Document, error) {
	return s.OpenVerified(ctx, name, "")
}

// OpenVerified is Open for a document of which the publisher says the SHA-256,
// in hexadecimal, of what is fetched, as the repomd.xml of an rpm repository
// does. Another digest is an error. An empty one is not looked at.
func (s *Source) OpenVerified(ctx context.Context, name, sha256Hex string) (*Document, error) {
	if name != "" && !fs.ValidPath(name) {
		return nil, fmt.Errorf("%q is not a path inside a feed", name)
	}
	raw, doc, err := s.fetch(ctx, name, s.options.MaxBytes)
	if err != nil {
		return nil, s.wrap(name, err)
	}
	if sha256Hex != "" {
		if err := checkSHA256(raw, strings.ToLower(sha256Hex)); err != nil {
			return nil, errors.Join(s.wrap(name, err), raw.Close())
		}
	}
	d := &Document{source: s, name: name, hash: sha256.New(), etag: doc.ETag, close: raw.Close}
	if m, err := http.ParseTime(doc.Modified); err == nil && m.After(s.modified) {
		s.modified = m.UTC()
	}
	unpacked, closeUnpacked, err := decompress(limit(&ctxReader{ctx, raw}, s.options.MaxBytes, "fetched"))
	if err != nil {
		return nil, errors.Join(s.wrap(name, err), d.close())
	}
	closeRaw := d.close
	d.close = func() error { closeUnpacked(); return closeRaw() }
	d.r = limit(unpacked, s.options.MaxUnpacked, "unpacked")
	return d, nil
}

// fetch opens a document as it is published.
func (s *Source) fetch(ctx context.Context, name string, most int64) (io.ReadSeekCloser, cached, error) {
	if s.remote != nil {
		return s.fetchRemote(ctx, name, most)
	}
	path := s.location
	if name != "" {
		path = filepath.Join(path, filepath.FromSlash(name))
	}
	// A FIFO or a device would never end.
	info, err := os.Stat(path)
	if err != nil {
		return nil, cached{}, err
	}
	if !info.Mode().IsRegular() {
		return nil, cached{}, errors.New("not a regular file")
	}
	f, err := os.Open(path) //nolint:gosec // G304: the path is the user's, the name below it was checked.
	return f, cached{}, err
}

// wrap says which document an error is about. The text of a *fs.PathError or a
// *url.Error repeats the location, and may hold what Location leaves out.
func (s *Source) wrap(name string, err error) error {
	var path *fs.PathError
	var address *url.Error
	switch {
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &address):
		err = address.Err
	}
	return fmt.Errorf("%s: %w", s.describe(name), err)
}

func (s *Source) describe(name string) string {
	location := s.location
	if s.remote != nil {
		location = s.Location()
	}
	if name == "" {
		return location
	}
	return strings.TrimSuffix(location, "/") + "/" + name
}

// Digest is "sha256:…" of everything read so far: of the one document's bytes
// after decompression; of the list of digests and names if there were several.
func (s *Source) Digest() string {
	if len(s.docs) == 1 {
		return "sha256:" + hex.EncodeToString(s.docs[0].digest[:])
	}
	docs := slices.SortedFunc(slices.Values(s.docs), func(a, b document) int { return strings.Compare(a.name, b.name) })
	h := sha256.New()
	for _, d := range docs {
		fmt.Fprintf(h, "%x  %s\n", d.digest, plainName(d.name))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// ETag is the one document's; empty for a path, and for several documents.
func (s *Source) ETag() string {
	if len(s.docs) == 1 {
		return s.docs[0].etag
	}
	return ""
}

// Modified is the newest date that a server gave for a document; zero if none
// did. The dates of files say when they were copied, and are not used.
func (s *Source) Modified() time.Time { return s.modified }

// ctxReader ends the reading of a huge file when the context does.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
