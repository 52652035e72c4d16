package compile_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/db/compile"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

// What the tracker says of bookworm, a list of advisories, and Extended LTS.
const (
	current = `{"openssl":{"CVE-2024-0001":{"releases":{"bookworm":{"status":"open","urgency":"low"}}},` +
		`"CVE-2024-0002":{"releases":{"bookworm":{"status":"resolved","fixed_version":"0"}}}}}`
	list = "[27 Mar 2023] DSA-5000-1 openssl - security update\n\t{CVE-2024-0001 CVE-2024-0002 CVE-2024-0003}\n" +
		"\t[bookworm] - openssl 3.0-9\n\t[wheezy] - openssl 1.0-9\n\t[jessie] - openssl 1.0-8\n"
	extended = `{"id":"ELA-1-1","modified":"2023-11-15T00:00:00Z","related":["CVE-2024-0004"],"affected":[{"package":{"ecosystem":"Debian:8","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.0-10"}]}]}]}`
)

// verdicts are the rows of openssl in a release, as "id status fixed".
func verdicts(t testing.TB, dir, release string) []string {
	t.Helper()
	r, err := scantest.Open(t, dir).Release("debian", release)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	rows, err := r.Lookup(advisory.Source, "openssl")
	require.NoError(t, err)
	var out []string
	for _, row := range rows {
		out = append(out, strings.TrimSpace(row.ID+" "+string(row.Status)+" "+row.Fixed))
	}
	return out
}

// The lists of advisories add what the tracker does not have, and contradict it
// in nothing, in whatever order and by whatever name they are given.
func TestListsSupplementTheTracker(t *testing.T) {
	tracker, dsa, elts := file(t, "tracker.json", current), file(t, "list", list), file(t, "ELA-1-1.json", extended)
	var want string
	for _, feeds := range [][]compile.Feed{
		{{Name: "debian", Location: tracker}, {Name: "debian-dsa", Location: dsa}, {Name: "debian-elts", Location: elts}},
		{{Name: "debian-dsa", Location: dsa}, {Name: "debian-elts", Location: elts}, {Name: "debian", Location: tracker}},
		{{Name: "debian", Location: elts}, {Name: "debian", Location: dsa}, {Name: "debian", Location: tracker}},
	} {
		o := options(t, feeds...)
		var p progress
		o.Progress = &p
		meta, err := compile.Run(t.Context(), o)
		require.NoError(t, err)
		assert.Equal(t, []string{"CVE-2024-0001 affected"}, verdicts(t, o.Output, "12"))
		assert.Equal(t, []string{"CVE-2024-0001 fixed 1.0-9", "CVE-2024-0002 fixed 1.0-9", "CVE-2024-0003 fixed 1.0-9"}, verdicts(t, o.Output, "7"))
		assert.Len(t, verdicts(t, o.Output, "8"), 4, "Extended LTS and the list have one release")
		for i, f := range feeds {
			assert.Equal(t, f.Name, meta.Feeds[i].Name)
			if f.Location == dsa {
				assert.Equal(t, 9, p.done[i].Rows, "all that was read")
			}
		}
		if want == "" {
			want = meta.Digest
		}
		assert.Equal(t, want, meta.Digest)
	}
}

// Without the tracker the list counts everywhere.
func TestListAlone(t *testing.T) {
	o := options(t, compile.Feed{Name: "debian-dsa", Location: file(t, "list", list)}, compile.Feed{Name: "debian", Location: filepath.Join(t.TempDir(), "none")})
	o.AllowMissing = true
	_, err := compile.Run(t.Context(), o)
	require.NoError(t, err)
	assert.Len(t, verdicts(t, o.Output, "12"), 3)
}

// With --feed, a list that was fetched is told from its content, once.
func TestFormOfWhatIsFetched(t *testing.T) {
	w := newWorld(t)
	w.b.now(list, 0)
	change := func(o *compile.Options) { o.Feeds = o.Feeds[1:] }
	_, done, err := w.build(change)
	require.NoError(t, err)
	assert.Equal(t, 9, done[0].Rows)
	assert.Equal(t, 1, done[0].Fetched)
	assert.Equal(t, 1, w.b.requests())
	w.b.now("<html>", 0)
	o, done, err := w.build(change)
	require.NoError(t, err)
	require.ErrorContains(t, done[0].Err, "it is not known as something of Debian")
	assert.Equal(t, 9, done[0].Rows)
	assert.Equal(t, []db.FeedMeta{feeds(t, o)[0]}, feeds(t, o))
	w.b.now("", http.StatusTeapot)
	_, _, err = w.build(func(o *compile.Options) { change(o); offline(o) })
	require.NoError(t, err)
}
