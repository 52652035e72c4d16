package compile

import (
	"context"
	"errors"
	"sync"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// target is what all feeds are read into. It is safe for concurrent use: the
// builder gives the same bytes in whatever order the rows come.
type target struct {
	lock    sync.Mutex
	builder *db.Builder
	records func(advisory.Record) error // nil if they are not wanted
	// rated tells of each distribution that has a record whether any is rated.
	rated map[string]bool
	// covered has what some feed has a record of.
	covered map[coverage]bool
}

// coverage is a release that a feed has a record of.
type coverage struct{ feed, distro, release string }

// intake takes the rows of one feed.
type intake struct {
	*target
	importer feed.Feed
	// bad are the rows that the builder found fault with. Its Rows counts those
	// of them that are in the database nevertheless.
	bad feed.Stats
	// fatal is an error that is not the feed's.
	fatal error
}

// read imports the feed and counts what the builder refused as malformed too.
func (in *intake) read(ctx context.Context, src *feed.Source) (stats feed.Stats, err error) {
	switch f := in.importer; {
	case f.Records != nil:
		stats, err = f.Records(ctx, src, in.record)
	case f.Facts != nil:
		stats, err = f.Facts(ctx, src, func(facts advisory.Facts) error {
			return in.take(func() error { return in.builder.AddFacts(facts) })
		})
	default:
		stats, err = f.Repositories(ctx, src, func(repository string, cpes []string) error {
			return in.take(func() error { return in.builder.AddRepository(repository, cpes) })
		})
	}
	stats.Rows -= in.bad.Malformed - in.bad.Rows
	stats.AddMalformed(in.bad)
	return stats, err
}

func (in *intake) record(rec advisory.Record) error {
	rec.Normalize()
	about := coverage{in.importer.Name, rec.Distro, rec.Release}
	return in.take(func() error {
		if in.covered[coverage{in.importer.Supplements, rec.Distro, rec.Release}] {
			return nil
		}
		err := in.builder.Add(rec)
		if bad, ok := errors.AsType[*db.RecordError](err); err != nil && (!ok || !bad.Kept) {
			return err
		}
		in.covered[about] = true
		in.rated[rec.Distro] = in.rated[rec.Distro] || rec.Severity != severity.Unknown || rec.CVSS != nil
		if in.records != nil {
			if err := in.records(rec); err != nil {
				return err
			}
		}
		return err
	})
}

// take runs add alone, and takes note of a bad row, which must not stop the
// others.
func (in *intake) take(add func() error) error {
	in.lock.Lock()
	defer in.lock.Unlock()
	err := add()
	bad, ok := errors.AsType[*db.RecordError](err)
	if !ok {
		in.fatal = err
		return err
	}
	in.bad.Report(bad.Record, "%v", bad.Err)
	if bad.Kept {
		in.bad.Rows++
	}
	return nil
}
