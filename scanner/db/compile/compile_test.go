package compile_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"io/fs"
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
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

var built = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func options(t testing.TB, feeds ...compile.Feed) compile.Options {
	return compile.Options{
		Output: filepath.Join(t.TempDir(), "db"), Feeds: feeds, Distros: all.List(),
		Built: built, Now: func() time.Time { return built.Add(time.Minute) },
	}
}

// progress notes what became of each feed.
type progress struct {
	lock  sync.Mutex
	bytes int
	done  map[int]compile.Result
	calls int
}

func (p *progress) Fetched(n int) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.bytes += n
}

func (p *progress) Done(i int, r compile.Result) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.done == nil {
		p.done = map[int]compile.Result{}
	}
	p.done[i] = r
	p.calls++
}

func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const (
	tracker  = `{"openssl":{"CVE-2024-0001":{"description":"A flaw","releases":{"bookworm":{"status":"resolved","fixed_version":"3.0-1","urgency":"not yet assigned"}}}}}`
	private  = `{"id":"CVE-2024-0001","distro":"debian","release":"12","package":"openssl","kind":"source","status":"fixed","fixed":"3.0-2"}` + "\n"
	severity = "id\tscore\tvector\tsource\nCVE-2024-0001\t9.8\t\tnvd\n"
)

func lookup(t testing.TB, dir string) []db.Advisory {
	t.Helper()
	r, err := scantest.Open(t, dir).Release("debian", "12")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	rows, err := r.Lookup(advisory.Source, "openssl")
	require.NoError(t, err)
	return rows
}

func TestRun(t *testing.T) {
	o := options(t,
		compile.Feed{Name: "debian", Location: file(t, "tracker.json", tracker)},
		compile.Feed{Name: "records", Location: file(t, "mine.jsonl", private+"x\n")},
		compile.Feed{Name: "records", Location: file(t, "more.jsonl", "")},
		compile.Feed{Name: "severity", Location: file(t, "cvss.tsv", severity)},
	)
	var p progress
	o.Progress = &p
	meta, err := compile.Run(context.Background(), o)
	require.NoError(t, err)
	rows := lookup(t, o.Output)
	require.Len(t, rows, 1)
	assert.Equal(t, "3.0-2", rows[0].Fixed)
	assert.Equal(t, "critical", rows[0].Severity.String())
	assert.Equal(t, "nvd", rows[0].SeveritySource)
	d, _, err := scantest.Open(t, o.Output).Details("CVE-2024-0001", "debian")
	require.NoError(t, err)
	assert.Equal(t, "A flaw", d.Description)

	require.Len(t, meta.Feeds, 4)
	assert.Equal(t, "mine.jsonl", meta.Feeds[1].URL)
	assert.Equal(t, 1, meta.Feeds[1].Rows)
	assert.Equal(t, 1, meta.Feeds[1].Malformed)
	assert.Equal(t, built.Add(time.Minute), meta.Feeds[0].Fetched)
	assert.Equal(t, built, meta.Built)
	assert.Equal(t, "mine.jsonl:2", p.done[1].Problems[0].Where)
}

func TestUnratedDistributions(t *testing.T) {
	rated := strings.Replace(private, `"fixed":"3.0-2"`, `"fixed":"3.0-2","severity":"low"`, 1)
	for name, tc := range map[string]struct {
		feeds []compile.Feed
		want  []string
	}{
		"unrated":           {[]compile.Feed{{Name: "records", Location: file(t, "a.jsonl", private)}}, []string{"debian"}},
		"one is rated":      {[]compile.Feed{{Name: "records", Location: file(t, "a.jsonl", private+rated)}}, nil},
		"a feed of ratings": {[]compile.Feed{{Name: "records", Location: file(t, "a.jsonl", private)}, {Name: "severity", Location: file(t, "cvss.tsv", severity)}}, nil},
	} {
		var got []string
		o := options(t, tc.feeds...)
		o.Unrated = func(distro string) { got = append(got, distro) }
		_, err := compile.Run(context.Background(), o)
		require.NoError(t, err, name)
		assert.Equal(t, tc.want, got, name)
	}
}

