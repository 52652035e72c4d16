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

// Options say what Match does beside the rules of a distribution.
type Options struct {
	// UnderInvestigation makes findings of the advisories that are undecided
	// yet, with their status. They are counted in either case.
	UnderInvestigation bool
	// Stop is asked now and then whether to go on; its error ends the matching.
	// It may be nil.
	Stop func() error
	// Cache keeps what the advisories say, for other inventories with the same
	// packages. It may be nil.
	Cache Cache
}

// ErrTooMany is the error about an image with more findings than a report takes.
var ErrTooMany = fmt.Errorf("the image has more than %d findings", maxFindings)

// Subject is packages with the same findings: the installed packages of one
// source package where advisories speak of those, else one installed package.
type Subject struct {
	// Name and Version are those that the advisories speak of.
	Name, Version string
	// Packages are indexes into the inventory's packages.
	Packages []int
	Findings []db.Advisory // sorted by id, one for each
	// FixVersion is the first version without any of the findings that have a
	// fix for everybody; empty if none has one.
	FixVersion string
}

// Result is what Match found.
type Result struct {
	// Subjects are those with findings, sorted by name and version.
	Subjects []Subject
	// Problems are versions that cannot be compared: the result is partial.
	Problems []inventory.Problem
	// UnderInvestigation counts the advisories that are undecided yet, once for
	// each source package and its version.
	UnderInvestigation int
	// Foreign are the packages that somebody else built, sorted by vendor. They
	// were compared with nothing.
	Foreign []Foreign
	// UnknownStream are indexes of packages that belong to a module, and do not
	// say to which stream of it. They were compared with nothing.
	UnknownStream []int
}

// Foreign is the packages of one vendor that is not the distribution's.
type Foreign struct {
	Vendor   string
	Packages []int // indexes into the inventory's packages
}

// maxFindings is how many findings an image may have, counted at each installed
// package. The kernel has the most, about 5,000 in as many as 20 packages. A
// report of them all must stay below report.MaxSize.
const maxFindings = 120_000

// matching is one run of Match.
type matching struct {
	inv        *inventory.Inventory
	rules      Rules
	advisories Advisories
	options    Options
	result     Result
	// undecided are the advisories that were counted in UnderInvestigation.
	undecided map[undecided]struct{}
	total     int // findings, counted at each installed package
	problems  int // told so far, each time
	// told are the result's problems, of which hostile versions make very many.
	told map[inventory.Problem]struct{}
}

type undecided struct{ id, source, version string }

// Match compares the packages of an inventory with the advisories of its
// release. An error means that the advisories cannot be read, or that the
// findings are too many.
func Match(inv *inventory.Inventory, rules Rules, advisories Advisories, o Options) (Result, error) {
	m := &matching{inv: inv, rules: rules, advisories: advisories, options: o, undecided: map[undecided]struct{}{}, told: map[inventory.Problem]struct{}{}}
	for _, g := range m.groups(m.own()) {
		if o.Stop != nil {
			if err := o.Stop(); err != nil {
				return Result{}, err
			}
		}
		if err := m.match(g); err != nil {
			return Result{}, err
		}
	}
	m.result.UnderInvestigation = len(m.undecided)
	return m.result, nil
}

// own lists the packages that the distribution's advisories speak of, and puts
// the others into the result.
func (m *matching) own() []int {
	packages := m.inv.Packages
	own := make([]int, 0, len(packages))
	at := map[string]int{}
	for i := range packages {
		p := &packages[i]
		vendor, foreign := "", false
		if m.rules.Foreign != nil {
			vendor, foreign = m.rules.Foreign(&m.inv.OS, p)
		}
		switch {
		case foreign:
			m.foreign(at, vendor, i)
		case hasUnknownStream(p):
			m.result.UnknownStream = append(m.result.UnknownStream, i)
		default:
			own = append(own, i)
		}
	}
	slices.SortFunc(m.result.Foreign, func(a, b Foreign) int { return cmp.Compare(a.Vendor, b.Vendor) })
	return own
}

// foreign puts a package into the result; at has the place of each vendor in it.
func (m *matching) foreign(at map[string]int, vendor string, i int) {
	n, ok := at[vendor]
	if !ok {
		n = len(m.result.Foreign)
		at[vendor] = n
		m.result.Foreign = append(m.result.Foreign, Foreign{Vendor: vendor})
	}
	m.result.Foreign[n].Packages = append(m.result.Foreign[n].Packages, i)
}

