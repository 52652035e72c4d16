package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// PackageLine sums up the findings of one source package.
type PackageLine struct {
	// Text is one line for people, safe to print:
	// "openssl 3.0.1 -> 3.0.2: 2 high, 1 medium (CVE-2024-1, CVE-2024-2, CVE-2024-3)".
	Text   string
	Source Source
	Counts policy.Counts
	IDs    []string // worst first
	// IntroducedBy is the instruction that brought the package, as in Finding;
	// nil if it is not known.
	IntroducedBy *IntroducedBy
}

// maxLineIDs is how many ids a line names. What is beyond is a number.
const maxLineIDs = 5

// PackageLines sums up the findings, one line a source package, worst first.
func (r *Report) PackageLines() []PackageLine {
	at := map[Source]int{}
	var lines []PackageLine
	for _, f := range r.Findings() {
		i, ok := at[f.Source]
		if !ok {
			i = len(lines)
			at[f.Source] = i
			lines = append(lines, PackageLine{Source: f.Source})
		}
		lines[i].Counts.Add(f.Severity)
		lines[i].IDs = append(lines[i].IDs, f.ID)
		lines[i].IntroducedBy = preferAdded(lines[i].IntroducedBy, f.IntroducedBy)
	}
	for i := range lines {
		lines[i].Text = lines[i].text()
	}
	SortPackageLines(lines)
	return lines
}

// SortPackageLines sorts lines, of several reports too: the line with more
// findings of the worst severity comes first, then by name.
func SortPackageLines(lines []PackageLine) {
	slices.SortStableFunc(lines, func(a, b PackageLine) int {
		return cmp.Or(compareCounts(a.Counts, b.Counts), cmp.Compare(a.Source.Name, b.Source.Name), cmp.Compare(a.Source.Version, b.Source.Version))
	})
}

// compareCounts puts the one first that has more findings of the worst severity.
func compareCounts(a, b policy.Counts) int {
	for _, s := range severity.All() {
		if c := cmp.Compare(b.Of(s), a.Of(s)); c != 0 {
			return c
		}
	}
	return 0
}

func (l PackageLine) text() string {
	fix := "no fix"
	if l.Source.FixVersion != "" {
		fix = "-> " + l.Source.FixVersion
	}
	ids := strings.Join(l.IDs[:min(len(l.IDs), maxLineIDs)], ", ")
	if more := len(l.IDs) - maxLineIDs; more > 0 {
		ids += fmt.Sprintf(" and %d more", more)
	}
	return Printable(fmt.Sprintf("%s %s %s: %s (%s)", l.Source.Name, l.Source.Version, fix, l.Counts, ids))
}
