package compile_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/db/compile"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// vendor is a server with one document, and what it was asked.
type vendor struct {
	*httptest.Server
	lock   sync.Mutex
	body   string
	status int
	asked  int
}

func newVendor(t testing.TB, body string) *vendor {
	v := &vendor{body: body}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.lock.Lock()
		defer v.lock.Unlock()
		v.asked++
		if v.status != 0 {
			w.WriteHeader(v.status)
			return
		}
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, v.body))
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(v.body))
	}))
	t.Cleanup(v.Close)
	return v
}

// now says what the server answers from now on, and forgets what it was asked.
func (v *vendor) now(body string, status int) {
	v.lock.Lock()
	defer v.lock.Unlock()
	v.body, v.status, v.asked = body, status, 0
}

func (v *vendor) requests() int {
	v.lock.Lock()
	defer v.lock.Unlock()
	return v.asked
}

// jsonl is a feed of so many records.
func jsonl(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, `{"id":"CVE-2024-%04d","distro":"debian","release":"12","package":"openssl","kind":"source","status":"fixed","fixed":"1"}`+"\n", i+1)
	}
	return out.String()
}

// world is a cache and two servers that a database is built from.
type world struct {
	*testing.T
	cache string
	a, b  *vendor
}

func newWorld(t *testing.T) *world {
	return &world{t, t.TempDir(), newVendor(t, jsonl(10)), newVendor(t, tracker)}
}

// build builds, and changes the options with change before.
func (w *world) build(change func(*compile.Options)) (compile.Options, map[int]compile.Result, error) {
	w.Helper()
	cache, err := feed.OpenCache(w.Context(), w.cache)
	require.NoError(w, err)
	defer func() { require.NoError(w, cache.Close()) }()
	o := options(w, compile.Feed{Name: "records", Location: w.a.URL + "/r.jsonl"}, compile.Feed{Name: "debian", Location: w.b.URL})
	o.Cache, o.Source = cache, feed.Options{Pause: time.Millisecond}
	var p progress
	o.Progress = &p
	if change != nil {
		change(&o)
	}
	_, err = compile.Run(w.Context(), o)
	assert.LessOrEqual(w, p.calls, len(o.Feeds), "each feed is told of once")
	return o, p.done, err
}

func offline(o *compile.Options) { o.Offline = true }

func feeds(t testing.TB, o compile.Options) []db.FeedMeta {
	t.Helper()
	d, err := db.Open(o.Output)
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	return d.Meta().Feeds
}

func TestCache(t *testing.T) {
	w := newWorld(t)
	first, done, err := w.build(nil)
	require.NoError(t, err)
	assert.Equal(t, feed.Traffic{Fetched: 1, Bytes: int64(len(jsonl(10)))}, done[0].Traffic)
	assert.Equal(t, 1, w.a.requests())

	second, done, err := w.build(nil)
	require.NoError(t, err)
	assert.Equal(t, feed.Traffic{Unchanged: 1}, done[0].Traffic)
	assert.Equal(t, content(t, first.Output), content(t, second.Output))

	w.a.now("", http.StatusTeapot)
	third, done, err := w.build(offline)
	require.NoError(t, err)
	assert.Zero(t, w.a.requests())
	assert.Equal(t, built.Add(time.Minute), done[0].Saved)
	assert.Equal(t, content(t, first.Output), content(t, third.Output))
}

func TestOfflineWithoutACopy(t *testing.T) {
	w := newWorld(t)
	o, _, err := w.build(offline)
	assert.ErrorContains(t, err, "feed records: "+w.a.URL+"/r.jsonl: it is not in the cache, and nothing is fetched offline; feed debian: "+w.b.URL)
	assert.NoDirExists(t, o.Output)
	assert.Zero(t, w.a.requests())
}

// What a bad feed gave before it turned out bad must not be in the database.
func TestNoRowOfABadFeed(t *testing.T) {
	w := newWorld(t)
	first, _, err := w.build(nil)
	require.NoError(t, err)
	w.b.now(strings.ReplaceAll(tracker, "CVE-2024-0001", "CVE-2024-0099")[:len(tracker)-1], 0)
	second, done, err := w.build(nil)
	require.NoError(t, err)
	require.ErrorContains(t, done[1].Err, "cut off at byte")
	assert.Equal(t, content(t, first.Output), content(t, second.Output))
}

func TestLastGood(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"failing":   {"", http.StatusInternalServerError, "the server answered 500 Internal Server Error (tried 4 times)"},
		"absent":    {"", http.StatusNotFound, "the server answered 404 Not Found"},
		"shrunk":    {jsonl(7), 0, "it has 7 rows, and had 10: it shrank by more than a fifth; if that is right, remove "},
		"another":   {"<html>\n", 0, "none of 1 lines can be read"},
		"all wrong": {strings.ReplaceAll(jsonl(9), "debian", "gentoo"), 0, "none of 9 records can be used"},
		"empty":     {"", 0, "it has 0 rows, and had 10"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			first, _, err := w.build(nil)
			require.NoError(t, err)
			w.a.now(c.body, c.status)
			for range 2 { // The bad one is not kept either.
				second, done, err := w.build(nil)
				require.NoError(t, err)
				require.ErrorContains(t, done[0].Err, c.want)
				assert.Equal(t, built.Add(time.Minute), done[0].Saved)
				assert.Equal(t, 10, done[0].Rows)
				assert.NoError(t, done[1].Err)
				assert.Equal(t, content(t, first.Output), content(t, second.Output))
			}
			w.a.now(jsonl(8), 0)
			third, done, err := w.build(nil)
			require.NoError(t, err)
			assert.NoError(t, done[0].Err)
			assert.Len(t, lookup(t, third.Output), 8, "a fifth less is no reason")
		})
	}
}

