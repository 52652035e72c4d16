package compile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// A feed must give four fifths of the rows that its last good copy gave.
const (
	kept   = 4
	keptOf = 5
)

// state is what a feed is taken from.
type state int

const (
	fresh   state = iota // where it lies
	known                // where it lies, as it was read before
	stale                // its last good copy
	missing              // nothing
)

// task is the work on one feed.
type task struct {
	*Options
	index    int
	named    feed.Feed  // by its name
	copy     *feed.Copy // nil for a path
	state    state
	reported bool

	// Of a round:
	src      *feed.Source
	importer feed.Feed // named, or what its content shows
	unopened error     // why there is no src, or it is not known what it is
	result   Result
	meta     db.FeedMeta
}

func (b *build) newTask(index int, f Feed) (*task, error) {
	importer, ok := find(b.Distros, f.Name)
	if !ok {
		return nil, fmt.Errorf("there is no such feed; there are %v", Names(b.Distros))
	}
	t := &task{Options: b.Options, index: index, named: importer, result: Result{Feed: f}}
	if !feed.IsAddress(f.Location) {
		return t, nil
	}
	if slices.ContainsFunc(b.tasks, func(other *task) bool { return other.result.Feed == f }) {
		return nil, errors.New("it is there twice")
	}
	var err error
	t.copy, err = b.Cache.Copy(f.Name, f.Location)
	return t, err
}

// open makes ready to import the feed, and tells what it is where its name alone
// does not.
func (t *task) open(ctx context.Context) {
	t.importer = t.named
	t.src, t.unopened = feed.NewSource(t.result.Location, t.source())
	if t.unopened != nil || t.named.Form == nil || t.result.Location == t.named.URL {
		return
	}
	found, err := t.named.Form(ctx, t.src)
	if t.unopened = err; err == nil {
		t.importer = found
	}
}

// run imports the feed. It returns false if the feed turned out not to be what
// it was thought to be, and has to be read again or left out. An error is one of
// the whole build.
func (t *task) run(ctx context.Context, to *target) (same bool, err error) {
	started := t.Now()
	in := &intake{target: to, importer: t.importer}
	var stats feed.Stats
	if err = t.unopened; err == nil {
		stats, err = in.read(ctx, t.src)
	}
	switch {
	case in.fatal != nil:
		return false, in.fatal
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err == nil:
		err = t.check(stats)
	}
	if err != nil {
		return t.bad(err), nil
	}
	if t.state == fresh {
		if err := t.keep(stats); err != nil {
			return false, err
		}
		t.result.Traffic = t.src.Traffic()
		t.state = known
	}
	t.result.Stats, t.result.Took = stats, t.result.Took+t.Now().Sub(started)
	t.meta = db.FeedMeta{
		Name: t.result.Name, URL: t.src.Location(), Fetched: t.fetched(started), ETag: t.src.ETag(), Modified: t.src.Modified(),
		Rows: stats.Rows, Malformed: stats.Malformed, Digest: t.src.Digest(),
	}
	t.report()
	return true, nil
}

// source is how the feed is read: no server is asked twice in one run.
func (t *task) source() feed.Options {
	o := t.Source
	o.MaxBytes = cmp.Or(o.MaxBytes, t.named.MaxBytes)
	o.MaxUnpacked = cmp.Or(o.MaxUnpacked, t.named.MaxUnpacked)
	o.Timeout = cmp.Or(o.Timeout, t.named.Timeout)
	o.Copy, o.Offline = t.copy, t.Offline || t.state != fresh
	o.Now = t.Now
	if t.Progress != nil {
		o.Progress = t.Progress.Fetched
	}
	return o
}

// check tells whether a feed that could be read gave what it should.
func (t *task) check(stats feed.Stats) error {
	if stats.Rows == 0 && stats.Malformed > 0 {
		return fmt.Errorf("none of %d records can be used; the first: %s", stats.Malformed, stats.Problems[0])
	}
	if stats.Rows == 0 && t.importer.Name != FeedRecords {
		return errors.New("nothing is in it")
	}
	if t.state != fresh || t.Offline || t.copy == nil {
		return nil
	}
	before, _, ok := t.copy.Good()
	if ok && stats.Rows*keptOf < before*kept {
		return fmt.Errorf("it has %d rows, and had %d: it shrank by more than a fifth; if that is right, remove %s", stats.Rows, before, t.copy.Path())
	}
	return nil
}

// keep makes what was fetched the last good copy.
func (t *task) keep(stats feed.Stats) error {
	if t.copy == nil || t.Offline {
		return nil
	}
	return t.copy.Save(stats, t.Now())
}

// bad decides what becomes of a feed that cannot be taken as it is.
func (t *task) bad(reason error) bool {
	good := false
	if t.copy != nil {
		t.copy.Discard()
		_, t.result.Saved, good = t.copy.Good()
	}
	if t.result.Err == nil {
		t.result.Err = reason
	}
	if good && t.state == fresh && !t.Offline {
		t.state = stale
		return false
	}
	t.state = missing
	t.result.Saved = time.Time{}
	t.report()
	return false
}

// fetched is the time that the database states for the feed.
func (t *task) fetched(now time.Time) time.Time {
	if t.copy != nil && (t.Offline || t.state == stale) {
		_, t.result.Saved, _ = t.copy.Good()
	}
	switch {
	case t.state != stale && t.Reproducible:
		now = t.Built
	case !t.result.Saved.IsZero():
		now = t.result.Saved
	}
	return now.UTC().Truncate(time.Second)
}

// report tells once what became of the feed.
func (t *task) report() {
	if t.Progress != nil && !t.reported {
		t.Progress.Done(t.index, t.result)
	}
	t.reported = true
}
