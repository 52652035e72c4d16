// Package match finds the vulnerabilities of the packages in an inventory.
package match

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/version"
)

// Advisories are those of one release; *db.Release is one.
type Advisories interface {
	// Select gives the advisories on a package, those of one id next to each
	// other, without those whose fixed version want refuses.
	Select(kind advisory.Kind, name string, want func(fixed string) (bool, error)) ([]db.Advisory, error)
}

// Subject is what advisories speak of: a source package, mostly, with the
// installed packages that were built from it.
type Subject struct {
	Name, Version string
	// Packages are indexes into the inventory's packages.
	Packages []int
	Findings []db.Advisory // sorted by id, one for each
	// FixVersion is the first version without any of the findings that have a
	// fix; empty if none has one.
	FixVersion string
}

// Result is what Match found.
type Result struct {
	// Subjects are those with findings, sorted by name and version.
	Subjects []Subject
	// Problems are versions that cannot be compared: the result is partial.
	Problems []inventory.Problem
	// UnderInvestigation counts the advisories that are undecided yet.
	UnderInvestigation int
}

// maxFindings is how many findings an image may have, counted at each installed
// package. The kernel has the most, about 5,000 in as many as 20 packages. A
// report of them all must stay below report.MaxSize.
const maxFindings = 120_000

// Match compares the packages with the advisories of their release. An error
// means that the advisories cannot be read, or that the findings are too many.
func Match(packages []inventory.Package, kind advisory.Kind, scheme version.Scheme, advisories Advisories) (Result, error) {
	var result Result
	total := 0
	for _, subject := range subjects(packages, kind) {
		m := matcher{
			scheme: scheme, subject: subject, result: &result, path: packages[subject.Packages[0]].Path,
			arches: arches(packages, subject),
		}
		found, err := advisories.Select(kind, subject.Name, m.vulnerable)
		if err != nil {
			return Result{}, fmt.Errorf("look up the advisories on %s: %w", subject.Name, err)
		}
		m.take(found)
		if len(m.subject.Findings) == 0 {
			continue
		}
		if total += len(m.subject.Findings) * len(m.subject.Packages); total > maxFindings {
			return Result{}, fmt.Errorf("the image has more than %d findings", maxFindings)
		}
		result.Subjects = append(result.Subjects, m.subject)
	}
	return result, nil
}

// subjects groups packages by what advisories of the kind speak of, sorted by
// name and version.
func subjects(packages []inventory.Package, kind advisory.Kind) []Subject {
	type key struct{ name, version string }
	at := make(map[key]int, len(packages))
	list := make([]Subject, 0, len(packages))
	for i := range packages {
		k := key{packages[i].SourceName, packages[i].SourceVersion}
		if kind == advisory.Binary {
			k = key{packages[i].Name, packages[i].Version}
		}
		n, ok := at[k]
		if !ok {
			n = len(list)
			at[k] = n
			list = append(list, Subject{Name: k.name, Version: k.version})
		}
		list[n].Packages = append(list[n].Packages, i)
	}
	slices.SortFunc(list, func(a, b Subject) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	return list
}

// matcher judges the advisories on one subject.
type matcher struct {
	scheme    version.Scheme
	subject   Subject
	path      string // of the package database
	arches    []string
	result    *Result
	installed version.Version
	state     parseState
}

// parseState says whether the installed version was read. It is read only
// if there is something to compare it with.
type parseState int

const (
	unparsed parseState = iota
	parsed
	unreadable
)

// vulnerable reports whether the installed version is older than fixed. A
// version that cannot be read is a problem of the result; it decides nothing.
func (m *matcher) vulnerable(fixed string) (bool, error) {
	if m.state == unparsed {
		var err error
		m.state = parsed
		if m.installed, err = m.scheme.Parse(m.subject.Version); err != nil {
			m.state = unreadable
			m.problem(fmt.Sprintf("the advisories on %s cannot be applied: %v", m.subject.Name, err))
		}
	}
	if m.state == unreadable {
		return false, nil
	}
	order, err := m.installed.Compare(fixed)
	if err != nil {
		m.problem(fmt.Sprintf("an advisory on %s cannot be applied: %v", m.subject.Name, err))
		return false, nil
	}
	return order < 0, nil
}

func (m *matcher) problem(reason string) {
	m.result.Problems = append(m.result.Problems, inventory.Problem{Path: m.path, Reason: reason})
}

// take keeps the advisories that are findings: those of a fixed version were
// sorted out by vulnerable, the others hold for any version.
func (m *matcher) take(found []db.Advisory) {
	m.subject.Findings = slices.Grow(m.subject.Findings, len(found))
	for i := range found {
		a := &found[i]
		switch {
		case a.Status == advisory.StatusNotAffected || !m.applies(a):
		case a.Status == advisory.StatusUnderInvestigation:
			m.result.UnderInvestigation++
		default:
			m.add(a)
		}
	}
	var highest version.Version
	for i := range m.subject.Findings {
		fixed := m.subject.Findings[i].Fixed
		if fixed == "" {
			continue
		}
		if order, err := highest.Compare(fixed); err != nil || order < 0 {
			highest, _ = m.scheme.Parse(fixed) // vulnerable has read it before
		}
	}
	m.subject.FixVersion = highest.String()
}

// applies tells whether an advisory speaks of the packages of the subject. The
// packages of dpkg and apk belong to no module.
func (m *matcher) applies(a *db.Advisory) bool {
	if a.Module != "" {
		return false
	}
	return len(a.Arches) == 0 || len(m.arches) == 0 || slices.ContainsFunc(m.arches, func(arch string) bool {
		return slices.Contains(a.Arches, arch)
	})
}

// arches lists the architectures of a subject's packages; none if it has a
// package for every architecture, or for one that is not known.
func arches(packages []inventory.Package, s Subject) []string {
	var out []string
	for _, i := range s.Packages {
		switch arch := packages[i].Arch; arch {
		case "", "all", "noarch":
			return nil
		default:
			out = append(out, arch)
		}
	}
	return out
}

// add makes one finding of the advisories of one id, which may differ by
// architecture or product: a fix counts rather than none and the higher of two,
// as in the making of the database, with the worst severity of all.
func (m *matcher) add(a *db.Advisory) {
	last := len(m.subject.Findings) - 1
	if last < 0 || m.subject.Findings[last].ID != a.ID {
		m.subject.Findings = append(m.subject.Findings, *a)
		return
	}
	old := &m.subject.Findings[last]
	folded := *old
	if m.stronger(a, old) {
		folded = *a
	}
	worst := old
	if a.Severity > old.Severity {
		worst = a
	}
	folded.Severity, folded.SeveritySource = worst.Severity, worst.SeveritySource
	folded.Aliases = slices.Compact(slices.Sorted(slices.Values(slices.Concat(old.Aliases, a.Aliases))))
	*old = folded
}

func (m *matcher) stronger(a, b *db.Advisory) bool {
	if a.Fixed == "" || b.Fixed == "" {
		return a.Fixed != ""
	}
	order, err := m.scheme.Compare(a.Fixed, b.Fixed)
	return err == nil && order > 0
}
