package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/policy"
)

// NewerBase is a base image that can take the place of one, and what is known of
// it.
type NewerBase struct {
	Reference string // as people name it
	// Report is that of a scan of it, by the same database.
	Report *Report
}

// Advise fills in the advice: what would repair the findings that count, by the
// instruction that brought their packages. newer are base images that can take
// the place of those of the build, by their name (IntroducedBy.BaseImage); what
// is not in it, nothing is claimed of.
func (r *Report) Advise(newer map[string]NewerBase) {
	m := r.packageManager()
	groups := r.byInstruction()
	r.Advice = make([]Advice, len(groups))
	for i := range groups {
		g := &groups[i]
		g.divide(m)
		a := Advice{
			File: g.by.File, Line: g.by.Line, Instruction: g.by.Instruction,
			Text: g.text(newer), Packages: g.packages, Fixes: g.fixes, Of: len(g.findings),
		}
		if len(g.packages) > 0 && m != "" {
			a.Command = string(m) + " " + strings.Join(g.packages, " ")
		}
		r.Advice[i] = a
	}
}

// instruction is the findings of the packages that one instruction brought.
type instruction struct {
	by       IntroducedBy // zero if not known
	findings []Finding
	counts   policy.Counts

	packages []string // those to upgrade, sorted
	fixes    int      // findings that are gone then
	command  bool     // a command does it
	odd      int      // findings with a fix for packages that no command can name
}

// byInstruction puts the findings that count together by their instruction,
// the worst first.
func (r *Report) byInstruction() []instruction {
	at := map[IntroducedBy]int{}
	var out []instruction
	for _, f := range r.Findings() {
		var by IntroducedBy
		if f.IntroducedBy != nil {
			by = *f.IntroducedBy
		}
		i, ok := at[by]
		if !ok {
			i = len(out)
			at[by] = i
			out = append(out, instruction{by: by})
		}
		out[i].findings = append(out[i].findings, f)
		out[i].counts.Add(f.Severity)
	}
	slices.SortStableFunc(out, func(a, b instruction) int { return compareCounts(a.counts, b.counts) })
	return out
}

// divide tells the findings that an upgrade repairs from the others.
func (g *instruction) divide(m packageManager) {
	g.command = m != ""
	g.packages = []string{}
	for i := range g.findings {
		f := &g.findings[i]
		switch {
		case !f.Fixable():
		case slices.ContainsFunc(f.Binaries, func(name string) bool { return !isPackageName(name) }):
			g.odd++
		default:
			g.fixes++
			g.packages = append(g.packages, f.Binaries...)
		}
	}
	slices.Sort(g.packages)
	g.packages = slices.Compact(g.packages)
}

// text says what would repair the findings, and why nothing repairs the rest.
func (g *instruction) text(newer map[string]NewerBase) string {
	var parts []string
	if g.by.Base {
		parts = append(parts, g.newerBase(newer))
	}
	of := fmt.Sprintf("%d of %s", g.fixes, count(len(g.findings), "finding"))
	if g.fixes == len(g.findings) {
		of = "all, " + count(g.fixes, "finding")
	}
	switch {
	case g.fixes == 0:
	case !g.command:
		parts = append(parts, "newer packages fix "+of)
	case g.by.FromStage != "":
		parts = append(parts, fmt.Sprintf("upgrading %s in %s, where the instruction copies from, fixes %s", count(len(g.packages), "package"), g.by.FromStage, of))
	default:
		parts = append(parts, fmt.Sprintf("upgrading %s fixes %s", count(len(g.packages), "package"), of))
	}
	if g.odd > 0 {
		parts = append(parts, fmt.Sprintf("%s with a fix in packages whose names cannot stand in a command", count(g.odd, "finding")))
	}
	return strings.Join(append(parts, g.unfixed()...), "; ")
}

// newerBase is the advice on the base image. That a newer one repairs anything
// is said only where it is known.
func (g *instruction) newerBase(newer map[string]NewerBase) string {
	name := cmp.Or(g.by.BaseImage, "the base image")
	n, ok := newer[g.by.BaseImage]
	if !ok || !n.Report.assessed() {
		return "rebuild on a newer " + strings.TrimPrefix(name, "the ") + " once there is one"
	}
	type key struct{ id, source string }
	still := map[key]bool{}
	for _, f := range n.Report.AllFindings() {
		still[key{f.ID, f.Source.Name}] = true
	}
	fixed := 0
	for i := range g.findings {
		if f := &g.findings[i]; !still[key{f.ID, f.Source.Name}] {
			fixed++
		}
	}
	return fmt.Sprintf("a newer %s (%s) has %d of these %s fixed", name, n.Reference, fixed, count(len(g.findings), "finding"))
}

// assessed reports whether everything in the image was compared with advisories.
func (r *Report) assessed() bool {
	a := r.Assessment
	return a.Unsupported == "" && !a.NoPackages && len(a.Unread) == 0
}

// unfixed says of the findings without a fix why they have none.
func (g *instruction) unfixed() []string {
	var none, refused, over, pro int
	for i := range g.findings {
		f := &g.findings[i]
		switch {
		case f.Fixable():
		case f.Status == string(advisory.StatusWillNotFix):
			refused++
		case f.Status == string(advisory.StatusEndOfLife):
			over++
		case f.Status == string(advisory.StatusNeedsPro):
			pro++
		default:
			none++
		}
	}
	var out []string
	for _, why := range []struct {
		n      int
		format string
	}{
		{none, "for %d there is no fix yet"},
		{refused, "the vendor will not fix %d"},
		{over, "%d will get no fix: the packages are past their end of life"},
		{pro, "for %d the fix needs Ubuntu Pro"},
	} {
		if why.n > 0 {
			out = append(out, fmt.Sprintf(why.format, why.n))
		}
	}
	return out
}

// count is a number of things in words.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
