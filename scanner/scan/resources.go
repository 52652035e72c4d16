package scan

import (
	"cmp"
	"slices"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/report"
)

// newResources lists the packages with what was found in their subjects, and
// with what the suppressor says of that.
func newResources(inv *inventory.Inventory, found match.Result, database *db.DB, s *suppressor, o Options) ([]report.Resource, error) {
	w := resourceWriter{inv: inv, reported: make([]bool, len(inv.Packages)), headers: headersOf(inv, o)}
	details := describer{database, o.Cache, inv.OS.Distro}
	for i := range found.Subjects {
		subject := &found.Subjects[i]
		vulnerabilities, err := details.vulnerabilities(subject)
		if err != nil {
			return nil, err
		}
		marked := subjectSuppressor{suppressor: s, list: vulnerabilities}
		for _, n := range subject.Packages {
			w.add(n, report.Resource{Scanned: true, Vulnerabilities: marked.of(&inv.Packages[n])}, subject.FixVersion)
		}
	}
	if o.FullOutput {
		w.addRest(found)
	}
	slices.SortFunc(w.out, func(a, b report.Resource) int {
		return cmp.Or(
			cmp.Compare(a.Resource.Name, b.Resource.Name),
			cmp.Compare(a.Resource.Version, b.Resource.Version),
			cmp.Compare(a.Resource.Arch, b.Resource.Arch),
		)
	})
	return w.out, nil
}

// headersOf tells the packages with only the kernel's headers, whose findings
// are a group of their own; none if the policy wants them to count.
func headersOf(inv *inventory.Inventory, o Options) func(*inventory.Package) bool {
	d, ok := distro.ByID(o.Distros, inv.OS.Distro)
	if !ok || d.Rules.Headers == nil || o.Policy.KernelHeaders {
		return func(*inventory.Package) bool { return false }
	}
	return d.Rules.Headers
}

// resourceWriter makes resources of packages, one each.
type resourceWriter struct {
	inv      *inventory.Inventory
	headers  func(*inventory.Package) bool
	reported []bool // by package
	out      []report.Resource
}

// add completes the resource of the n-th package.
func (w *resourceWriter) add(n int, res report.Resource, fix string) {
	p := &w.inv.Packages[n]
	res.Resource = newPackage(&w.inv.OS, p, fix)
	if w.headers(p) {
		res.Resource.Group = report.GroupKernelHeaders
	}
	w.reported[n] = true
	w.out = append(w.out, res)
}

// addRest adds the packages without findings: those that were compared with
// nothing say so.
func (w *resourceWriter) addRest(found match.Result) {
	for _, f := range found.Foreign {
		for _, n := range f.Packages {
			w.add(n, report.Resource{ScanError: "not assessed: this package is not the distribution's own, but of " + f.Vendor}, "")
		}
	}
	for _, n := range found.UnknownStream {
		w.add(n, report.Resource{ScanError: "not assessed: this package does not say of which stream of its module it is"}, "")
	}
	for n, reported := range w.reported {
		if !reported {
			w.add(n, report.Resource{Scanned: true}, "")
		}
	}
}

func newPackage(os *inventory.OS, p *inventory.Package, fix string) report.Package {
	packageURL := purl(os, p)
	epoch, _ := splitEpoch(p.Format, p.Version)
	return report.Package{
		Format:   string(p.Format),
		Name:     p.Name,
		Version:  p.Version,
		Arch:     p.Arch,
		CPE:      report.CPE(os.Distro, cmp.Or(os.Version, os.Release), p.Name, p.Version),
		License:  p.License,
		NameHash: report.NameHash(p.Name),
		Source:   report.Source{Name: p.SourceName, Version: p.SourceVersion, FixVersion: fix},
		PURL:     packageURL.ToString(),
		Epoch:    epoch,
		Module:   p.Stream(),
		Paths:    []string{p.Path},
	}
}
