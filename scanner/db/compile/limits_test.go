package compile_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db/compile"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/version"
)

// vast is a distribution with feeds of other limits than most.
func vast(feeds ...feed.Feed) []distro.Distro {
	for i := range feeds {
		feeds[i].Records = feed.Records
	}
	d := distro.Distro{ID: "debian", Feeds: feeds}
	d.Rules.Scheme = version.Deb
	return []distro.Distro{d}
}

func TestLimitsOfAFeed(t *testing.T) {
	w := newWorld(t)
	run := func(change func(o *compile.Options)) error {
		_, done, err := w.build(func(o *compile.Options) {
			o.Feeds = []compile.Feed{{Name: "small", Location: w.a.URL}}
			change(o)
		})
		if err == nil {
			assert.NoError(t, done[0].Err)
		}
		return err
	}
	for limit, f := range map[string]feed.Feed{
		"more than 500 bytes fetched": {Name: "small", MaxBytes: 500}, "more than 600 bytes unpacked": {Name: "small", MaxUnpacked: 600},
		"did not come within 1ns": {Name: "small", Timeout: 1},
	} {
		assert.ErrorContains(t, run(func(o *compile.Options) { o.Distros = vast(f) }), limit)
		// What the caller says counts more.
		require.NoError(t, run(func(o *compile.Options) {
			o.Distros, o.Source = vast(f), feed.Options{MaxBytes: 1 << 20, MaxUnpacked: 1 << 20, Timeout: time.Minute}
		}))
		w = newWorld(t)
	}
}

// Two feeds of one address are fetched once, and each is judged by its own rows.
func TestFeedsOfOneAddress(t *testing.T) {
	w := newWorld(t)
	half := func(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (feed.Stats, error) {
		n := 0
		stats, err := feed.Records(ctx, src, func(r advisory.Record) error {
			if n++; n%2 == 0 {
				return nil
			}
			return emit(r)
		})
		stats.Rows = (n + 1) / 2
		return stats, err
	}
	change := func(o *compile.Options) {
		o.Distros = vast(feed.Feed{Name: "all"}, feed.Feed{Name: "half"})
		o.Distros[0].Feeds[1].Records = half
		o.Feeds = []compile.Feed{{Name: "all", Location: w.a.URL}, {Name: "half", Location: w.a.URL}}
	}
	first, done, err := w.build(change)
	require.NoError(t, err)
	assert.Equal(t, 1, w.a.requests())
	assert.Equal(t, 1, done[0].Fetched+done[1].Fetched)
	assert.Equal(t, 1, done[0].Shared+done[1].Shared)
	assert.Equal(t, []int{10, 5}, []int{done[0].Rows, done[1].Rows})
	assert.Equal(t, feeds(t, first)[0].ETag, feeds(t, first)[1].ETag)

	w.a.now(jsonl(10), 0)
	_, done, err = w.build(change)
	require.NoError(t, err)
	assert.Equal(t, 1, w.a.requests())
	assert.Equal(t, 1, done[0].Unchanged+done[1].Unchanged)

	// 7 rows are too few for the one; 4 are enough for the other.
	w.a.now(jsonl(7), 0)
	last, done, err := w.build(change)
	require.NoError(t, err)
	assert.ErrorContains(t, done[0].Err, "it has 7 rows, and had 10")
	assert.NoError(t, done[1].Err)
	assert.Equal(t, []int{10, 4}, []int{done[0].Rows, done[1].Rows})
	assert.Len(t, lookup(t, last.Output), 10)

	w.a.now("", http.StatusTeapot)
	offlined, _, err := w.build(func(o *compile.Options) { change(o); offline(o) })
	require.NoError(t, err)
	assert.Zero(t, w.a.requests())
	assert.Equal(t, feeds(t, last)[1].Digest, feeds(t, offlined)[1].Digest)
}
