package html

import (
	"cmp"
	"html/template"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// How much a page shows without a click. A browser lays out the rest only once
// somebody asks for it.
const (
	maxOpenFindings = 60
	maxOpenPackages = 100
	// manyFindings is from how many on what is not in sight waits even if it is
	// open. Pages below it can be had in one picture.
	manyFindings = 500
)

// section is the findings of one kind.
type section struct {
	ID, Title string
	Note      string
	Total     int
	Counts    []count
	Groups    []*group
}

// group is the packages with findings that one instruction brought.
type group struct {
	Place, Instruction string // both are empty if the instruction is not known
	Base               bool   // the packages are those of the base image
	Origin             string // what else is known of the instruction
	Counts             []count
	Open               bool
	Many               bool // the section has more than manyFindings
	Known              bool // other instructions of the section are known
	Packages           []*affected

	counts policy.Counts
}

// affected is a source package with findings.
type affected struct {
	Name, Version, Binaries string // Binaries is empty if there is one, of the same name
	Counts                  []count
	Open                    bool
	Findings                []finding
	// Markup is the package as the template package.html writes it.
	Markup template.HTML

	counts   policy.Counts
	findings []*report.Finding
}

// newSections parts the findings by kind. Those that the gate looks at come
// first, and are there even if there are none.
func newSections(r *report.Report) []section {
	by := map[report.Group][]report.Finding{}
	for _, f := range r.AllFindings() {
		by[f.Group] = append(by[f.Group], f)
	}
	headers := "Only packages with the kernel's headers have these. The kernel that runs is the machine's."
	if r.Verdict.KernelHeaders.Total() > 0 {
		headers += " They do not count."
	}
	sections := []section{newSection("findings", "Findings", "", by[""])}
	for _, kind := range []struct {
		group       report.Group
		title, note string
	}{
		{report.GroupKernelHeaders, "Kernel headers", headers},
		{report.GroupUnderInvestigation, "Under investigation", "The vendor has not decided yet whether the packages are affected. These do not count."},
		{report.GroupSuppressed, "Suppressed", "Somebody decided that these do not count, and said why."},
	} {
		if findings := by[kind.group]; len(findings) > 0 {
			sections = append(sections, newSection(string(kind.group), kind.title, kind.note, findings))
		}
	}
	return sections
}

// newSection groups findings, which are sorted with the worst first.
func newSection(id, title, note string, findings []report.Finding) section {
	type key struct {
		by   report.IntroducedBy // empty if it is not known
		name string              // of the source package
		of   string              // its version
	}
	s := section{ID: id, Title: title, Note: note, Total: len(findings)}
	groups, packages := map[report.IntroducedBy]*group{}, map[key]*affected{}
	var counts policy.Counts
	for i := range findings {
		f := &findings[i]
		var by report.IntroducedBy
		if f.IntroducedBy != nil {
			by = *f.IntroducedBy
		}
		g := groups[by]
		if g == nil {
			g = newGroup(&by)
			groups[by] = g
			s.Groups = append(s.Groups, g)
		}
		k := key{by, f.Source.Name, f.Source.Version}
		p := packages[k]
		if p == nil {
			p = newAffected(f)
			packages[k] = p
			g.Packages = append(g.Packages, p)
		}
		p.findings = append(p.findings, f)
		for _, c := range []*policy.Counts{&counts, &g.counts, &p.counts} {
			c.Add(f.Severity)
		}
	}
	s.Counts = newCounts(counts, false)
	s.sort()
	return s
}

// sort puts the worst groups and packages first, and opens the first of them.
func (s *section) sort() {
	slices.SortStableFunc(s.Groups, func(a, b *group) int { return worse(a.counts, b.counts) })
	findings, packages := 0, 0
	for i, g := range s.Groups {
		g.Counts = newCounts(g.counts, false)
		packages += len(g.Packages)
		g.Known, g.Many = len(s.Groups) > 1, s.Total > manyFindings
		g.Open = i == 0 || packages <= maxOpenPackages
		slices.SortStableFunc(g.Packages, func(a, b *affected) int { return worse(a.counts, b.counts) })
		for _, p := range g.Packages {
			p.Counts = newCounts(p.counts, false)
			findings += len(p.findings)
			p.Open = findings <= maxOpenFindings
		}
	}
}

func newGroup(by *report.IntroducedBy) *group {
	if *by == (report.IntroducedBy{}) {
		return &group{}
	}
	g := &group{
		Place: render.Place(by), Base: by.Base,
		Instruction: cmp.Or(render.Instruction(by), render.Line(by.BaseImage), "?"),
	}
	switch {
	case by.FromStage != "":
		g.Origin = render.Line("copied from " + by.FromStage)
	case by.Base && by.BaseDigest != "":
		g.Origin = render.Line(by.BaseImage + "@" + by.BaseDigest)
	case by.Stage != "":
		g.Origin = render.Line("stage " + by.Stage)
	}
	return g
}

func newAffected(f *report.Finding) *affected {
	p := &affected{Name: render.Line(f.Source.Name), Version: render.Line(f.Source.Version), Binaries: render.Line(render.Installed(f))}
	if p.Binaries == p.Name {
		p.Binaries = ""
	}
	return p
}

// write fills in the markup of all packages. There can be thousands, and most of
// a page's time goes into them, so all processors write.
func (s *section) write(t *template.Template, failing render.Failing) error {
	var eg errgroup.Group
	eg.SetLimit(runtime.GOMAXPROCS(0))
	for _, g := range s.Groups {
		for _, p := range g.Packages {
			eg.Go(func() error { return p.write(t, failing) })
		}
	}
	return eg.Wait()
}

func (p *affected) write(t *template.Template, failing render.Failing) error {
	p.Findings = make([]finding, 0, len(p.findings))
	for _, f := range p.findings {
		p.Findings = append(p.Findings, newFinding(f, failing.Has(f)))
	}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, "package.html", p); err != nil {
		return err
	}
	p.Findings = nil
	p.Markup = template.HTML(b.String()) //nolint:gosec // html/template wrote it
	return nil
}

// worse puts the one first that has more findings of the worst severity.
func worse(a, b policy.Counts) int {
	for _, s := range severity.All() {
		if c := cmp.Compare(b.Of(s), a.Of(s)); c != 0 {
			return c
		}
	}
	return 0
}
