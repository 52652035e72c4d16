// Package feedtest tests importers of feeds against a server that does what
// servers do: it answers well, badly, half, slowly, without end, or with
// something else.
package feedtest

import (
	"context"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// Limits of the bad cases. They let a small document pass.
const (
	dripTimeout = 400 * time.Millisecond // of the one case that must run into it
	maxBytes    = 1 << 20
	maxUnpacked = 8 << 20
	deadline    = 30 * time.Second // of one import; a hang takes longer
)

// Option changes what Hostile asks of an importer.
type Option func(*options)

type options struct{ cutUnseen bool }

// CutUnseen is for a document of plain lines that can be cut off between two of
// them, so that no reader can tell. The rule on feeds that shrink is left to see
// it.
func CutUnseen() Option { return func(o *options) { o.cutUnseen = true } }

// Hostile runs the importer of f against a local server with the documents of
// site, by their paths: "/v3.20/main.json". The server stands for f.URL: its
// root is the base of the feed, or the document main is if f.URL is the address
// of a document (its last element is that of main, or has an ending such as
// .json; see site.base). Folders list what is in them.
//
// A full fetch must give rows, without error and without malformed records; a
// second one must be answered from the cache, and give the same. Then main is
// served in each bad way: every one must be an error that names the document,
// or, where one bad document among many does not stop the rest, a malformed
// record that names it. Nothing may pass for a feed without advisories, and
// nothing may hang.
func Hostile(t *testing.T, f feed.Feed, site map[string][]byte, main string, opts ...Option) {
	t.Helper()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	require.Contains(t, site, main, "the main document is no document of the site")
	for p := range site {
		require.True(t, path.IsAbs(p), "%q does not begin with a slash", p)
	}
	s := serve(t, site)
	base := s.base(f, main)
	t.Run("cached", func(t *testing.T) { unchanged(t, s, f, base) })
	for _, c := range cases() {
		if c.cut && o.cutUnseen {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			s.answers(main, c.answer)
			o := bounded()
			o.Timeout = c.timeout
			requireSeen(t, importFeed(t, f, base, o), main, c.says)
		})
	}
}

// BadChecksum makes sure that the importer checks the checksum that the site
// has of main: with changed in its place, which must be a document that can be
// read, the import must be an error that names main.
func BadChecksum(t *testing.T, f feed.Feed, site map[string][]byte, main string, changed []byte) {
	t.Helper()
	s := serve(t, site)
	base := s.base(f, main)
	good := importFeed(t, f, base, bounded())
	require.NoError(t, good.err)
	require.NotEmpty(t, good.rows)
	s.answers(main, func(w http.ResponseWriter, r *http.Request, _ []byte) { whole(w, r, changed) })
	requireSeen(t, importFeed(t, f, base, bounded()), main, "SHA-256")
}

// unchanged fetches a feed twice.
func unchanged(t *testing.T, s *site, f feed.Feed, base string) {
	cache, err := feed.OpenCache(t.Context(), t.TempDir())
	require.NoError(t, err)
	defer func() { assert.NoError(t, cache.Close()) }()
	var o feed.Options
	o.Copy, err = cache.Copy(f.Name, base)
	require.NoError(t, err)

	first := importFeed(t, f, base, o)
	require.NoError(t, first.err, "a full fetch")
	require.NotEmpty(t, first.rows, "a full fetch gives rows")
	assert.Empty(t, first.stats.Problems, "a full fetch has no malformed record")
	require.NoError(t, o.Copy.Save(first.stats, time.Unix(0, 0)))
	asked := s.answered()
	assert.NotZero(t, asked[http.StatusOK])

	second := importFeed(t, f, base, o)
	require.NoError(t, second.err, "a second fetch")
	again := s.answered()
	assert.Equal(t, asked[http.StatusOK], again[http.StatusNotModified], "each document is answered 304")
	assert.Zero(t, again[http.StatusOK], "nothing is fetched twice")
	assert.Equal(t, first, second, "the cache gives the same")
}

func bounded() feed.Options {
	return feed.Options{MaxBytes: maxBytes, MaxUnpacked: maxUnpacked, Pause: time.Millisecond}
}

// result is what an import gave.
type result struct {
	rows   []any
	stats  feed.Stats
	digest string
	err    error
}

// fact is a row of a RepositoryImporter.
type fact struct {
	repository string
	cpes       []string
}

func importFeed(t *testing.T, f feed.Feed, base string, o feed.Options) (got result) {
	t.Helper()
	src, err := feed.NewSource(base, o)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	take := func(row any) error { got.rows = append(got.rows, row); return nil }
	switch {
	case f.Records != nil:
		got.stats, got.err = f.Records(ctx, src, func(r advisory.Record) error { return take(r) })
	case f.Facts != nil:
		got.stats, got.err = f.Facts(ctx, src, func(r advisory.Facts) error { return take(r) })
	case f.Repositories != nil:
		got.stats, got.err = f.Repositories(ctx, src, func(r string, cpes []string) error { return take(fact{r, cpes}) })
	default:
		require.Fail(t, "the feed has no importer")
	}
	require.NoError(t, ctx.Err(), "the import hangs")
	got.digest = src.Digest()
	return got
}

// requireSeen makes sure that an import tells of the bad document main.
func requireSeen(t *testing.T, got result, main, says string) {
	t.Helper()
	name := path.Base(main)
	if main == "/" {
		name = "127.0.0.1"
	}
	if got.err != nil {
		assert.ErrorContains(t, got.err, name, "the error names the document")
		assert.ErrorContains(t, got.err, says)
		return
	}
	require.NotZero(t, got.stats.Malformed, "the import says nothing of a bad document; rows: %d", len(got.rows))
	for _, p := range got.stats.Problems {
		if strings.Contains(p.String(), name) && strings.Contains(p.String(), says) {
			return
		}
	}
	assert.Fail(t, "no problem names the document", "%s (%q) in %v", name, says, got.stats.Problems)
}
