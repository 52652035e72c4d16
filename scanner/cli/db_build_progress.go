//go:build !scanonly

package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/example/microscanner-frontend/scanner/db/compile"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/report"
)

const (
	// shownProblems is how many malformed records of a feed are named.
	shownProblems = 10
	barWidth      = 64
)

// buildProgress tells of each feed in a line, in the order of the feeds; on a
// terminal a bar below the lines shows how many are done.
type buildProgress struct {
	out   io.Writer
	bars  *mpb.Progress // nil without a terminal
	bar   *mpb.Bar
	bytes atomic.Int64

	lock  sync.Mutex
	done  []*compile.Result // by the index of the feed
	told  int               // how many of done were printed
	stale []string
}

func newBuildProgress(env Env, feeds int) *buildProgress {
	p := &buildProgress{out: env.Stderr, done: make([]*compile.Result, feeds)}
	if !env.Terminal {
		return p
	}
	p.bars = mpb.New(mpb.WithOutput(env.Stderr), mpb.WithWidth(barWidth), mpb.WithAutoRefresh())
	p.bar = p.bars.AddBar(int64(feeds),
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.CountersNoUnit("feeds: %d of %d")),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return "fetched: " + size(p.bytes.Load()) })),
	)
	p.out = p.bars
	return p
}

// Fetched implements compile.Progress.
func (p *buildProgress) Fetched(bytes int) { p.bytes.Add(int64(bytes)) }

// Done implements compile.Progress.
func (p *buildProgress) Done(index int, r compile.Result) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.done[index] = &r
	if p.bar != nil {
		p.bar.Increment()
	}
	for p.told < len(p.done) && p.done[p.told] != nil {
		p.tell(p.done[p.told])
		p.told++
	}
}

// close prints what is left, and takes the bar away. It returns the names of
// the feeds that are older copies.
func (p *buildProgress) close() []string {
	p.lock.Lock()
	defer p.lock.Unlock()
	for ; p.told < len(p.done); p.told++ {
		if r := p.done[p.told]; r != nil {
			p.tell(r)
		}
	}
	if p.bars != nil {
		p.bar.Abort(true)
		p.bars.Wait()
	}
	return p.stale
}

func (p *buildProgress) unrated(distro string) {
	fmt.Fprintf(p.out, "warning: no advisory of %s is rated, so that only --fail-on negligible would fail on one; add a table of CVSS scores with --feed %s=PATH_OR_URL\n", distro, feed.NameSeverity)
}

// tell prints what became of a feed.
func (p *buildProgress) tell(r *compile.Result) {
	if r.Err != nil {
		reason := report.Printable(r.Err.Error())
		if r.Saved.IsZero() {
			fmt.Fprintf(p.out, "feed %s: failed, and there is no older copy: %s\n", r.Name, reason)
			return
		}
		p.stale = append(p.stale, r.Name)
		fmt.Fprintf(p.out, "warning: feed %s: its last good copy, of %s, is used: %s\n", r.Name, r.Saved.Format(time.DateTime), reason)
	}
	fmt.Fprintf(p.out, "feed %s: rows: %d, malformed: %d, %s, %.1fs\n", r.Name, r.Rows, r.Malformed, origin(r), r.Took.Seconds())
	shown := r.Problems[:min(len(r.Problems), shownProblems)]
	var lines strings.Builder
	for _, problem := range shown {
		fmt.Fprintf(&lines, "  %s\n", report.Printable(problem.String()))
	}
	if more := r.Malformed - len(shown); more > 0 {
		fmt.Fprintf(&lines, "  and %d more\n", more)
	}
	_, _ = io.WriteString(p.out, lines.String())
}

// origin says where the rows of a feed came from.
func origin(r *compile.Result) string {
	switch {
	case !r.Saved.IsZero():
		return "from the cache"
	case !feed.IsAddress(r.Location):
		return "from a path"
	case r.Fetched == 0 && r.Shared > 0:
		return "fetched with another feed"
	case r.Fetched == 0:
		return "not modified"
	}
	text := "fetched: " + size(r.Bytes)
	if r.Unchanged > 0 {
		text += fmt.Sprintf(" (%d of %d documents not modified)", r.Unchanged, r.Unchanged+r.Fetched)
	}
	return text
}

// size is a number of bytes in a unit that suits it: "12.3MB".
func size(n int64) string { return fmt.Sprintf("%.1f", decor.SizeB1000(n)) }
