package feed_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/feed"
)

const content = "the content of a feed"

func source(t testing.TB, location string, o feed.Options) *feed.Source {
	t.Helper()
	if o.Pause == 0 {
		o.Pause = time.Millisecond
	}
	s, err := feed.NewSource(location, o)
	require.NoError(t, err)
	return s
}

func file(t testing.TB, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

func read(s *feed.Source, name string) (text string, err error) {
	doc, err := s.Open(context.Background(), name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	b, err := io.ReadAll(doc)
	return string(b), err
}

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func zstandard(t testing.TB, text string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return w.EncodeAll([]byte(text), nil)
}

// bzipped is content as bzip2 made it.
func bzipped(t testing.TB) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString("QlpoOTFBWSZTWT6i0fEAAAoRgEAAL0GEACAAIgYhoQAwSDMDaRasga4fi7kinChIH1Fo+IA=")
	require.NoError(t, err)
	return b
}

// The digest is one of what a document says, not of how it is packed.
const contentDigest = "sha256:2d0bd9bf9e644b6bbeb3c8ee29b0df6ab86002c3ab6a4c4fb2e4457f9a32b617"

func TestOpenUnpacks(t *testing.T) {
	for name, text := range map[string][]byte{
		"plain": []byte(content), "gzip": gzipped(t, content), "zstd": zstandard(t, content), "bzip2": bzipped(t),
	} {
		s := source(t, file(t, "feed.json", text), feed.Options{})
		got, err := read(s, "")
		require.NoError(t, err, name)
		assert.Equal(t, content, got, name)
		assert.Equal(t, contentDigest, s.Digest(), name)
		assert.Equal(t, "feed.json", s.Location(), name)
		assert.Empty(t, s.ETag())
		assert.Zero(t, s.Modified())
	}
}

func TestOpenRefuses(t *testing.T) {
	whole := gzipped(t, strings.Repeat(content, 1000))
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	for name, c := range map[string]struct{ path, want string }{
		"cut gzip":    {file(t, "f", whole[:len(whole)-9]), "unexpected EOF"},
		"bad gzip":    {file(t, "f", []byte("\x1f\x8bxxxxxxxxxxxxxxxx")), "unpack: gzip: invalid header"},
		"changed":     {file(t, "f", append(bytes.Clone(whole[:len(whole)-8]), 1, 2, 3, 4, 5, 6, 7, 8)), "gzip: invalid checksum"},
		"fifo":        {fifo, "not a regular file"},
		"a directory": {t.TempDir(), "not a regular file"},
		"device":      {"/dev/zero", "not a regular file"},
		"nothing":     {filepath.Join(t.TempDir(), "no"), "no such file or directory"},
	} {
		_, err := read(source(t, c.path, feed.Options{}), "")
		assert.ErrorContains(t, err, c.want, name)
		assert.ErrorContains(t, err, c.path, name)
	}
	_, err := read(source(t, t.TempDir(), feed.Options{}), "../etc/passwd")
	assert.ErrorContains(t, err, "not a path inside a feed")
}

func TestLimits(t *testing.T) {
	bomb := file(t, "bomb.gz", gzipped(t, strings.Repeat("\x00", 10<<20)))
	got, err := read(source(t, bomb, feed.Options{MaxUnpacked: 1 << 20}), "")
	assert.ErrorContains(t, err, "more than 1048576 bytes unpacked")
	assert.LessOrEqual(t, len(got), 1<<20)
	exact := file(t, "exact", []byte(content))
	n := int64(len(content))
	_, err = read(source(t, exact, feed.Options{MaxBytes: n, MaxUnpacked: n}), "")
	assert.NoError(t, err)
	_, err = read(source(t, exact, feed.Options{MaxBytes: n - 1}), "")
	assert.ErrorContains(t, err, fmt.Sprintf("more than %d bytes fetched", n-1))
	_, err = read(source(t, exact, feed.Options{MaxUnpacked: n - 1}), "")
	assert.ErrorContains(t, err, fmt.Sprintf("more than %d bytes unpacked", n-1))
}

func TestDigestOfATree(t *testing.T) {
	digest := func(first, second string, pack func(testing.TB, string) []byte, ext string) string {
		dir := t.TempDir()
		for _, name := range []string{"a.json", "b.json"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name+ext), pack(t, name), 0o600))
		}
		s := source(t, dir, feed.Options{})
		for _, name := range []string{first, second} {
			_, err := read(s, name+ext)
			require.NoError(t, err)
		}
		return s.Digest()
	}
	plain := func(_ testing.TB, s string) []byte { return []byte(s) }
	want := digest("a.json", "b.json", plain, "")
	assert.Equal(t, want, digest("b.json", "a.json", plain, ""))
	assert.Equal(t, want, digest("b.json", "a.json", gzipped, ".gz"))
	assert.NotEqual(t, want, digest("b.json", "b.json", plain, ""))
}

