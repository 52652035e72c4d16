package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/db/compile"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/report"
)

// shownProblems is how many malformed records of a feed are named.
const shownProblems = 10

func runDBBuild(ctx context.Context, env Env, args []string) error {
	f := newFlags(env, Program+" db build", "--output DIR --feed NAME=PATH_OR_URL [flags]")
	var output, records, built string
	var feeds []string
	f.StringVarP(&output, "output", "o", "", "directory of the database; one that is there is replaced")
	f.StringArrayVar(&feeds, "feed", nil, "a feed to read, NAME=PATH_OR_URL; may be repeated. Names: "+strings.Join(compile.Names(all.List()), ", "))
	f.StringVar(&records, "records-out", "", "write the records of all feeds to this file, as JSON Lines")
	f.StringVar(&built, "built", "", "the build time to state, RFC 3339 or Unix seconds; with it, the same feeds give the same bytes")
	if _, err := f.parse(args, 0, 0); err != nil {
		return err
	}
	o := compile.Options{Output: output, Distros: all.List(), Now: env.Now, Built: env.Now()}
	var err error
	if o.Feeds, err = parseFeeds(f, feeds); err != nil {
		return err
	}
	if output == "" {
		return f.wrong("--output is missing")
	}
	if built != "" {
		if o.Built, err = parseTime(built); err != nil {
			return f.wrong("--built: " + err.Error())
		}
		o.Now = func() time.Time { return o.Built }
	}
	o.Read = func(spec compile.Feed, stats feed.Stats) { printStats(env.Stderr, spec, stats) }
	o.Unrated = func(distro string) {
		fmt.Fprintf(env.Stderr, "warning: no advisory of %s is rated, so that only --fail-on negligible would fail on one; add a table of CVSS scores with --feed %s=PATH_OR_URL\n", distro, compile.FeedSeverity)
	}
	if records == "" {
		return build(ctx, env, o)
	}
	return writeOutput(env, records, func(w io.Writer) error {
		o.Records = advisory.NewWriter(w).Write
		return build(ctx, env, o)
	})
}

// build ends in an orderly way, without unfinished files, when a signal asks
// for it; a second signal ends the process. Every other command has nothing to
// tidy up and leaves signals alone.
func build(ctx context.Context, env Env, o compile.Options) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	meta, err := compile.Run(ctx, o)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stderr, "%s: rows: %d, releases: %d, digest: %s\n", report.Printable(o.Output), rows(meta), len(meta.Releases), meta.Digest)
	return err
}

func rows(meta db.Meta) int {
	n := 0
	for _, r := range meta.Releases {
		n += r.Rows
	}
	return n
}

func parseFeeds(f *flagSet, values []string) ([]compile.Feed, error) {
	if len(values) == 0 {
		return nil, f.wrong("--feed is missing")
	}
	names := compile.Names(all.List())
	known := make(map[string]bool, len(names))
	for _, n := range names {
		known[n] = true
	}
	var feeds []compile.Feed
	for _, v := range values {
		name, location, found := strings.Cut(v, "=")
		if !found || location == "" {
			return nil, f.wrong(fmt.Sprintf("--feed %q is not NAME=PATH_OR_URL", v))
		}
		if !known[name] {
			return nil, f.wrong(fmt.Sprintf("--feed %q: there is no feed %q; the names are %s", v, name, strings.Join(names, ", ")))
		}
		feeds = append(feeds, compile.Feed{Name: name, Location: location})
	}
	return feeds, nil
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

func printStats(w io.Writer, spec compile.Feed, stats feed.Stats) {
	fmt.Fprintf(w, "feed %s: %d read", spec.Name, stats.Rows)
	if stats.Malformed > 0 {
		fmt.Fprintf(w, ", %d malformed", stats.Malformed)
	}
	fmt.Fprintln(w)
	shown := stats.Problems[:min(len(stats.Problems), shownProblems)]
	for _, p := range shown {
		fmt.Fprintf(w, "  %s\n", report.Printable(p.String()))
	}
	if more := stats.Malformed - len(shown); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
}
