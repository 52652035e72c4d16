// Package blame tells which instruction brought each package with findings: the
// package databases of the root file systems on the way to an image say when a
// package came, in the version that is installed in the end.
package blame

import (
	"fmt"
	"io/fs"

	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/report"
)

// Step is one step on the way to the root file system of a report.
type Step struct {
	// By is the instruction, as a report names it.
	By report.IntroducedBy
	// Before is the root file system before the step; nil if it was empty, as it
	// is before the first.
	Before fs.FS
}

// Problem is a package database before a step that cannot be read. It counts as
// empty: the step after it, at the latest, brought what can be read.
type Problem struct {
	Step int // index in the steps
	Err  error
}

// Annotate gives each finding of a report that has no instruction yet the one
// that brought its package: the step since which the package is there without a
// break, in that version. An upgrade, a downgrade and a package that is removed
// and comes back are the last instruction's that did it.
//
// The last step is one after which every such package was there, most simply
// that of the report's own root file system. If there was a root file system
// before the first step, what was in it already is left without an instruction.
//
// An error means that the report is of a distribution that is not among distros.
func Annotate(r *report.Report, distros []distro.Distro, steps []Step) ([]Problem, error) {
	open := unblamed(r)
	if len(open) == 0 {
		return nil, nil
	}
	d, ok := distro.ByID(distros, r.OS)
	if !ok {
		return nil, fmt.Errorf("the report is of %q, which is not a supported distribution", r.OS)
	}
	var problems []Problem
	reader := reader{read: d.Read}
	for i := len(steps) - 1; i >= 0 && len(open) > 0; i-- {
		if steps[i].Before != nil && reader.unchanged(steps[i].Before) {
			continue // what is still open was there at the last look
		}
		present := map[identity]struct{}{}
		if steps[i].Before != nil {
			packages, err := reader.packages(steps[i].Before)
			if err != nil {
				problems = append(problems, Problem{i, err})
			}
			for j := range packages {
				p := &packages[j]
				present[identity{p.Name, p.Arch, p.Version, p.SourceName, p.SourceVersion}] = struct{}{}
			}
		}
		for id, resources := range open {
			if _, ok := present[id]; !ok {
				attribute(resources, &steps[i].By)
				delete(open, id)
			}
		}
	}
	return problems, nil
}

// identity is what makes an entry of a package database the package that is
// installed in the end. Where the database lies is no part of it: who moves one
// brings nothing.
type identity struct{ name, arch, version, sourceName, sourceVersion string }

// unblamed lists the packages with findings that have no instruction yet.
func unblamed(r *report.Report) map[identity][]*report.Resource {
	out := map[identity][]*report.Resource{}
	for i := range r.Resources {
		res := &r.Resources[i]
		if len(res.Vulnerabilities) == 0 || res.Vulnerabilities[0].IntroducedBy != nil {
			continue
		}
		p := &res.Resource
		id := identity{p.Name, p.Arch, p.Version, p.Source.Name, p.Source.Version}
		out[id] = append(out[id], res)
	}
	return out
}

func attribute(resources []*report.Resource, by *report.IntroducedBy) {
	for _, res := range resources {
		// Binaries of one source package share the list until here.
		vulnerabilities := make([]report.Vulnerability, len(res.Vulnerabilities))
		copy(vulnerabilities, res.Vulnerabilities)
		for i := range vulnerabilities {
			vulnerabilities[i].IntroducedBy = by
		}
		res.Vulnerabilities = vulnerabilities
	}
}

// reader reads the package databases of one root file system after the other.
type reader struct {
	read func(fs.FS, *pkgdb.Collector) (found bool, err error)
	last *tracer // of the last databases that were read; nil if they are not known
}

// unchanged reports whether the package databases are those that were read last.
func (r *reader) unchanged(fsys fs.FS) bool {
	return r.last != nil && r.last.same(fsys)
}

// packages reads what is installed; nothing, if that cannot be read.
func (r *reader) packages(fsys fs.FS) ([]inventory.Package, error) {
	r.last = &tracer{fsys: fsys}
	c := pkgdb.NewCollector()
	if _, err := r.read(r.last, c); err != nil {
		return nil, err
	}
	return c.Packages(), nil
}
