package html

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
)

// maxLead is the size in bytes of the start of a description that is shown
// before somebody asks for the rest.
const maxLead = 150

// finding is a finding as the template finding.html shows it.
type finding struct {
	ID, Link, Severity      string
	Fails, Exploited        bool
	Package, Binaries       string // Binaries is empty if there is one of the same name
	Installed, Fixed, State string // Fixed is empty if there is no fix; State says why, or for whom it is
	CVSS, EPSS              string
	Suppressed              string
	Lead, Description       string // Description is empty if Lead is all of it
	Facts                   []fact
	Links                   []string
}

func newFinding(f *report.Finding, fails bool) finding {
	d := f.Details
	v := finding{
		ID: render.Line(f.ID), Severity: f.Severity.String(), Fails: fails, Exploited: d.KnownExploited,
		Package: render.Line(f.Source.Name), Binaries: render.Line(render.Installed(f)),
		Installed: render.Line(f.Source.Version), Fixed: render.Line(f.Fixed), State: state(f),
	}
	if v.Binaries == v.Package {
		v.Binaries = ""
	}
	if s := d.Score(); s > 0 {
		v.CVSS = score(s)
	}
	if d.EPSS.Score > 0 {
		v.EPSS = percent(d.EPSS.Score)
	}
	if f.Suppressed != nil {
		v.Suppressed = suppression(f.Suppressed)
	}
	v.Lead, v.Description = lead(d.Description)
	v.Facts = newDetails(f)
	for _, address := range []string{d.VendorURL, d.NVDURL} {
		if link := render.Link(address); link != "" {
			v.Links = append(v.Links, link)
		}
	}
	if len(v.Links) > 0 {
		v.Link = v.Links[0]
	}
	return v
}

// state is what the vendor says of a fix, where a version does not say it all.
func state(f *report.Finding) string {
	switch advisory.Status(f.Status) {
	case advisory.StatusNeedsPro:
		return "with Ubuntu Pro"
	case advisory.StatusAffected, "":
		if f.Fixed == "" {
			return "no fix yet"
		}
		return ""
	case advisory.StatusFixed:
		return ""
	}
	return render.Line(strings.ReplaceAll(f.Status, "-", " "))
}

// suppression says who decided that a finding does not count, until when, and
// why.
func suppression(s *report.Suppressed) string {
	by := map[string]string{report.SuppressedByIgnore: "Ignored", report.SuppressedByVEX: "By VEX"}[s.By]
	if by == "" {
		by = "By " + s.By
	}
	if s.Source != "" {
		by += ", " + s.Source
	}
	if s.Author != "" {
		by += " of " + s.Author
	}
	until := ", without an end"
	if s.Expires != "" {
		until = ", until " + s.Expires
	}
	words := strings.ReplaceAll(strings.Trim(s.Status+", "+s.Justification, ", "), "_", " ")
	if words != "" {
		words += ": "
	}
	return render.Line(by + until + ": " + words + s.Reason)
}

// lead is the start of a description, and all of it if that is more.
func lead(description string) (start, all string) {
	all = strings.TrimSpace(render.Text(description, render.MaxText))
	start, _, more := strings.Cut(all, "\n")
	start = strings.TrimSpace(start)
	if len(start) > maxLead {
		start, more = render.Cut(start, maxLead), true
	}
	if !more {
		all = ""
	}
	if start == "" {
		start = "Details"
	}
	return start, all
}

// newDetails is what is known of a finding beside what its row says.
func newDetails(f *report.Finding) []fact {
	d := f.Details
	facts := make([]fact, 0, 8)
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, fact{Name: name, Value: render.Line(value)})
		}
	}
	add("Solution", d.Solution)
	add("Severity given by", d.SeveritySource)
	if d.VendorScoreV3 > 0 {
		add("CVSS of the vendor", score(d.VendorScoreV3)+" "+d.VendorVectorsV3)
	}
	if d.NVDScoreV3 > 0 {
		add("CVSS of NVD", score(d.NVDScoreV3)+" "+d.NVDVectorsV3)
	}
	if d.EPSS.Score > 0 {
		add("EPSS", fmt.Sprintf("%s likely to be exploited within 30 days; more than %s of all (%s)", percent(d.EPSS.Score), percent(d.EPSS.Percentile), d.EPSS.Date))
	}
	if d.KnownExploited {
		add("Known to be exploited", strings.TrimSpace("since "+d.KnownExploitedDate))
	}
	add("Also known as", strings.Join(d.Aliases, ", "))
	add("Published", dates(d))
	return facts
}

// dates is when a vulnerability was published, and changed.
func dates(d *report.Vulnerability) string {
	if d.ModificationDate == "" || d.ModificationDate == d.PublishDate {
		return d.PublishDate
	}
	return strings.TrimPrefix(d.PublishDate+", changed "+d.ModificationDate, ", ")
}

func score(s float64) string { return strconv.FormatFloat(s, 'f', 1, 64) }

// percent is a share in percent, with as many places as say something.
func percent(share float64) string {
	places := 0
	if share < 0.01 {
		places = 2
	}
	return strconv.FormatFloat(share*100, 'f', places, 64) + "%"
}
