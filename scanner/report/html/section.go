package html

import (
	"cmp"
	"slices"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// maxOpen is how many findings a page shows without a click. A browser lays out
// the rest only once somebody asks for it.
const maxOpen = 60

// section is the findings of one kind.
type section struct {
	ID, Title string
	Note      string
	Total     int
	Counts    []count
	Groups    []*group
}

// group is the findings of the packages that one instruction brought or, where
// that is not known, of one source package.
type group struct {
	Place, Name string // "Dockerfile:4", and the instruction or the package
	Code        bool   // Name is an instruction
	Origin      string // what else is known of the instruction
	Base        bool
	Counts      []count
	Open        bool
	Findings    []finding

	counts policy.Counts
}

// groupKey tells groups apart.
type groupKey struct {
	by     report.IntroducedBy
	source report.Source // empty if by is known
}

// newSections parts the findings by kind. Those that the gate looks at come
// first, and are there even if there are none.
func newSections(r *report.Report) ([]section, error) {
	failing, err := render.NewFailing(r)
	if err != nil {
		return nil, err
	}
	by := map[report.Group][]report.Finding{}
	for _, f := range r.AllFindings() {
		by[f.Group] = append(by[f.Group], f)
	}
	headers := "Only packages with the kernel's headers have these. The kernel that runs is the machine's."
	if r.Verdict.KernelHeaders.Total() > 0 {
		headers += " They do not count."
	}
	sections := []section{newSection("findings", "Findings", "", by[""], failing)}
	for _, kind := range []struct {
		group report.Group
		title string
		note  string
	}{
		{report.GroupKernelHeaders, "Kernel headers", headers},
		{report.GroupUnderInvestigation, "Under investigation", "The vendor has not decided yet whether the packages are affected. These do not count."},
		{report.GroupSuppressed, "Suppressed", "Somebody decided that these do not count, and said why."},
	} {
		if findings := by[kind.group]; len(findings) > 0 {
			sections = append(sections, newSection(string(kind.group), kind.title, kind.note, findings, failing))
		}
	}
	return sections, nil
}

func newSection(id, title, note string, findings []report.Finding, failing render.Failing) section {
	s := section{ID: id, Title: title, Note: note, Total: len(findings)}
	var counts policy.Counts
	at := map[groupKey]*group{}
	for i := range findings {
		f := &findings[i]
		key := keyOf(f)
		g, ok := at[key]
		if !ok {
			g = newGroup(f)
			at[key] = g
			s.Groups = append(s.Groups, g)
		}
		g.counts.Add(f.Severity)
		counts.Add(f.Severity)
		g.Findings = append(g.Findings, newFinding(f, failing.Has(f)))
	}
	s.Counts = newCounts(counts, false)
	slices.SortStableFunc(s.Groups, func(a, b *group) int { return worse(a.counts, b.counts) })
	shown := 0
	for _, g := range s.Groups {
		g.Counts = newCounts(g.counts, false)
		shown += len(g.Findings)
		g.Open = shown <= maxOpen
	}
	return s
}

func keyOf(f *report.Finding) groupKey {
	if f.IntroducedBy != nil {
		return groupKey{by: *f.IntroducedBy}
	}
	return groupKey{source: report.Source{Name: f.Source.Name, Version: f.Source.Version}}
}

func newGroup(f *report.Finding) *group {
	by := f.IntroducedBy
	if by == nil {
		return &group{Name: render.Line(f.Source.Name + " " + f.Source.Version)}
	}
	g := &group{
		Place: render.Place(by), Code: true, Base: by.Base,
		Name: cmp.Or(render.Instruction(by), render.Line(by.BaseImage), "an instruction that is not known"),
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

// worse puts the one first that has more findings of the worst severity.
func worse(a, b policy.Counts) int {
	for _, s := range severity.All() {
		if c := cmp.Compare(b.Of(s), a.Of(s)); c != 0 {
			return c
		}
	}
	return 0
}
