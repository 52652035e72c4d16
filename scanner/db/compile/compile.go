// Package compile makes an advisory database out of feeds.
package compile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/version"
)

// parallel is how many feeds are fetched and read at one time.
const parallel = 8

// Options say what to make a database of.
type Options struct {
	// Output is the directory that the database will be.
	Output string
	// Feeds are what is read. One name may be there several times. Their order
	// is that of the metadata.
	Feeds []Feed
	// Distros have the importers of the feeds that are a distribution's.
	Distros []distro.Distro
	// Cache keeps the last good copy of each feed that has an address; nil to
	// keep none.
	Cache *feed.Cache
	// Offline makes no request: a feed with an address comes from the Cache.
	Offline bool
	// AllowMissing writes the database without the feeds that cannot be read and
	// of which there is no last good copy. Otherwise they are an error.
	AllowMissing bool
	// Records is given each record, in the order of the feeds, of those that
	// supplement others last; nil if they are not wanted.
	Records func(advisory.Record) error
	// Built is the build time that the database states.
	Built time.Time
	// Reproducible states Built as the time of fetching too, so that the same
	// feeds give the same bytes. A last good copy states its own time.
	Reproducible bool
	// Now gives the time at which a feed is read.
	Now func() time.Time
	// Progress is told how it goes; nil if nobody is.
	Progress Progress
	// Unrated is told of each distribution whose feeds rate nothing, if no feed
	// of ratings does so either; nil if that is not wanted.
	Unrated func(distro string)
	// Source bounds what is read; where it does not, the feed's own limits do.
	Source feed.Options
}

// Progress is told how a build goes on. The methods may be called concurrently.
type Progress interface {
	// Fetched is told of bytes that came over the network.
	Fetched(bytes int)
	// Done is told what became of the feed with that index in Options.Feeds.
	Done(index int, r Result)
}

// Result is what became of a feed.
type Result struct {
	Feed
	feed.Stats
	feed.Traffic
	Took time.Duration
	// Err says why what was fetched was not taken; nil if it was.
	Err error
	// Saved is when the copy was saved that was taken instead, or offline; zero
	// if there is none or none was needed.
	Saved time.Time
}

// Run reads all feeds and writes the database. A feed that cannot be read, of
// which nothing can be read, or that gives fewer than four fifths of its former
// rows, does not replace its last good copy: the database is made of that, and
// the feed's Result has the reason as its Err. A feed without a copy to fall
// back on is an error, and nothing is written; see Options.AllowMissing.
func Run(ctx context.Context, o Options) (_ db.Meta, err error) {
	if o.Cache == nil {
		dir, e := os.MkdirTemp("", "feeds-*")
		if e != nil {
			return db.Meta{}, e
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		if o.Cache, err = feed.OpenCache(ctx, dir); err != nil {
			return db.Meta{}, err
		}
		defer func() { err = errors.Join(err, o.Cache.Close()) }()
	}
	b := &build{Options: &o}
	for i, f := range o.Feeds {
		t, err := b.newTask(i, f)
		if err != nil {
			return db.Meta{}, fmt.Errorf("feed %s: %w", f.Name, err)
		}
		b.tasks = append(b.tasks, t)
	}
	return b.run(ctx)
}

// build is one run.
type build struct {
	*Options
	tasks []*task
}

// run imports the feeds until what they give can be relied on. What a bad feed
// gave before it turned out bad is in the builder, so that all are read again
// into another one, then from the cache.
func (b *build) run(ctx context.Context) (db.Meta, error) {
	target, settled, err := b.round(ctx, parallel, nil)
	if err != nil {
		return db.Meta{}, err
	}
	if err := b.missing(); err != nil {
		return db.Meta{}, err
	}
	for !settled {
		if target, settled, err = b.round(ctx, parallel, nil); err != nil {
			return db.Meta{}, err
		}
		if err := b.missing(); err != nil {
			return db.Meta{}, err
		}
	}
	if b.Records != nil {
		if target, settled, err = b.round(ctx, 1, b.Records); err != nil {
			return db.Meta{}, err
		}
		if !settled {
			return db.Meta{}, errors.New("a feed has changed while it was read; try again")
		}
	}
	return b.write(ctx, target)
}

// round imports all feeds into a new builder. It is settled if every feed is
// what it was thought to be. The feeds that supplement others come after all
// others: what these have decides what they may add, and not who is faster.
func (b *build) round(ctx context.Context, most int, records func(advisory.Record) error) (_ *target, settled bool, err error) {
	to := &target{
		builder: db.NewBuilder(db.BuilderOptions{Built: b.Built, Scheme: func(id string) (version.Scheme, bool) {
			d, ok := distro.ByID(b.Distros, id)
			return d.Rules.Scheme, ok
		}}),
		records: records, rated: map[string]bool{}, covered: map[coverage]bool{},
	}
	if err := b.each(ctx, most, func(ctx context.Context, t *task) error { t.open(ctx); return nil }); err != nil {
		return nil, false, err
	}
	settled = true
	var lock sync.Mutex
	for _, supplements := range []bool{false, true} {
		err := b.each(ctx, most, func(ctx context.Context, t *task) error {
			if supplements != (t.importer.Supplements != "") {
				return nil
			}
			same, err := t.run(ctx, to)
			lock.Lock()
			defer lock.Unlock()
			settled = settled && same
			return err
		})
		if err != nil {
			return nil, false, err
		}
	}
	return to, settled, nil
}

// each does something for every feed of which there is anything, for so many at
// one time.
func (b *build) each(ctx context.Context, most int, do func(context.Context, *task) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(most)
	for _, t := range b.tasks {
		if t.state != missing {
			group.Go(func() error { return do(ctx, t) })
		}
	}
	return group.Wait()
}

// missing is the error for feeds of which there is nothing.
func (b *build) missing() error {
	var reasons []string
	for _, t := range b.tasks {
		if t.state == missing {
			reasons = append(reasons, fmt.Sprintf("feed %s: %v", t.result.Name, t.result.Err))
		}
	}
	if len(reasons) == 0 || b.AllowMissing {
		return nil
	}
	return errors.New(strings.Join(reasons, "; "))
}

func (b *build) write(ctx context.Context, to *target) (db.Meta, error) {
	advisories := 0
	rates := false
	for _, t := range b.tasks {
		if t.state == missing {
			continue
		}
		to.builder.AddFeed(t.meta)
		if t.importer.Records != nil {
			advisories += t.meta.Rows
		}
		rates = rates || slices.Contains([]string{feed.NameSeverity, feed.NameNVD}, t.importer.Name)
	}
	if advisories == 0 {
		return db.Meta{}, errors.New("the feeds have no advisory: there is nothing to make a database of")
	}
	meta, err := to.builder.Write(ctx, b.Output)
	if err != nil || rates || b.Unrated == nil {
		return meta, err
	}
	for _, id := range slices.Sorted(maps.Keys(to.rated)) {
		if !to.rated[id] {
			b.Unrated(id)
		}
	}
	return meta, nil
}
