package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
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

// Default limits of a document. The largest real feeds are below a tenth.
const (
	DefaultMaxBytes    = 1 << 30          // as fetched
	DefaultMaxUnpacked = 4 << 30          // after decompression
	DefaultTimeout     = 10 * time.Minute // for one document
)

// Options bound what a Source reads. The zero value has the defaults.
type Options struct {
	MaxBytes    int64
	MaxUnpacked int64
	Timeout     time.Duration
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
}

// document is one that was read to its end.
type document struct {
	name   string
	digest [sha256.Size]byte
	etag   string
}

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
	if location == "" {
		return nil, errors.New("the path or address is missing")
	}
	if !strings.Contains(location, "://") {
		return &Source{location: location, options: options}, nil
	}
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is neither a path nor an http or https address", redact(location))
	}
	return &Source{location: location, remote: u, options: options, client: newClient(options.Transport)}, nil
}

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
// slash-separated path below the source. The error wraps fs.ErrNotExist when
// there is none. The caller must Close it.
func (s *Source) Open(ctx context.Context, name string) (*Document, error) {
	if name != "" && !fs.ValidPath(name) {
		return nil, fmt.Errorf("%q is not a path inside a feed", name)
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	raw, header, err := s.fetch(ctx, name)
	if err != nil {
		cancel()
		return nil, s.wrap(name, err)
	}
	d := &Document{
		source: s, name: name, hash: sha256.New(), etag: header.Get("ETag"),
		close: func() error { defer cancel(); return raw.Close() },
	}
	if m, err := http.ParseTime(header.Get("Last-Modified")); err == nil && m.After(s.modified) {
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

func (s *Source) fetch(ctx context.Context, name string) (io.ReadCloser, http.Header, error) {
	if s.remote != nil {
		return get(ctx, s.client, s.remote, name)
	}
	path := s.location
	if name != "" {
		path = filepath.Join(path, filepath.FromSlash(name))
	}
	// A FIFO or a device would never end.
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errors.New("not a regular file")
	}
	f, err := os.Open(path) //nolint:gosec // G304: the path is the user's, the name below it was checked.
	return f, http.Header{}, err
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

// Document is an open document of a feed, decompressed. A read past a limit is
// an error, not an end.
type Document struct {
	source *Source
	name   string
	r      io.Reader
	hash   hash.Hash
	etag   string
	ended  bool
	close  func() error
}

// Name is the document's path below the source, or the source's own name.
func (d *Document) Name() string {
	if d.name != "" {
		return d.name
	}
	return d.source.Location()
}

// Read reads what is in the document after decompression.
func (d *Document) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	d.hash.Write(p[:n])
	if err == nil {
		return n, nil
	}
	if !errors.Is(err, io.EOF) {
		return n, d.source.wrap(d.name, err)
	}
	if !d.ended {
		d.ended = true
		doc := document{name: d.name, etag: d.etag}
		d.hash.Sum(doc.digest[:0])
		d.source.docs = append(d.source.docs, doc)
	}
	return n, io.EOF
}

// Finish makes sure that nothing but space follows what was read, and takes
// the document into the source's account.
func (d *Document) Finish(buffered io.Reader) error {
	rest := io.MultiReader(buffered, d)
	buf := make([]byte, 4096)
	for {
		n, err := rest.Read(buf)
		if strings.TrimSpace(string(buf[:n])) != "" {
			return d.source.wrap(d.name, errors.New("there is more after the end of the document"))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Close closes the document.
func (d *Document) Close() error { return d.close() }

// ctxReader ends a read of a slow or huge file when the context does.
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