func TestNewSourceRefuses(t *testing.T) {
	for location, want := range map[string]string{
		"":                        "missing",
		"ftp://example.com/x":     "neither a path nor an http or https address",
		"https:///x":              "neither a path",
		"file:///etc/passwd":      "neither a path",
		"http://[::1":             "neither a path",
		"HTTPS://u:secret@h/\x7f": "neither a path",
	} {
		_, err := feed.NewSource(location, feed.Options{})
		assert.ErrorContains(t, err, want, location)
		assert.NotContains(t, err.Error(), "secret")
	}
}

func TestHTTP(t *testing.T) {
	modified := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	mux := http.NewServeMux()
	serve := func(w http.ResponseWriter, text []byte) {
		w.Header().Set("ETag", `"abc"`)
		w.Header().Set("Last-Modified", modified.Format(http.TimeFormat))
		_, err := w.Write(text)
		assert.NoError(t, err)
	}
	mux.HandleFunc("/plain", func(w http.ResponseWriter, _ *http.Request) { serve(w, []byte(content)) })
	mux.HandleFunc("/encoded", func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "gzip", r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Encoding", "gzip")
		serve(w, gzipped(t, content))
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/plain", http.StatusFound) })
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		serve(w, []byte(content))
	})
	mux.HandleFunc("/failing", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	server := httptest.NewServer(mux)
	defer server.Close()

	for _, path := range []string{"/plain", "/encoded", "/moved"} {
		s := source(t, server.URL+path, feed.Options{})
		got, err := read(s, "")
		require.NoError(t, err, path)
		assert.Equal(t, content, got)
		assert.Equal(t, contentDigest, s.Digest())
		assert.Equal(t, `"abc"`, s.ETag())
		assert.Equal(t, modified, s.Modified())
	}
	for path, want := range map[string]string{
		"/none": "the server answered 404 Not Found", "/failing": "the server answered 503 Service Unavailable",
		"/round": "more than 5 redirects", "/broken": "unexpected EOF",
	} {
		_, err := read(source(t, server.URL+path, feed.Options{}), "")
		assert.ErrorContains(t, err, want)
		assert.Equal(t, path == "/none", errors.Is(err, fs.ErrNotExist))
	}
}

func TestHTTPTimeout(t *testing.T) {
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(done)
	_, err := read(source(t, server.URL, feed.Options{Timeout: 50 * time.Millisecond}), "")
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestHTTPSIsNotGivenUp(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the server without TLS was asked") }))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer secure.Close()
	s := source(t, secure.URL, feed.Options{Transport: secure.Client().Transport})
	_, err := read(s, "")
	assert.ErrorContains(t, err, "redirected from https to an address without it")
}

func TestSecretsStaySecret(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	location := strings.Replace(server.URL, "http://", "http://user:secret@", 1) + "/feed?token=secret#secret"
	s := source(t, location, feed.Options{})
	assert.Equal(t, server.URL+"/feed", s.Location())
	_, err := read(s, "")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "secret")
	server.Close()
	_, err = read(s, "")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "secret")
	_, err = s.List(context.Background())
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "secret")
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"v3.9", "v3.10", "edge", "last"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, name, "below"), 0o700))
	}
	want := []string{"edge", "last", "v3.10", "v3.9"}
	got, err := source(t, dir, feed.Options{}).List(context.Background())
	require.NoError(t, err)
	assert.Equal(t, want, got)

	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	for _, location := range []string{server.URL, server.URL + "/"} {
		got, err = source(t, location, feed.Options{}).List(context.Background())
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, location := range []string{server.URL + "/main.json", server.URL + "/main.json.gz", file(t, "main", nil)} {
		_, err = source(t, location, feed.Options{}).List(context.Background())
		assert.ErrorIs(t, err, feed.ErrNotTree, location)
	}
	_, err = source(t, server.URL+"/none", feed.Options{}).List(context.Background())
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = source(t, filepath.Join(dir, "none"), feed.Options{}).List(context.Background())
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

// An index may link to anything.
func TestListKeepsBelow(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, `<a href="../">up</a><a href="/other/x">x</a><a href="https://example.com/feed/x">x</a>
			<a href="?C=N;O=D">Name</a><a class=x href='v3.1/'>1</a><A HREF=/feed/v3.2>2</A><a href="v3.3/main.json">3</a>
			<a href="%2e%2e/v3.4">4</a><a href="v3.5#top">5</a><a>6</a><a href="v3.1">again</a><a href="%zz">7
			<!-- <a href="v3.6/"> --><a data-href="v3.7/">8</a><abbr href="v3.8/">9</abbr><a title="a > b" href="v3.9&#x2f;">10</a>`)
		assert.NoError(t, err)
	}))
	defer server.Close()
	got, err := source(t, server.URL+"/feed", feed.Options{}).List(context.Background())
	require.NoError(t, err)
	assert.Equal(t, []string{"v3.1", "v3.2", "v3.5", "v3.9"}, got)
}