// Key is what the packages of a group have in common: every name that
// advisories may use for them, and the versions to compare.
type Key struct {
	Source, SourceVersion string
	Binary, BinaryVersion string // empty where advisories speak of sources only
}

// group is packages that are looked up, and compared, once.
type group struct {
	Key
	packages []int
}

// groups puts packages with one key together, sorted by what advisories call
// them.
func (m *matching) groups(own []int) []group {
	list := make([]group, 0, len(own))
	binaries := slices.Contains(m.rules.Kinds, advisory.Binary)
	var epochs map[source]string
	if m.rules.Scheme == version.Rpm && slices.Contains(m.rules.Kinds, advisory.Source) {
		epochs = sourceEpochs(m.inv.Packages)
	}
	for n, i := range own {
		p := &m.inv.Packages[i]
		k := Key{Source: p.SourceName, SourceVersion: p.SourceVersion}
		if epochs != nil {
			k.SourceVersion = withEpoch(p, epochs)
		}
		if binaries {
			k.Binary, k.BinaryVersion = p.Name, p.Version
		}
		list = append(list, group{k, own[n : n+1 : n+1]})
	}
	slices.SortFunc(list, func(a, b group) int {
		if order := cmp.Compare(a.name(), b.name()); order != 0 {
			return order // as nearly always
		}
		return cmp.Or(
			cmp.Compare(a.version(), b.version()),
			cmp.Compare(a.Source, b.Source), cmp.Compare(a.SourceVersion, b.SourceVersion),
			cmp.Compare(a.packages[0], b.packages[0]),
		)
	})
	return merged(list)
}

// merged puts groups with one key together, which follow each other.
func merged(list []group) []group {
	out := list[:0]
	for _, g := range list {
		if last := len(out) - 1; last >= 0 && out[last].Key == g.Key {
			out[last].packages = append(out[last].packages, g.packages...)
		} else {
			out = append(out, g)
		}
	}
	return out
}

// name is what a finding's fix is a version of.
func (k *Key) name() string { return cmp.Or(k.Binary, k.Source) }

func (k *Key) version() string { return cmp.Or(k.BinaryVersion, k.SourceVersion) }

// match adds what is found in a group to the result.
func (m *matching) match(g group) error {
	rows, err := m.recall(g)
	if err != nil || len(rows) == 0 {
		return err
	}
	for _, packages := range m.classes(g, rows) {
		s := Subject{Name: g.name(), Version: g.version(), Packages: packages}
		s.Findings = m.findings(rows, packages)
		if len(s.Findings) == 0 {
			continue
		}
		s.FixVersion = m.highestFix(s.Findings)
		if m.total += len(s.Findings) * len(s.Packages); m.total > maxFindings {
			return ErrTooMany
		}
		m.result.Subjects = append(m.result.Subjects, s)
	}
	return nil
}

// classes divides a group into packages that the same advisories speak of.
// Mostly that is all of them: few advisories tell packages of one name apart.
func (m *matching) classes(g group, rows []row) [][]int {
	if len(g.packages) == 1 {
		return [][]int{g.packages}
	}
	if m.rules.Applies == nil && !slices.ContainsFunc(rows, func(r row) bool { return len(r.Arches) > 0 || r.Module != "" }) &&
		!slices.ContainsFunc(g.packages, func(i int) bool { return m.inv.Packages[i].Module != "" }) {
		return [][]int{g.packages}
	}
	classes := make([][]int, 0, len(g.packages))
	for _, i := range g.packages {
		classes = append(classes, []int{i})
	}
	return classes
}

// highestFix is the first version in which all findings that have a fix for
// everybody are fixed.
func (m *matching) highestFix(findings []db.Advisory) string {
	var highest version.Version
	for i := range findings {
		if f := &findings[i]; f.Status == advisory.StatusFixed {
			if order, err := highest.Compare(f.Fixed); err != nil || order < 0 {
				highest, _ = m.rules.Scheme.Parse(f.Fixed) // it was compared before
			}
		}
	}
	return highest.String()
}
