package scan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

func newReport(inv *inventory.Inventory, found match.Result, database *db.DB, o Options) (*report.Report, error) {
	suppressions, err := newSuppressor(&inv.OS, o.Suppressions, o.Now())
	if err != nil {
		return nil, err
	}
	resources, err := newResources(inv, found, database, suppressions, o)
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
		NotAssessed:    notAssessed(inv, found, problems),
		Assessment:     assessment(inv, problems),
		Notices:        suppressions.notices(inv.Unsupported == "" && !inv.NoPackages, resources),
	}
	if database != nil { // one that does not say when it was built is as old as can be
		at, feed := meta.AsOf()
		if meta.Built.Sub(at) < 24*time.Hour {
			feed = "" // was fetched for that build, or the last before it
		}
		r.DataDate = max(at.Unix(), 0)
		r.Assessment.Database = policy.Age{Age: o.Now().Sub(at), Feed: feed}
		if old := r.Assessment.Database.Old(); old != "" && inv.Unsupported == "" && !inv.NoPackages {
			r.NotAssessed = append(r.NotAssessed, report.NotAssessed{Reason: old})
		}
	}
	r.Judge(o.Policy)
	return r, nil
}

// assessment is what the gate needs to know beside the findings.
func assessment(inv *inventory.Inventory, problems []inventory.Problem) policy.Assessment {
	s := policy.Assessment{Unsupported: inv.Unsupported, EndOfLife: inv.EndOfLife, NoPackages: inv.NoPackages}
	if inv.NoPackages && inv.OS.Path != "" {
		s.Named = fmt.Sprintf("%s names %s", inv.OS.Path, inv.OS.Pretty)
	}
	for _, p := range problems {
		s.Unread = append(s.Unread, problemText(p))
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
	for _, text := range slices.Concat([]string{inv.OS.Note, inv.EndOfLife}, inv.Notes) {
		if text != "" {
			out = append(out, report.NotAssessed{Reason: text})
		}
	}
	out = append(out, foreign(found.Foreign)...)
	if n := len(found.UnknownStream); n > 0 {
		out = append(out, report.NotAssessed{Reason: reasonUnknownStream, Count: n})
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

// maxVendors is how many vendors are named, maxVendor how much of a vendor's
// name, in bytes. Real images have few, with short names.
const (
	maxVendors = 100
	maxVendor  = 200
)

// foreign lists the packages that are not the distribution's own, by vendor.
func foreign(list []match.Foreign) []report.NotAssessed {
	out := make([]report.NotAssessed, 0, min(len(list), maxVendors+1))
	for _, f := range list[:min(len(list), maxVendors)] {
		out = append(out, report.NotAssessed{Reason: reasonForeign + cut(f.Vendor, maxVendor), Count: len(f.Packages)})
	}
	rest := 0
	for _, f := range list[min(len(list), maxVendors):] {
		rest += len(f.Packages)
	}
	if rest > 0 {
		out = append(out, report.NotAssessed{Reason: reasonForeign + fmt.Sprintf("%d other vendors", len(list)-maxVendors), Count: rest})
	}
	return out
}

// cut is at most the first n bytes of a text, and a sign that something is cut off.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}

// Why packages were not compared with advisories.
const (
	reasonForeign       = "packages that are not the distribution's own, of "
	reasonUnknownStream = "packages of a module that do not say of which stream of it"
)

func notAssessedProblem(p inventory.Problem) report.NotAssessed {
	return report.NotAssessed{Path: p.Path, Line: p.Line, Reason: p.Reason}
}

// problemText is a problem in one line.
func problemText(p inventory.Problem) string { return notAssessedProblem(p).String() }
