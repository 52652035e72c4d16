package debian

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// maxLine is how long a line of a list may be, in bytes. The longest real one
// names some hundred ids.
const maxLine = 1 << 20

// maxRows bounds the rows of one advisory: its ids times its packages. The
// largest real one has about a thousand.
const maxRows = 100_000

// The lines of a list. Some are indented with spaces, and some of them with both.
var (
	entryLine = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\[([0-9]{2} [A-Z][a-z]{2} [0-9]{4})\] (D[SL]A-[0-9]+(?:-([0-9]+))?)(.*)$`)
	})
	noteLine = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\[([a-z]+)\] - (\S+)\s+(<[a-z-]+>|[^\s<>()]+)`)
	})
)

// ImportList reads a list of Debian's security advisories: data/DSA/list or
// data/DLA/list of the security tracker's repository
// (https://salsa.debian.org/security-tracker-team/security-tracker), which go
// back to 1997 and 2014, where the tracker's JSON has the current releases only:
//
//	[27 Mar 2023] DSA-5379-1 dino-im - security update
//		{CVE-2023-28686}
//		[bullseye] - dino-im 0.2.0-3+deb11u1
//		NOTE: for people
//
// The grammar is that of doc/security-team.d.o/security_tracker there. A list
// says what was fixed, and nothing of what was not.
func ImportList(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (stats feed.Stats, err error) {
	doc, err := src.Open(ctx, "")
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	l := &list{doc: doc.Name(), emit: emit, stats: &stats, releases: numbers(), unknown: map[string]int{}}
	if err := l.read(doc); err != nil {
		return stats, err
	}
	if stats.Rows == 0 {
		return stats, fmt.Errorf("%s: this is not a list of Debian's security advisories: no advisory is in it", doc.Name())
	}
	reportUnknown(&stats, l.doc, l.unknown)
	return stats, nil
}

// list reads a list of advisories.
type list struct {
	doc      string
	emit     func(advisory.Record) error
	stats    *feed.Stats
	releases map[string]string // release by codename
	unknown  map[string]int    // rows by codename
	entry    *listEntry        // at hand; nil before the first
}

// listEntry is one advisory.
type listEntry struct {
	id, published string
	// kept is set if it counts under its own id when it names no CVE. The
	// second and later editions of an advisory repair the first.
	kept  bool
	cves  []string
	notes []listNote
}

// listNote is what an advisory says of a package in a release.
type listNote struct{ codename, source, verdict string }

func (l *list) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan(); number++ {
		text := strings.TrimRight(lines.Text(), " \t\r")
		if strings.HasPrefix(text, "[") {
			if err := l.end(); err != nil {
				return err
			}
			l.start(text, number)
			continue
		}
		l.line(strings.TrimLeft(text, " \t"), number)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%s: a line of more than %d bytes: this is not a list of Debian's security advisories", l.doc, maxLine)
	} else if err != nil {
		return err
	}
	return l.end()
}

// start begins an advisory. The lines below a heading that is not understood
// belong to none.
func (l *list) start(text string, number int) {
	l.entry = nil
	m := entryLine().FindStringSubmatch(text)
	if m == nil {
		l.report(number, "the line is not of the form \"[day] DSA-number source - title\"")
		return
	}
	l.entry = &listEntry{id: m[2], kept: (m[3] == "" || m[3] == "1") && isVulnerability(m[4])}
	day, err := time.Parse("02 Jan 2006", m[1])
	if err != nil {
		l.report(number, "%q is not a day", m[1])
		return
	}
	l.entry.published = day.Format(time.DateOnly)
}

// isVulnerability tells by its title whether an advisory without a CVE is about
// a vulnerability, and not about new data, or bugs.
func isVulnerability(title string) bool {
	_, what, _ := strings.Cut(title, " - ")
	return !slices.Contains([]string{
		"bugfix update", "crash fix", "database update", "new package", "new timezone database", "new upstream version", "regression update", "update", "version number correction",
	}, strings.TrimSpace(what))
}

