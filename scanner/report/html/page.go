package html

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// page is what the template page.html shows. Every text in it is printable.
type page struct {
	ContentSecurity string
	Style           template.CSS
	Image           string
	Verdict         verdict
	Notes           []string
	Facts           []fact
	Counts          []count // all severities, worst first
	Bar             []segment
	Origins         []origin // empty if it is not known where packages come from
	Advice          []advice
	Findings        section
	Apart           []section // findings that the gate does not look at
	NotAssessed     []string
	Settings        []setting
	Feeds           []feed
	Packages        []report.Package // nil unless the report lists all
	Scanner         string
}

// verdict is the gate's answer.
type verdict struct {
	Kind     string // "passed", "failed" or "error"
	Reason   string
	ExitCode int
	Partial  bool
}

// fact is a line of a list of names and values. Code says that the value is one
// that people copy.
type fact struct {
	Name, Value string
	Code        bool
}

// count is how many findings there are of a severity.
type count struct {
	Severity string
	N        int
}

// segment is a part of the bar that shows the shares of severities, in percent
// of its width.
type segment struct {
	Severity string
	X, Width string
}

// origin is the counts of what came from one side.
type origin struct {
	Name   string
	Counts []count
	Total  int
}

// advice is what would repair the findings of an instruction.
type advice struct {
	Place, Instruction, Text, Command string
}

// setting is a value of the policy. Set says that it is not the default.
type setting struct {
	Name, Value, From string
	Set               bool
}

// feed is a source of the advisory data.
type feed struct {
	Name, Link, Fetched, Age, Digest string
	Rows                             int
}

func newPage(r *report.Report) *page {
	sections := newSections(r)
	counts := r.Verdict.Counts
	p := &page{
		Image: render.Image(r), Verdict: newVerdict(r), Facts: newFacts(r),
		Counts: newCounts(counts, true), Bar: newBar(counts), Origins: newOrigins(r),
		Findings: sections[0], Apart: sections[1:],
		Settings: newSettings(r.Policy), Feeds: newFeeds(r), Scanner: render.Line(r.Scanner),
	}
	if old := r.Assessment.Database.Old(); old != "" {
		p.Notes = append(p.Notes, render.Line(old))
	}
	for _, n := range r.Notices {
		p.Notes = append(p.Notes, render.Line(n))
	}
	for _, n := range r.NotAssessed {
		p.NotAssessed = append(p.NotAssessed, render.Line(n.String()))
	}
	for i := range r.Advice {
		p.Advice = append(p.Advice, newAdvice(&r.Advice[i]))
	}
	if r.ListsAllPackages() {
		p.Packages = newPackages(r)
	}
	return p
}

func newVerdict(r *report.Report) verdict {
	v := verdict{Kind: "error", Reason: render.Line(r.Verdict.Reason), ExitCode: r.Verdict.ExitCode, Partial: r.PartialResults}
	switch {
	case r.Verdict.ExitCode == policy.ExitGate:
		v.Kind = "failed"
	case r.Verdict.Pass:
		v.Kind = "passed"
	}
	return v
}

// newFacts says what was scanned, with what, and when.
func newFacts(r *report.Report) []fact {
	started := render.Started(r)
	os := strings.TrimSpace(r.OS + " " + r.Version)
	if os == "" {
		os = "none"
	}
	facts := []fact{
		{"Reference", r.Image.Reference, true}, {"Target", r.Image.Target, true}, {"Stage", r.Image.Stage, true},
		{"Platform", r.Image.Platform, false}, {"Operating system", os, false}, {"Digest", render.Digest(r), true},
		{"Scanned", fmt.Sprintf("%s, in %d s", clock(started), r.ScanDuration), false},
		{"Advisory database", since(r.Database.Built, started), false},
	}
	if r.DataDate > 0 && r.DataDate != r.Database.Built.Unix() {
		facts = append(facts, fact{"Newest advisory data", since(time.Unix(r.DataDate, 0), started), false})
	}
	facts = append(facts, fact{"Database digest", r.Database.Digest, true})
	facts = slices.DeleteFunc(facts, func(f fact) bool { return f.Value == "" })
	for i := range facts {
		facts[i].Value = render.Line(facts[i].Value)
	}
	return facts
}

// newCounts counts the severities, those without a finding only if all is true.
func newCounts(c policy.Counts, all bool) []count {
	out := make([]count, 0, len(severity.All()))
	for _, s := range severity.All() {
		if n := c.Of(s); n > 0 || all {
			out = append(out, count{s.String(), n})
		}
	}
	return out
}

func newBar(c policy.Counts) []segment {
	var out []segment
	percent := func(n int) string { return strconv.FormatFloat(100*float64(n)/float64(c.Total()), 'f', 2, 64) }
	done := 0
	for _, n := range newCounts(c, false) {
		out = append(out, segment{n.Severity, percent(done), percent(n.N)})
		done += n.N
	}
	return out
}

func newOrigins(r *report.Report) []origin {
	base, added := r.Verdict.Base, r.Verdict.Added
	if base.Total()+added.Total() == 0 {
		return nil
	}
	return []origin{
		{"Added by this Dockerfile", newCounts(added, true), added.Total()},
		{"Already in the base image", newCounts(base, true), base.Total()},
	}
}

func newAdvice(a *report.Advice) advice {
	by := &report.IntroducedBy{File: a.File, Line: a.Line, Instruction: a.Instruction}
	return advice{
		Place: render.Place(by), Instruction: render.Instruction(by), Text: render.Line(a.Text),
		// A command that was cut would be another command.
		Command: report.Printable(a.Command),
	}
}

// newSettings lists the gate's settings in their order, then the others.
func newSettings(values map[string]policy.Value) []setting {
	var keys, others []string
	for _, k := range policy.Keys() {
		if _, ok := values[k]; ok {
			keys = append(keys, k)
		}
	}
	for k := range values {
		if !slices.Contains(keys, k) {
			others = append(others, k)
		}
	}
	slices.Sort(others)
	var out []setting
	for _, k := range append(keys, others...) {
		v := values[k]
		out = append(out, setting{render.Line(k), render.Line(v.Value), render.Line(v.From), v.From != policy.OriginDefault})
	}
	return out
}

func newFeeds(r *report.Report) []feed {
	var out []feed
	for _, f := range r.Database.Feeds {
		out = append(out, feed{
			Name: render.Line(f.Name), Link: render.Link(f.URL), Rows: f.Rows, Digest: render.Line(f.Digest),
			Fetched: clock(f.Fetched), Age: age(f.Fetched, render.Started(r)),
		})
	}
	return out
}

func newPackages(r *report.Report) []report.Package {
	out := make([]report.Package, 0, len(r.Resources))
	for i := range r.Resources {
		p := &r.Resources[i].Resource
		out = append(out, report.Package{
			Name: render.Line(p.Name), Version: render.Line(p.Version), Arch: render.Line(p.Arch), License: render.Line(p.License),
		})
	}
	return out
}

// since is a time with its age at the time of the scan; empty for no time.
func since(t, scan time.Time) string {
	if t.IsZero() {
		return ""
	}
	return clock(t) + " (" + age(t, scan) + ")"
}

// clock is a time to the minute; empty for no time.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// age is how old something was at the time of the scan. A clock that is wrong
// makes nothing younger than new.
func age(t, scan time.Time) string {
	if t.IsZero() {
		return "unknown age"
	}
	switch days := int(scan.Sub(t).Hours() / 24); {
	case days < 1:
		return "less than a day old"
	case days == 1:
		return "1 day old"
	default:
		return fmt.Sprintf("%d days old", days)
	}
}
