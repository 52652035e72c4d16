package redhat

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed/csaf"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// cvePage is where Red Hat describes a vulnerability.
const cvePage = "https://access.redhat.com/security/cve/"

// fact is a statement without the architectures and the products that it is
// made for, which one record lists.
type fact struct {
	release, name, module, fixed string
	kind                         advisory.Kind
	status                       advisory.Status
	severity                     severity.Severity
	everywhere                   bool // for all products of the release
}

// scope is the architectures and the products of a fact.
type scope struct {
	arches, cpes, advisories map[string]bool
}

// records makes the records of a vulnerability, sorted.
func (r *reader) records(distro string, statements []Statement) []advisory.Record {
	facts := map[fact]*scope{}
	for i := range statements {
		s := &statements[i]
		key := fact{s.Release, s.Package, s.Module, s.Fixed, s.Kind, s.Status, s.Severity, len(s.CPEs) == 0}
		at := facts[key]
		if at == nil {
			at = &scope{map[string]bool{}, map[string]bool{}, map[string]bool{}}
			facts[key] = at
		}
		at.add(s)
	}
	base := advisory.Record{
		ID: r.id, Distro: distro, Description: r.description(), URL: r.url(), CVSS: r.cvss(),
		Published: day(cmp.Or(r.vuln.ReleaseDate, r.vuln.DiscoveryDate, r.doc.Meta.Tracking.InitialReleaseDate)),
		Modified:  day(r.doc.Meta.Tracking.CurrentReleaseDate),
	}
	out := make([]advisory.Record, 0, len(facts))
	for _, f := range slices.SortedFunc(maps.Keys(facts), compareFacts) {
		rec := base
		rec.Release, rec.Package, rec.Kind, rec.Module = f.release, f.name, f.kind, f.module
		rec.Status, rec.Fixed, rec.Severity = f.status, f.fixed, f.severity
		rec.Arches, rec.CPEs, rec.Aliases = facts[f].lists()
		out = append(out, rec)
	}
	return out
}

func compareFacts(a, b fact) int {
	return cmp.Or(
		cmp.Compare(a.release, b.release), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name),
		cmp.Compare(a.module, b.module), cmp.Compare(a.status, b.status), cmp.Compare(a.fixed, b.fixed),
		cmp.Compare(a.severity, b.severity), boolToInt(a.everywhere)-boolToInt(b.everywhere),
	)
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *scope) add(from *Statement) {
	s.arches[from.Arch] = true
	for _, cpe := range from.CPEs {
		s.cpes[cpe] = true
	}
	for _, id := range from.Advisories {
		s.advisories[id] = true
	}
}

// lists gives the members of a record. A package for every architecture, or
// without a word on architectures, is not bound to any.
func (s *scope) lists() (arches, cpes, aliases []string) {
	if !s.arches[""] && !s.arches["noarch"] && !s.arches["src"] {
		arches = slices.Sorted(maps.Keys(s.arches))
	}
	return arches, slices.Sorted(maps.Keys(s.cpes)), slices.Sorted(maps.Keys(s.advisories))
}

// description is the vendor's text, or its title where there is none yet.
func (r *reader) description() string {
	for _, category := range []string{"description", "summary"} {
		for _, notes := range [][]csaf.Note{r.vuln.Notes, r.doc.Meta.Notes} {
			for _, note := range notes {
				if note.Category == category && !strings.HasPrefix(note.Text, "No description is available") {
					return strings.ToValidUTF8(note.Text[:min(len(note.Text), advisory.MaxDescription)], "")
				}
			}
		}
	}
	return cmp.Or(r.vuln.Title, r.doc.Meta.Title)
}

func (r *reader) url() string {
	for _, ref := range r.vuln.References {
		if ref.Category == "self" && strings.HasPrefix(ref.URL, "https://") {
			return ref.URL
		}
	}
	if strings.HasPrefix(r.id, "CVE-") {
		return cvePage + r.id
	}
	return ""
}

// cvss is the vendor's score, which is one for all products: the newest version
// that there is. One that is none is reported.
func (r *reader) cvss() *advisory.CVSS {
	for _, pick := range []func(*csaf.Score) *csaf.CVSS{
		func(s *csaf.Score) *csaf.CVSS { return s.CVSSv3 },
		func(s *csaf.Score) *csaf.CVSS { return s.CVSSv2 },
	} {
		for i := range r.vuln.Scores {
			c := pick(&r.vuln.Scores[i])
			if c == nil {
				continue
			}
			score := advisory.CVSS{Version: c.Version, Vector: c.Vector, Score: c.BaseScore, Source: "redhat"}
			if err := score.Validate(); err != nil {
				r.stats.Report(r.where, "%v", err)
				continue
			}
			return &score
		}
	}
	return nil
}
