package html

import (
	"cmp"
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
	ID, Link         string // Link may be empty
	Severity         string
	Fails, Exploited bool
	Fixed, State     string // Fixed is empty if there is no fix; State says why, or for whom it is
	Risk             string
	Suppressed       string
	// Lead is the start of the description. Text is all of it if that is more,
	// and a line for each thing that is known beside.
	Lead, Text string
}

func newFinding(f *report.Finding, fails bool) finding {
	d := f.Details
	v := finding{
		ID: render.Line(f.ID), Severity: f.Severity.String(), Fails: fails, Exploited: d.KnownExploited,
		Fixed: render.Line(f.Fixed), State: state(f), Risk: risk(d),
		Link: render.Link(d.VendorURL),
	}
	if v.Link == "" {
		v.Link = render.Link(d.NVDURL)
	}
	if f.Suppressed != nil {
		v.Suppressed = suppression(f.Suppressed)
	}
	var all string
	v.Lead, all = lead(d.Description)
	v.Text = strings.TrimPrefix(all+"\n\n"+facts(f), "\n\n")
	return v
}

// risk is the numbers that people compare.
func risk(d *report.Vulnerability) string {
	var parts []string
	if s := d.Score(); s > 0 {
		parts = append(parts, "CVSS "+score(s))
	}
	if d.EPSS.Score > 0 {
		parts = append(parts, "EPSS "+percent(d.EPSS.Score))
	}
	return strings.Join(parts, " · ")
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

// facts is what is known of a finding beside what its row says.
func facts(f *report.Finding) string {
	d := f.Details
	var b strings.Builder
	add := func(name, value string) {
		if value == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(name)
		b.WriteString(": ")
		b.WriteString(render.Line(value))
	}
	add("Installed packages", render.Installed(f))
	add("Severity given by", d.SeveritySource)
	add("CVSS of the vendor", cvss(d.VendorScoreV3, d.VendorVectorsV3))
	add("CVSS of NVD", cvss(d.NVDScoreV3, d.NVDVectorsV3))
	if e := d.EPSS; e.Score > 0 {
		add("EPSS", percent(e.Score)+" likely to be exploited within 30 days, more than "+percent(e.Percentile)+" of all; of "+e.Date)
	}
	if d.KnownExploited {
		add("Known to be exploited", cmp.Or(d.KnownExploitedDate, "yes"))
	}
	add("Also known as", strings.Join(d.Aliases, ", "))
	add("NVD", d.NVDURL)
	add("Published", d.PublishDate)
	add("Changed", d.ModificationDate)
	add("Statement of the vendor", d.VendorStatement)
	return b.String()
}

func cvss(s float64, vector string) string {
	if s == 0 {
		return ""
	}
	return score(s) + " " + vector
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
