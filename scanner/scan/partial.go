package scan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/example/microscanner-frontend/scanner/report"
)

// partial is what an entry of an ignore list covers of findings that count all
// the same, because other binaries of the source package have them.
type partial struct {
	source  string
	covered map[string]bool // names of binaries
	left    map[string]bool // those that the findings stay with
}

// String is the end of a notice that begins with the name of the entry.
func (p *partial) String() string {
	names := func(set map[string]bool) string { return cut(few(slices.Sorted(maps.Keys(set))), maxSaid) }
	return fmt.Sprintf(" covers %s alone: the vulnerability stays with %s; the name of the source package, %s, covers all",
		names(p.covered), names(p.left), cut(p.source, maxSaid))
}

// findingKey is what binaries share that have one finding; see report.Finding.
type findingKey struct{ source, version, id string }

func eachVulnerability(resources []report.Resource, visit func(findingKey, *report.Package, *report.Suppressed)) {
	for i := range resources {
		p := &resources[i].Resource
		for j := range resources[i].Vulnerabilities {
			v := &resources[i].Vulnerabilities[j]
			visit(findingKey{p.Source.Name, p.Source.Version, v.Name}, p, v.Suppressed)
		}
	}
}

// partlyIgnored finds the entries of ignore lists that mark a finding at some
// binaries while it stays with others. The report has one finding for a source
// package, so that such an entry, which may name one binary of it, seems to do
// nothing. The keys are the marks that the entries leave in resources.
func partlyIgnored(resources []report.Resource) map[*report.Suppressed]*partial {
	marks := map[findingKey][]*report.Suppressed{}
	out := map[*report.Suppressed]*partial{}
	eachVulnerability(resources, func(k findingKey, p *report.Package, mark *report.Suppressed) {
		if mark == nil || mark.By != report.SuppressedByIgnore {
			return
		}
		if !slices.Contains(marks[k], mark) {
			marks[k] = append(marks[k], mark)
		}
		if out[mark] == nil {
			out[mark] = &partial{source: p.Source.Name, covered: map[string]bool{}, left: map[string]bool{}}
		}
		out[mark].covered[p.Name] = true
	})
	if len(marks) == 0 {
		return nil
	}
	eachVulnerability(resources, func(k findingKey, p *report.Package, mark *report.Suppressed) {
		if mark == nil {
			for _, m := range marks[k] {
				out[m].left[p.Name] = true
			}
		}
	})
	maps.DeleteFunc(out, func(_ *report.Suppressed, p *partial) bool { return len(p.left) == 0 })
	return out
}