func TestWithoutLastGood(t *testing.T) {
	w := newWorld(t)
	w.a.now("", http.StatusNotFound)
	o, _, err := w.build(nil)
	assert.ErrorContains(t, err, "feed records: "+w.a.URL+"/r.jsonl: the server answered 404 Not Found")
	assert.NoDirExists(t, o.Output)
	o, done, err := w.build(func(o *compile.Options) { o.AllowMissing = true })
	require.NoError(t, err)
	assert.Error(t, done[0].Err)
	assert.Zero(t, done[0].Saved)
	require.Len(t, feeds(t, o), 1)
	assert.Len(t, lookup(t, o.Output), 1)
	// The good one was kept all the same.
	w.b.now("", http.StatusNotFound)
	_, done, err = w.build(func(o *compile.Options) { o.AllowMissing = true })
	require.NoError(t, err)
	assert.False(t, done[1].Saved.IsZero())
}

func TestDamagedCacheIsFetchedAnew(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"changed": func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) },
		"cut":     func(path string) error { return os.Truncate(path, 5) },
		"gone":    os.Remove,
	} {
		w := newWorld(t)
		_, _, err := w.build(nil)
		require.NoError(t, err)
		lists, err := filepath.Glob(filepath.Join(w.cache, "127.0.0.1-*", "records.json"))
		require.NoError(t, err)
		require.Len(t, lists, 1)
		files, err := filepath.Glob(filepath.Join(filepath.Dir(lists[0]), "*"))
		require.NoError(t, err)
		require.Len(t, files, 2, "a document and the list")
		for _, f := range files {
			require.NoError(t, damage(f))
			w.a.now(jsonl(10), 0)
			_, done, err := w.build(nil)
			require.NoError(t, err, name)
			assert.Equal(t, 1, done[0].Fetched, name)
		}
		for _, f := range files {
			require.NoError(t, damage(f))
		}
		_, _, err = w.build(offline)
		assert.ErrorContains(t, err, "feed records: "+w.a.URL, name)
	}
}

// The records are those of the database, in the order of the feeds.
func TestRecordsOfTheLastGood(t *testing.T) {
	w := newWorld(t)
	_, _, err := w.build(nil)
	require.NoError(t, err)
	w.a.now(jsonl(3), 0)
	var out bytes.Buffer
	_, _, err = w.build(func(o *compile.Options) { o.Records = advisory.NewWriter(&out).Write })
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 11)
	assert.Contains(t, lines[9], "CVE-2024-0010")
	assert.Contains(t, lines[10], "CVE-2024-0001")
}

func TestTimesThatAreStated(t *testing.T) {
	later := built.Add(48 * time.Hour)
	w := newWorld(t)
	o, _, err := w.build(nil)
	require.NoError(t, err)
	assert.Equal(t, built.Add(time.Minute), feeds(t, o)[0].Fetched)
	w.a.now("", http.StatusNotFound)
	o, _, err = w.build(func(o *compile.Options) { o.Now = func() time.Time { return later } })
	require.NoError(t, err)
	assert.Equal(t, built.Add(time.Minute), feeds(t, o)[0].Fetched, "a last good copy is as old as it is")
	assert.Equal(t, later, feeds(t, o)[1].Fetched)
	o, _, err = w.build(func(o *compile.Options) { o.Now, o.Reproducible = func() time.Time { return later }, true })
	require.NoError(t, err)
	assert.Equal(t, built, feeds(t, o)[1].Fetched)
}

func TestOneFeedTwice(t *testing.T) {
	w := newWorld(t)
	_, _, err := w.build(func(o *compile.Options) { o.Feeds = append(o.Feeds, o.Feeds[0]) })
	assert.EqualError(t, err, "feed records: it is there twice")
}

// The order of the feeds, and which of them is faster, changes no byte.
func TestOrderOfFeeds(t *testing.T) {
	list := []compile.Feed{
		{Name: "debian", Location: file(t, "tracker.json", tracker)},
		{Name: "records", Location: file(t, "a.jsonl", jsonl(2000))},
		{Name: "records", Location: file(t, "b.jsonl", strings.ReplaceAll(jsonl(2000), `"fixed":"1"`, `"fixed":"2","cvss":{"version":"3.1","score":5,"source":"x"}`))},
		{Name: "severity", Location: file(t, "cvss.tsv", severity)},
	}
	var want string
	for i := range list {
		o := options(t, append(list[i:len(list):len(list)], list[:i]...)...)
		meta, err := compile.Run(context.Background(), o)
		require.NoError(t, err)
		if want == "" {
			want = meta.Digest
		}
		assert.Equal(t, want, meta.Digest)
	}
}