func (l *list) line(text string, number int) {
	switch {
	case text == "" || strings.HasPrefix(text, "NOTE:") || l.entry == nil:
	case strings.HasPrefix(text, "{"):
		l.ids(text, number)
	case strings.HasPrefix(text, "["):
		m := noteLine().FindStringSubmatch(text)
		if m == nil {
			l.report(number, "the line is not of the form \"[release] - source version\"")
			return
		}
		l.entry.notes = append(l.entry.notes, listNote{m[1], m[2], m[3]})
	default:
		l.report(number, "the line is of no known form")
	}
}

// ids reads the CVE ids of an advisory. A placeholder such as CVE-2023-XXXX
// stands for one that was not given yet.
func (l *list) ids(text string, number int) {
	inside, closed := strings.CutSuffix(strings.TrimPrefix(text, "{"), "}")
	if !closed {
		l.report(number, "the list of ids has no end")
	}
	for id := range strings.FieldsSeq(inside) {
		id = advisory.NormalizeID(id)
		if _, _, ok := advisory.SplitCVE(id); ok {
			l.entry.cves = append(l.entry.cves, id)
		} else if !strings.HasSuffix(id, "-XXXX") {
			l.report(number, "%q is not a CVE id", id)
		}
	}
}

// end hands on what the advisory at hand says.
func (l *list) end() error {
	e := l.entry
	l.entry = nil
	if e == nil || len(e.cves) == 0 && !e.kept {
		return nil
	}
	if len(e.notes)*max(len(e.cves), 1) > maxRows {
		l.stats.Report(l.doc+": "+e.id, "it has more than %d rows", maxRows)
		return nil
	}
	for _, n := range e.notes {
		release, known := l.releases[n.codename]
		if !known {
			l.unknown[n.codename]++
			continue
		}
		rec := advisory.Record{
			ID: e.id, Distro: ID, Release: release, Package: n.source, Kind: advisory.Source,
			Published: e.published, URL: trackerPage + e.id,
		}
		if err := n.fill(&rec); err != nil {
			l.stats.Report(l.doc+": "+e.id, "%s in %s: %v", n.source, n.codename, err)
		}
		if rec.Status == "" {
			continue
		}
		if err := l.emitAll(rec, e.cves); err != nil {
			return err
		}
	}
	return nil
}

// emitAll hands on a record for each id; the advisory's own is an alias then.
func (l *list) emitAll(rec advisory.Record, cves []string) error {
	all := []advisory.Record{rec}
	if len(cves) > 0 {
		all = all[:0]
	}
	for _, id := range cves {
		r := rec
		r.ID, r.Aliases, r.URL = id, []string{rec.ID}, trackerPage+id
		all = append(all, r)
	}
	for _, r := range all {
		if err := l.emit(r); err != nil {
			return err
		}
		l.stats.Rows++
	}
	return nil
}

// fill reads the verdict: a version, or one of the words of the tracker. A removed
// package is still vulnerable where it is installed; one that was never packaged
// (<itp>) gives no record.
func (n listNote) fill(rec *advisory.Record) error {
	switch n.verdict {
	case "<not-affected>":
		rec.Status = advisory.StatusNotAffected
	case "<end-of-life>":
		rec.Status = advisory.StatusEndOfLife
	case "<unfixed>", "<removed>":
		rec.Status = advisory.StatusAffected
	case "<no-dsa>", "<postponed>":
		rec.Status = advisory.StatusDeferred
	case "<ignored>":
		rec.Status = advisory.StatusWillNotFix
	case "<undetermined>":
		rec.Status = advisory.StatusUnderInvestigation
	case "<itp>":
	default:
		if strings.HasPrefix(n.verdict, "<") {
			return fmt.Errorf("the word %s is not known", n.verdict)
		}
		rec.Status, rec.Fixed = advisory.StatusFixed, n.verdict
	}
	return nil
}

func (l *list) report(number int, format string, args ...any) {
	l.stats.Report(fmt.Sprintf("%s:%d", l.doc, number), format, args...)
}
