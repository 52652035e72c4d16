package feed_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/feed"
)

// answering starts a server that answers each request with the next handler,
// and all later ones with the last. It counts the requests.
func answering(t testing.TB, handlers ...http.HandlerFunc) (address string, asked *atomic.Int64) {
	asked = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(asked.Add(1))
		handlers[min(n, len(handlers))-1](w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func good(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"abc"`)
	http.ServeContent(w, r, "", time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), strings.NewReader(content))
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, content)
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = c.Close()
	}
}

func TestRetries(t *testing.T) {
	for name, bad := range map[string]http.HandlerFunc{
		"500": status(500), "502": status(502), "503": status(503, "Retry-After", "0"), "429": status(429, "Retry-After", "0"),
		"429 without a time": status(429), "cut short": cutShort, "hang up": hangUp,
	} {
		address, asked := answering(t, bad, bad, good)
		s := source(t, address, feed.Options{})
		got, err := read(s, "")
		require.NoError(t, err, name)
		assert.Equal(t, content, got, name)
		assert.EqualValues(t, 3, asked.Load(), name)
		assert.Equal(t, 1, s.Traffic().Fetched, name)

		address, asked = answering(t, bad)
		_, err = read(source(t, address, feed.Options{}), "")
		assert.ErrorContains(t, err, "(tried 4 times)", name)
		assert.EqualValues(t, 4, asked.Load(), name)
	}
}

func TestNoRetry(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		asked   int64
	}{
		"400": {status(400), 1}, "401": {status(401), 1}, "403": {status(403), 1}, "404": {status(404), 1}, "410": {status(410), 1},
		"304": {status(304), 1}, "204": {status(204), 1}, "redirects": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, 5},
		"too large": {status(200, "Content-Length", "100"), 1},
	} {
		address, asked := answering(t, c.handler)
		_, err := read(source(t, address, feed.Options{MaxBytes: 50}), "")
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "tried", name)
		assert.Equal(t, c.asked, asked.Load(), name)
		assert.Equal(t, name == "404" || name == "410", errors.Is(err, fs.ErrNotExist), name)
	}
	var lookup *net.DNSError
	transport := roundTripper(func(*http.Request) (*http.Response, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "feed.invalid", IsNotFound: true}
	})
	_, err := read(source(t, "http://feed.invalid/", feed.Options{Transport: transport}), "")
	require.ErrorAs(t, err, &lookup)
	assert.NotContains(t, err.Error(), "tried")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Nobody waits for a server when the time is over.
func TestRetriesEndWithTheTime(t *testing.T) {
	address, _ := answering(t, status(503, "Retry-After", "60"))
	_, err := read(source(t, address, feed.Options{Timeout: 50 * time.Millisecond}), "")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "it did not come within 50ms: context deadline exceeded; the last attempt: the server answered 503")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = source(t, address, feed.Options{}).Open(ctx, "")
	assert.ErrorIs(t, err, context.Canceled)
}

// copied opens a cache with the copy of one feed.
func copied(t testing.TB, dir, location string) *feed.Copy {
	t.Helper()
	cache, err := feed.OpenCache(t.Context(), dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cache.Close()) })
	c, err := cache.Copy("name", location)
	require.NoError(t, err)
	return c
}

func TestConditionalRequests(t *testing.T) {
	var header http.Header
	address, _ := answering(t, good, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		good(w, r)
	})
	c := copied(t, t.TempDir(), address)
	_, _, ok := c.Good()
	assert.False(t, ok)
	first := source(t, address, feed.Options{Copy: c})
	for range 2 { // The second time in one run nothing is asked.
		got, err := read(first, "")
		require.NoError(t, err)
		assert.Equal(t, content, got)
	}
	assert.Nil(t, header)
	assert.Equal(t, feed.Traffic{Fetched: 1, Bytes: int64(len(content))}, first.Traffic())
	require.NoError(t, c.Save(feed.Stats{Rows: 7, Malformed: 1}, time.Unix(1700000000, 0)))
	rows, saved, ok := c.Good()
	assert.True(t, ok)
	assert.Equal(t, 7, rows)
	assert.Equal(t, time.Unix(1700000000, 0).UTC(), saved)

	second := source(t, address, feed.Options{Copy: c})
	got, err := read(second, "")
	require.NoError(t, err)
	assert.Equal(t, content, got)
	assert.Equal(t, `"abc"`, header.Get("If-None-Match"))
	assert.Equal(t, "Wed, 04 Mar 2026 05:06:07 GMT", header.Get("If-Modified-Since"))
	assert.Equal(t, feed.Traffic{Unchanged: 1}, second.Traffic())
	assert.Equal(t, `"abc"`, second.ETag())
	assert.Equal(t, first.Modified(), second.Modified())
	assert.Equal(t, contentDigest, second.Digest())
}

func TestDiscard(t *testing.T) {
	address, _ := answering(t, good, status(404), func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "other") })
	c := copied(t, t.TempDir(), address)
	o := feed.Options{Copy: c}
	_, err := read(source(t, address, o), "")
	require.NoError(t, err)
	require.NoError(t, c.Save(feed.Stats{Rows: 1}, time.Unix(0, 0)))
	_, err = read(source(t, address, o), "")
	require.ErrorIs(t, err, fs.ErrNotExist)
	c.Discard()
	got, err := read(source(t, address, o), "")
	require.NoError(t, err)
	assert.Equal(t, "other", got)
	assert.Len(t, names(t, filepath.Dir(c.Path())), 3)
	c.Discard()
	assert.Len(t, names(t, filepath.Dir(c.Path())), 2, "the last good copy stays, and nothing else")
	o.Offline = true
	got, err = read(source(t, address, o), "")
	require.NoError(t, err)
	assert.Equal(t, content, got)
}

func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// What a server does not have is remembered, and what it was not asked for is
// another matter.
func TestOfflineTree(t *testing.T) {
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(file(t, "a.json", []byte(content))))))
	defer server.Close()
	dir := t.TempDir()
	c := copied(t, dir, server.URL)
	s := source(t, server.URL, feed.Options{Copy: c})
	list, err := s.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"a.json"}, list)
	_, err = read(s, "a.json")
	require.NoError(t, err)
	_, err = read(s, "b.json")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, c.Save(feed.Stats{Rows: 1}, time.Unix(0, 0)))
	server.Close()

	s = source(t, server.URL, feed.Options{Copy: c, Offline: true})
	list, err = s.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"a.json"}, list)
	got, err := read(s, "a.json")
	require.NoError(t, err)
	assert.Equal(t, content, got)
	_, err = read(s, "b.json")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = read(s, "c.json")
	assert.ErrorContains(t, err, "c.json: it is not in the cache, and nothing is fetched offline")
	assert.NotErrorIs(t, err, fs.ErrNotExist)
}

func TestCacheKeepsNoSecret(t *testing.T) {
	address, _ := answering(t, good)
	location := strings.Replace(address, "http://", "http://user:secret@", 1) + "/?token=secret"
	c := copied(t, t.TempDir(), location)
	_, err := read(source(t, location, feed.Options{Copy: c}), "")
	require.NoError(t, err)
	require.NoError(t, c.Save(feed.Stats{}, time.Unix(0, 0)))
	text, err := os.ReadFile(c.Path())
	require.NoError(t, err)
	assert.Contains(t, string(text), address)
	assert.NotContains(t, string(text), "secret")
}

// A list that somebody changed opens no other file.
func TestCacheStaysInside(t *testing.T) {
	address, _ := answering(t, good)
	c := copied(t, t.TempDir(), address)
	for _, text := range []string{
		`{"version":1,"documents":{"":{"sha256":"../../x"}}}`,
		`{"version":1,"documents":{"":{"sha256":"` + strings.Repeat("../", 21) + `x"}}}`,
		`{"version":9,"documents":{"":{}}}`, `{"version":1,"documents":`, ``, `[]`,
	} {
		require.NoError(t, os.WriteFile(c.Path(), []byte(text), 0o600))
		again := reopen(t, c, address)
		_, err := read(source(t, address, feed.Options{Copy: again, Offline: true}), "")
		assert.Error(t, err, text)
		got, err := read(source(t, address, feed.Options{Copy: again}), "")
		require.NoError(t, err, text)
		assert.Equal(t, content, got)
	}
}

// reopen gives the copy as another run would find it, without the lock.
func reopen(t testing.TB, c *feed.Copy, address string) *feed.Copy {
	t.Helper()
	other := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(other, filepath.Base(filepath.Dir(c.Path()))), os.DirFS(filepath.Dir(c.Path()))))
	return copied(t, other, address)
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	cache, err := feed.OpenCache(t.Context(), dir)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = feed.OpenCache(ctx, dir)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, cache.Close())
	cache, err = feed.OpenCache(t.Context(), dir)
	require.NoError(t, err)
	require.NoError(t, cache.Close())
	_, err = feed.OpenCache(t.Context(), file(t, "file", nil))
	assert.ErrorContains(t, err, "cannot make the cache of feeds")
}

func TestOpenVerified(t *testing.T) {
	packed := gzipped(t, content)
	sum := sha256.Sum256(packed)
	address, _ := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(packed) })
	for _, location := range []string{address, file(t, "f.gz", packed)} {
		s := source(t, location, feed.Options{})
		doc, err := s.OpenVerified(t.Context(), "", strings.ToUpper(hex.EncodeToString(sum[:])))
		require.NoError(t, err)
		text, err := io.ReadAll(doc)
		require.NoError(t, err)
		require.NoError(t, doc.Close())
		assert.Equal(t, content, string(text))
		_, err = s.OpenVerified(t.Context(), "", strings.Repeat("0", 64))
		assert.ErrorContains(t, err, s.Location()+": its SHA-256 is "+hex.EncodeToString(sum[:])+", and must be 000")
	}
}

// Two feeds of one address are fetched once, whichever of them is first, and
// each has its own last good copy.
func TestOneAddress(t *testing.T) {
	var asked atomic.Int64
	body := "one"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("ETag", `"`+body+`"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(body))
	}))
	defer server.Close()
	dir := t.TempDir()
	run := func(names ...string) map[string]*feed.Copy {
		cache, err := feed.OpenCache(t.Context(), dir)
		require.NoError(t, err)
		defer func() { require.NoError(t, cache.Close()) }()
		copies := map[string]*feed.Copy{}
		for _, name := range names {
			copies[name], err = cache.Copy(name, server.URL)
			require.NoError(t, err)
		}
		var group sync.WaitGroup
		for _, c := range copies {
			group.Go(func() {
				got, err := read(source(t, server.URL, feed.Options{Copy: c}), "")
				assert.NoError(t, err)
				assert.Equal(t, body, got)
				assert.NoError(t, c.Save(feed.Stats{Rows: len(c.Path())}, time.Unix(0, 0)))
			})
		}
		group.Wait()
		return copies
	}
	a := run("a", "bb")
	assert.EqualValues(t, 1, asked.Load())
	assert.Equal(t, filepath.Dir(a["a"].Path()), filepath.Dir(a["bb"].Path()))
	assert.Len(t, names(t, filepath.Dir(a["a"].Path())), 3, "two lists and a document")
	rows, _, _ := a["bb"].Good()
	assert.Equal(t, len(a["bb"].Path()), rows)

	run("a", "bb")
	assert.EqualValues(t, 2, asked.Load(), "one conditional request for both")

	// A feed that is not of a run keeps its copy.
	body = "two"
	a = run("a")
	assert.Len(t, names(t, filepath.Dir(a["a"].Path())), 4)
	cache, err := feed.OpenCache(t.Context(), dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, cache.Close()) }()
	for name, want := range map[string]string{"a": "two", "bb": "one"} {
		c, err := cache.Copy(name, server.URL)
		require.NoError(t, err)
		got, err := read(source(t, server.URL, feed.Options{Copy: c, Offline: true}), "")
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	assert.EqualValues(t, 3, asked.Load())
}

// The time is for what the network does, not for what an importer makes of it.
func TestReadingTakesItsTime(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			good(w, r)
			return w.Result(), nil
		})
		c := copied(t, dir, "http://feed.invalid/")
		doc, err := source(t, "http://feed.invalid/", feed.Options{Transport: transport, Copy: c}).Open(t.Context(), "")
		require.NoError(t, err)
		time.Sleep(2 * feed.DefaultTimeout)
		text, err := io.ReadAll(doc)
		require.NoError(t, err)
		require.NoError(t, doc.Close())
		assert.Equal(t, content, string(text))
	})
}
