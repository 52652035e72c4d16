package scan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/package-url/packageurl-go"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

func newReport(inv *inventory.Inventory, found match.Result, database *db.DB, o Options) (*report.Report, error) {
	resources, err := newResources(inv, found, database, o.FullOutput)
	if err != nil {
		return nil, err
	}
	problems := slices.Concat(inv.Problems, found.Problems)
	var meta db.Meta
	if database != nil {
		meta = database.Meta()
	}
	r := &report.Report{
		OS:             inv.OS.Distro,
		Version:        cmp.Or(inv.OS.Version, inv.OS.Release),
		Resources:      resources,
		PartialResults: len(problems) > 0,
		InitiatingUser: "token",
		SchemaVersion:  report.SchemaVersion,
		Scanner:        o.Scanner,
		Image:          o.Image,
		Database:       newDatabase(meta),
		Policy:         o.Policy.Values(),
		Verdict:        policy.Evaluate(o.Policy, judged(inv, found, problems)),
		NotAssessed:    notAssessed(inv, found, problems),
	}
	if !meta.Built.IsZero() {
		r.DataDate = meta.Built.Unix()
	}
	r.Summarise(o.Policy.FailOn)
	return r, nil
}

// judged is what the gate needs to know.
func judged(inv *inventory.Inventory, found match.Result, problems []inventory.Problem) policy.Scan {
	s := policy.Scan{Unsupported: inv.Unsupported, NoPackages: inv.NoPackages}
	if inv.NoPackages && inv.OS.Path != "" {
		s.Named = fmt.Sprintf("%s names %s", inv.OS.Path, inv.OS.Pretty)
	}
	for _, p := range problems {
		s.Unread = append(s.Unread, problemText(p))
	}
	for _, subject := range found.Subjects {
		for i := range subject.Findings {
			s.Findings = append(s.Findings, policy.Finding{
				Severity: subject.Findings[i].Severity, Fixable: subject.Findings[i].Fixed != "",
			})
		}
	}
	return s
}

func newDatabase(meta db.Meta) report.Database {
	d := report.Database{Digest: meta.Digest, Built: meta.Built, Feeds: []report.Feed{}}
	for _, f := range meta.Feeds {
		d.Feeds = append(d.Feeds, report.Feed{
			Name: f.Name, URL: f.URL, Fetched: f.Fetched, Rows: f.Rows, Digest: f.Digest,
		})
	}
	return d
}

func notAssessed(inv *inventory.Inventory, found match.Result, problems []inventory.Problem) []report.NotAssessed {
	out := []report.NotAssessed{}
	switch {
	case inv.Unsupported != "":
		out = append(out, report.NotAssessed{Reason: inv.Unsupported})
	case inv.NoPackages && inv.OS.Path != "":
		out = append(out, report.NotAssessed{Path: inv.OS.Path, Reason: report.ReasonOnlyNamed + inv.OS.Pretty})
	case inv.NoPackages:
		out = append(out, report.NotAssessed{Reason: report.ReasonNoPackages})
	}
	if inv.OS.Note != "" {
		out = append(out, report.NotAssessed{Reason: inv.OS.Note})
	}
	for _, p := range problems {
		out = append(out, notAssessedProblem(p))
	}
	for _, i := range inv.Ignored {
		out = append(out, report.NotAssessed{Path: i.Path, Reason: i.Reason})
	}
	if found.UnderInvestigation > 0 {
		out = append(out, report.NotAssessed{
			Reason: "advisories that the vendor still investigates", Count: found.UnderInvestigation,
		})
	}
	return out
}

func notAssessedProblem(p inventory.Problem) report.NotAssessed {
	return report.NotAssessed{Path: p.Path, Line: p.Line, Reason: p.Reason}
}

// problemText is a problem in one line.
func problemText(p inventory.Problem) string { return notAssessedProblem(p).String() }

// newResources lists the packages with what was found in their subjects.
func newResources(inv *inventory.Inventory, found match.Result, database *db.DB, full bool) ([]report.Resource, error) {
	out := []report.Resource{}
	reported := make([]bool, len(inv.Packages))
	details := describer{database, inv.OS.Distro}
	for i := range found.Subjects {
		subject := &found.Subjects[i]
		vulnerabilities, err := details.vulnerabilities(subject)
		if err != nil {
			return nil, err
		}
		for _, n := range subject.Packages {
			reported[n] = true
			res := newResource(inv.OS, &inv.Packages[n], subject.FixVersion)
			res.Vulnerabilities = vulnerabilities
			out = append(out, res)
		}
	}
	for n := range inv.Packages {
		if full && !reported[n] {
			out = append(out, newResource(inv.OS, &inv.Packages[n], ""))
		}
	}
	slices.SortFunc(out, func(a, b report.Resource) int {
		return cmp.Or(
			cmp.Compare(a.Resource.Name, b.Resource.Name),
			cmp.Compare(a.Resource.Version, b.Resource.Version),
			cmp.Compare(a.Resource.Arch, b.Resource.Arch),
		)
	})
	return out, nil
}

func newResource(os inventory.OS, p *inventory.Package, fix string) report.Resource {
	return report.Resource{
		Scanned: true,
		Resource: report.Package{
			Format:   string(p.Format),
			Name:     p.Name,
			Version:  p.Version,
			Arch:     p.Arch,
			CPE:      report.CPE(os.Distro, cmp.Or(os.Version, os.Release), p.Name, p.Version),
			License:  p.License,
			NameHash: report.NameHash(p.Name),
			Source:   report.Source{Name: p.SourceName, Version: p.SourceVersion, FixVersion: fix},
			PURL:     purl(os, p),
			Paths:    []string{p.Path},
		},
	}
}

// purl is the package's URL (https://github.com/package-url/purl-spec):
// "pkg:deb/debian/apt@2.6.1?arch=amd64&distro=debian-12".
func purl(os inventory.OS, p *inventory.Package) string {
	qualifiers := packageurl.Qualifiers{{Key: "distro", Value: fmt.Sprintf("%s-%s", os.Distro, cmp.Or(os.Version, os.Release))}}
	if p.Arch != "" {
		qualifiers = append(qualifiers, packageurl.Qualifier{Key: "arch", Value: p.Arch})
	}
	return packageurl.NewPackageURL(string(p.Format), os.Distro, p.Name, p.Version, qualifiers, "").ToString()
}