// A record that the database cannot take is counted with those that the
// importer cannot read.
func TestRecordsThatTheDatabaseRefuses(t *testing.T) {
	o := options(t, compile.Feed{Name: "debian", Location: file(t, "tracker.json", `{
		"a b":{"CVE-2024-0001":{"releases":{"sid":{"status":"open"}}}},
		"c":{"CVE-2024-0001":{"releases":{"sid":{"status":"resolved","fixed_version":"a:1"}}}},
		"d":{"CVE-2024-0001":{"releases":{"sid":{"status":"open"}}}}}`)})
	var written int
	o.Records = func(advisory.Record) error { written++; return nil }
	var p progress
	o.Progress = &p
	meta, err := compile.Run(context.Background(), o)
	require.NoError(t, err)
	stats := p.done[0].Stats
	assert.Equal(t, 2, stats.Rows)
	assert.Equal(t, 2, stats.Malformed)
	assert.Equal(t, 2, written)
	assert.Equal(t, "debian sid a b CVE-2024-0001", stats.Problems[0].Where)
	assert.Contains(t, stats.Problems[1].Reason, "invalid deb version")
	assert.Equal(t, 2, meta.Releases[0].Rows)
}

func TestNothingIsWrittenIfAFeedIsBroken(t *testing.T) {
	good := compile.Feed{Name: "debian", Location: file(t, "tracker.json", tracker)}
	for name, c := range map[string]struct {
		feeds []compile.Feed
		want  string
	}{
		"cut off":       {[]compile.Feed{good, {Name: "debian", Location: file(t, "cut.json", tracker[:80])}}, "feed debian: cut.json: cut off"},
		"absent":        {[]compile.Feed{good, {Name: "alpine", Location: "no-such-directory"}}, "feed alpine: no-such-directory: no such file"},
		"no feed":       {nil, "the feeds have no advisory"},
		"only scores":   {[]compile.Feed{{Name: "severity", Location: file(t, "s.tsv", severity)}}, "the feeds have no advisory"},
		"unknown":       {[]compile.Feed{good, {Name: "gentoo", Location: "x"}}, "there is no such feed; there are [al"},
		"address":       {[]compile.Feed{good, {Name: "debian", Location: "ftp://x/y"}}, "feed debian: \"ftp://x/y\" is neither"},
		"all unusable":  {[]compile.Feed{good, {Name: "records", Location: file(t, "r.jsonl", `{"id":"X-1","distro":"debain","release":"12","package":"p","kind":"source","status":"affected"}`)}}, `none of 1 records can be used; the first: debain 12 p X-1: there is no distribution "debain"`},
		"another thing": {[]compile.Feed{{Name: "debian", Location: file(t, "s.tsv", severity)}}, "feed debian: s.tsv: it is not known as something of Debian"},
	} {
		o := options(t, c.feeds...)
		_, err := compile.Run(context.Background(), o)
		assert.ErrorContains(t, err, c.want, name)
		_, err = os.Stat(o.Output)
		assert.ErrorIs(t, err, fs.ErrNotExist, name)
		entries, err := os.ReadDir(filepath.Dir(o.Output))
		require.NoError(t, err)
		assert.Empty(t, entries, name)
	}
	o := options(t, good)
	o.Records = func(advisory.Record) error { return io.ErrShortWrite }
	_, err := compile.Run(context.Background(), o)
	assert.ErrorIs(t, err, io.ErrShortWrite)
}

func sharedFeeds(t testing.TB) []compile.Feed {
	return []compile.Feed{
		{Name: "debian", Location: scantest.Shared(t, "debian/tracker-shape-from-dsa-dla.json.gz")},
		{Name: "alpine", Location: scantest.Shared(t, "alpine/secdb-json")},
		{Name: "severity", Location: scantest.Shared(t, "severity/cvss.tsv.gz")},
	}
}

// maxRowBytes is how many bytes a row may take after compression.
const maxRowBytes = 8

func TestSharedFeeds(t *testing.T) {
	o := options(t, sharedFeeds(t)...)
	var records bytes.Buffer
	o.Records = advisory.NewWriter(&records).Write
	meta, err := compile.Run(context.Background(), o)
	require.NoError(t, err)
	rows := 0
	for _, r := range meta.Releases {
		rows += r.Rows
	}
	assert.Greater(t, rows, 35_000)
	assert.Less(t, float64(compressedSize(t, o.Output))/float64(rows), float64(maxRowBytes))

	// The same again, and from the records: the same advisories.
	again := options(t, sharedFeeds(t)...)
	_, err = compile.Run(context.Background(), again)
	require.NoError(t, err)
	assert.Equal(t, content(t, o.Output), content(t, again.Output))

	again = options(t, compile.Feed{Name: "records", Location: file(t, "records.jsonl", records.String())}, o.Feeds[2])
	other, err := compile.Run(context.Background(), again)
	require.NoError(t, err)
	assert.Equal(t, meta.Digest, other.Digest)
}

// content gives the files of a database by their names.
func content(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(text)
	}
	return out
}

func compressedSize(t testing.TB, dir string) int {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	require.NoError(t, err)
	for _, text := range content(t, dir) {
		_, err = io.WriteString(w, text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Len()
}
