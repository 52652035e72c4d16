//go:build !scanonly

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/db/compile"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/report"
)

// defaultOutput is where a database is made or pulled to unless told.
const defaultOutput = "db"

// buildFlags are the flags of "db build".
type buildFlags struct {
	*flagSet
	output, records, built, cache string
	feeds, distros, mirrors       []string
	offline, allowStale           bool
}

func newBuildFlags(env Env) *buildFlags {
	f := &buildFlags{flagSet: newFlags(env, Program+" db build", "[flags]")}
	names := strings.Join(compile.Names(all.List()), ", ")
	f.StringVarP(&f.output, "output", "o", defaultOutput, "directory of the database; one that is there is replaced")
	f.StringSliceVar(&f.distros, "distro", nil, "fetch only the feeds of these distributions, and those of no distribution: "+strings.Join(distroIDs(), ", "))
	f.StringArrayVar(&f.mirrors, "mirror", nil, "take a feed from elsewhere, NAME=PATH_OR_URL; may be repeated")
	f.StringArrayVar(&f.feeds, "feed", nil, "read this feed, NAME=PATH_OR_URL, and no others than those named so; may be repeated. Names: "+names)
	f.StringVar(&f.cache, "cache", env.CacheDir, "directory that keeps what was fetched")
	f.BoolVar(&f.offline, "offline", false, "fetch nothing: take all feeds from the cache")
	f.BoolVar(&f.allowStale, "allow-stale", false, "exit with 0 although a feed is an older copy or, without one, left out")
	f.StringVar(&f.records, "records-out", "", "write the records of all feeds to this file, as JSON Lines")
	f.StringVar(&f.built, "built", "", "the build time to state, RFC 3339 or Unix seconds, instead of $SOURCE_DATE_EPOCH or the present; with either, the same feeds give the same bytes")
	return f
}

// BuildDatabase is the command "db build" for other packages: args are what is
// behind the verb.
func BuildDatabase(ctx context.Context, env Env, args []string) error {
	return runDBBuild(ctx, env, args)
}

func runDBBuild(ctx context.Context, env Env, args []string) error {
	f := newBuildFlags(env)
	if _, err := f.parse(args, 0, 0); err != nil {
		return err
	}
	o, err := f.options()
	if err != nil {
		return err
	}
	if f.records == "" {
		return f.build(ctx, o)
	}
	return writeOutput(env, f.records, func(w io.Writer) error {
		o.Records = advisory.NewWriter(w).Write
		return f.build(ctx, o)
	})
}

// options turns the flags into what the build needs, but for the cache.
func (f *buildFlags) options() (compile.Options, error) {
	o := compile.Options{
		Output: f.output, Distros: all.List(), Offline: f.offline, AllowMissing: f.allowStale,
		Now: f.env.Now, Built: f.env.Now(), Source: f.env.Fetch,
	}
	var err error
	if o.Feeds, err = f.chooseFeeds(); err != nil {
		return o, err
	}
	if f.offline && f.cache == "" {
		return o, f.wrong("--offline needs --cache")
	}
	for _, c := range []struct{ name, value string }{{"--built", f.built}, {"SOURCE_DATE_EPOCH", f.env.SourceDateEpoch}} {
		if c.value == "" {
			continue
		}
		if o.Built, err = parseTime(c.value); err != nil {
			return o, f.wrong(c.name + ": " + err.Error())
		}
		o.Reproducible = true
		break
	}
	return o, nil
}

// build writes the database that the flags ask for.
func (f *buildFlags) build(ctx context.Context, o compile.Options) (err error) {
	ctx, stop := untilSignal(ctx)
	defer stop()
	if f.cache != "" && hasAddress(o.Feeds) {
		if o.Cache, err = feed.OpenCache(ctx, f.cache); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, o.Cache.Close()) }()
	}
	progress := newBuildProgress(f.env, len(o.Feeds))
	o.Progress, o.Unrated = progress, progress.unrated
	meta, err := compile.Run(ctx, o)
	stale := progress.close()
	if err != nil {
		return err
	}
	fmt.Fprintf(f.env.Stderr, "%s: rows: %d, releases: %d, digest: %s\n", report.Printable(o.Output), rows(meta), len(meta.Releases), meta.Digest)
	if len(stale) > 0 && !f.allowStale {
		return fmt.Errorf("the database is written, but of these feeds with an older copy: %s; --allow-stale accepts that", strings.Join(stale, ", "))
	}
	return nil
}

func rows(meta db.Meta) int {
	n := 0
	for _, r := range meta.Releases {
		n += r.Rows
	}
	return n
}

func parseTime(value string) (time.Time, error) {
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}, errors.New(strconv.Quote(value) + " is neither a time such as 2026-01-31T12:00:00Z nor Unix seconds")
	}
	return t.UTC(), nil
}
