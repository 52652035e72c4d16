// Package compile makes an advisory database out of feeds.
package compile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/severity"
	"github.com/example/microscanner-frontend/scanner/version"
)

// The feeds that are no distribution's.
const (
	FeedRecords  = "records"
	FeedSeverity = "severity"
)

// Feed names a feed and where it lies: a path, or an http or https address.
type Feed struct{ Name, Location string }

// Options say what to make a database of.
type Options struct {
	// Output is the directory that the database will be.
	Output string
	// Feeds are read in this order. One name may be there several times.
	Feeds []Feed
	// Distros have the importers of the other feeds, under their IDs.
	Distros []distro.Distro
	// Records is given each record; nil if they are not wanted.
	Records func(advisory.Record) error
	// Built is the build time that the database states.
	Built time.Time
	// Now gives the time at which a feed is read.
	Now func() time.Time
	// Read is told what was read after each feed; nil if that is not wanted.
	Read func(Feed, feed.Stats)
	// Unrated is told of each distribution whose feeds rate nothing, if no feed
	// of severities does so either; nil if that is not wanted.
	Unrated func(distro string)
	// Source bounds what is read.
	Source feed.Options
}

// Names lists the feeds that there are importers for.
func Names(distros []distro.Distro) []string {
	var names []string
	for _, d := range distros {
		for _, f := range d.Feeds {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return append(names, FeedRecords, FeedSeverity)
}

// Run reads all feeds and writes the database. If one feed cannot be read,
// nothing is written.
func Run(ctx context.Context, o Options) (db.Meta, error) {
	builder := db.NewBuilder(db.BuilderOptions{Built: o.Built, Scheme: func(id string) (version.Scheme, bool) {
		d, ok := distro.ByID(o.Distros, id)
		return d.Rules.Scheme, ok
	}})
	advisories := 0
	rated := map[string]bool{}
	for _, f := range o.Feeds {
		r := &reader{options: &o, builder: builder, rated: rated}
		meta, err := r.read(ctx, f)
		if err != nil {
			return db.Meta{}, fmt.Errorf("feed %s: %w", f.Name, err)
		}
		builder.AddFeed(meta)
		if f.Name != FeedSeverity {
			advisories += meta.Rows
		}
	}
	if advisories == 0 {
		return db.Meta{}, errors.New("the feeds have no advisory: there is nothing to make a database of")
	}
	meta, err := builder.Write(ctx, o.Output)
	if err == nil {
		o.warn(rated)
	}
	return meta, err
}

// warn names the distributions without any rating.
func (o *Options) warn(rated map[string]bool) {
	if o.Unrated == nil || slices.ContainsFunc(o.Feeds, func(f Feed) bool { return f.Name == FeedSeverity }) {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(rated)) {
		if !rated[id] {
			o.Unrated(id)
		}
	}
}

// reader reads one feed.
type reader struct {
	options *Options
	builder *db.Builder
	// rated tells of each distribution that has a record whether any is rated.
	rated map[string]bool
	// bad are the records that the builder found fault with. Rows counts those
	// of them that are in the database nevertheless.
	bad feed.Stats
}

func (r *reader) read(ctx context.Context, f Feed) (db.FeedMeta, error) {
	src, err := feed.NewSource(f.Location, r.options.Source)
	if err != nil {
		return db.FeedMeta{}, err
	}
	fetched := r.options.Now()
	stats, err := r.importFeed(ctx, f.Name, src)
	if err != nil {
		return db.FeedMeta{}, err
	}
	stats.Rows -= r.bad.Malformed - r.bad.Rows
	stats.AddMalformed(r.bad)
	if stats.Rows == 0 && stats.Malformed > 0 {
		return db.FeedMeta{}, fmt.Errorf("none of %d records can be used; the first: %s", stats.Malformed, stats.Problems[0])
	}
	if r.options.Read != nil {
		r.options.Read(f, stats)
	}
	return db.FeedMeta{
		Name: f.Name, URL: src.Location(), Fetched: fetched.UTC().Truncate(time.Second),
		ETag: src.ETag(), Modified: src.Modified(),
		Rows: stats.Rows, Malformed: stats.Malformed, Digest: src.Digest(),
	}, nil
}

func (r *reader) importFeed(ctx context.Context, name string, src *feed.Source) (feed.Stats, error) {
	switch name {
	case FeedSeverity:
		return feed.Severities(ctx, src, func(id string, rating advisory.CVSS) error {
			return r.judge(r.builder.AddSeverity(id, rating))
		})
	case FeedRecords:
		return feed.Records(ctx, src, r.record)
	}
	f, ok := distro.FeedByName(r.options.Distros, name)
	if !ok {
		return feed.Stats{}, fmt.Errorf("there is no such feed; there are %v", Names(r.options.Distros))
	}
	return f.Records(ctx, src, r.record)
}

func (r *reader) record(rec advisory.Record) error {
	err := r.builder.Add(rec)
	if bad, ok := errors.AsType[*db.RecordError](err); ok && !bad.Kept {
		return r.judge(err)
	}
	if err := r.judge(err); err != nil {
		return err
	}
	rec.Normalize()
	r.rated[rec.Distro] = r.rated[rec.Distro] || rec.Severity != severity.Unknown || rec.CVSS != nil
	if r.options.Records == nil {
		return nil
	}
	return r.options.Records(rec)
}

// judge takes note of a bad record, which must not stop the others.
func (r *reader) judge(err error) error {
	bad, ok := errors.AsType[*db.RecordError](err)
	if !ok {
		return err
	}
	r.bad.Report(bad.Record, "%v", bad.Err)
	if bad.Kept {
		r.bad.Rows++
	}
	return nil
}
