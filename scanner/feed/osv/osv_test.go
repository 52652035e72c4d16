package osv_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/osv"
)

const record = `{
  "id": "VENDOR-1", "aliases": ["CVE-2024-0002"], "related": ["cve-2024-0001", "VENDOR-2"], "upstream": ["CVE-2024-0001"],
  "affected": [
    {"package": {"ecosystem": "Some Linux:9", "name": "a"}, "ranges": [
      {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1-1"}, {"introduced": "2"}, {"fixed": "2-5"}]},
      {"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "deadbeef"}]},
      {"type": "ECOSYSTEM", "events": [{"introduced": "3"}, {"last_affected": "4"}]}
    ]},
    {"package": {"ecosystem": "Other", "name": "b"}}
  ]
}`

func TestDecode(t *testing.T) {
	r, err := osv.Decode(strings.NewReader(record))
	require.NoError(t, err)
	assert.Equal(t, []string{"CVE-2024-0001", "CVE-2024-0002"}, r.CVEs())
	require.Len(t, r.Affected, 2)
	assert.Equal(t, []string{"1-1", "2-5", ""}, r.Affected[0].Fixes())
	assert.Empty(t, r.Affected[1].Fixes())
	release, ok := r.Affected[0].Package.Release("Some Linux")
	assert.True(t, ok)
	assert.Equal(t, "9", release)
	_, ok = r.Affected[0].Package.Release("Some")
	assert.False(t, ok)
	release, ok = r.Affected[1].Package.Release("Other")
	assert.True(t, ok)
	assert.Empty(t, release)
}

func TestDecodeRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                             "not JSON",
		`<html>`:                       "not JSON",
		`{"id":"A"} {}`:                "not JSON",
		record[:100]:                   "not JSON",
		`{}`:                           "it has no id",
		`null`:                         "it has no id",
		`[]`:                           "is not what OSV has there",
		`{"id":1}`:                     "id is not what OSV has there",
		`{"id":"A","affected":[[]]}`:   "affected is not what OSV has there",
		`{"id":"A","related":["b",1]}`: "related is not what OSV has there",
	} {
		_, err := osv.Decode(strings.NewReader(text))
		require.ErrorIs(t, err, osv.ErrMalformed, text)
		assert.ErrorContains(t, err, want, text)
	}
	_, err := osv.Decode(strings.NewReader(strings.Repeat(" ", osv.MaxRecord+1)))
	require.ErrorIs(t, err, osv.ErrMalformed)
	broken := errors.New("the disk is gone")
	_, err = osv.Decode(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
	assert.NotErrorIs(t, err, osv.ErrMalformed)

	_, err = osv.Decode(strings.NewReader(`{"id":"A","affected":[{}` + strings.Repeat(",{}", 500_000) + `]}`))
	require.ErrorIs(t, err, osv.ErrMalformed)
	assert.ErrorContains(t, err, "more than 500000 objects")
}

func TestDay(t *testing.T) {
	for text, want := range map[string]string{
		"2024-12-31T23:59:59.1Z": "2024-12-31", "2024-12-31": "2024-12-31", "2024-13-31T00:00:00Z": "", "": "", "soon": "",
	} {
		assert.Equal(t, want, osv.Day(text), text)
	}
}

func source(t testing.TB, location string) *feed.Source {
	t.Helper()
	src, err := feed.NewSource(location, feed.Options{})
	require.NoError(t, err)
	return src
}

func TestWalk(t *testing.T) {
	dir := t.TempDir()
	archive := new(bytes.Buffer)
	z := zip.NewWriter(archive)
	for name, text := range map[string]string{
		"README.md": "not a record", "bad.json": "{", "one.json": `{"id":"ONE"}`,
		"sub/two.json": `{"id":"TWO"}`, "gone.json": `{"id":"GONE","withdrawn":"2024-01-01T00:00:00Z"}`,
	} {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write([]byte(text))
		require.NoError(t, err)
		path := filepath.Join(dir, "tree", filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "all.zip"), archive.Bytes(), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "alone"), []byte(`{"id":"ALONE"}`), 0o600))
	for location, want := range map[string][]string{"all.zip": {"ONE", "TWO"}, "tree": {"ONE", "TWO"}, "alone": {"ALONE"}} {
		var got []string
		var stats feed.Stats
		require.NoError(t, osv.Walk(context.Background(), source(t, filepath.Join(dir, location)), &stats, func(where string, r *osv.Record) error {
			assert.NotEmpty(t, where)
			got = append(got, r.ID)
			return nil
		}))
		assert.ElementsMatch(t, want, got, location)
		assert.Equal(t, len(want)-1, stats.Malformed, location)
	}
	stop := errors.New("stop")
	err := osv.Walk(context.Background(), source(t, dir), new(feed.Stats), func(string, *osv.Record) error { return stop })
	assert.ErrorIs(t, err, stop)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(record))
	f.Add([]byte(`{"id":"A","affected":[{"ranges":[{"type":"ECOSYSTEM","events":[{}]}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := osv.Decode(bytes.NewReader(text))
		if err != nil {
			require.ErrorIs(t, err, osv.ErrMalformed)
			return
		}
		assert.NotEmpty(t, r.ID)
		for _, id := range r.CVEs() {
			assert.True(t, strings.HasPrefix(id, "CVE-"))
		}
		for i := range r.Affected {
			r.Affected[i].Fixes()
		}
	})
}
