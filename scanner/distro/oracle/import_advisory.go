package oracle

import (
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed/oval"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// vulnerability is a CVE that an advisory fixes.
type vulnerability struct {
	id, url   string
	published string // YYYY-MM-DD, empty if it is not stated
	cvss      *advisory.CVSS
}

// vulnerabilities are the CVEs that an advisory refers to, with what its list
// of them says besides.
func vulnerabilities(d *oval.Definition) []vulnerability {
	var out []vulnerability
	add := func(id, url string) *vulnerability {
		id = advisory.NormalizeID(id)
		if _, _, ok := advisory.SplitCVE(id); !ok {
			return &vulnerability{} // Not in the list.
		}
		for n := range out {
			if out[n].id == id {
				return &out[n]
			}
		}
		out = append(out, vulnerability{id: id, url: oval.Page(url)})
		return &out[len(out)-1]
	}
	for _, ref := range d.References {
		if strings.EqualFold(ref.Source, "CVE") {
			add(ref.ID, ref.URL)
		}
	}
	for _, cve := range d.CVEs {
		v := add(cve.Text, cve.Attr["href"])
		v.cvss = cve.Score(ID)
		if day, err := time.Parse("20060102", cve.Attr["public"]); err == nil {
			v.published = day.Format(time.DateOnly)
		}
	}
	return out
}

// nameOf is the id of the advisory, "ELSA-2007-0057"; empty if there is none.
func nameOf(d *oval.Definition) string {
	for _, ref := range d.References {
		if strings.EqualFold(ref.Source, "elsa") && ref.ID != "" {
			return ref.ID
		}
	}
	name, _, _ := strings.Cut(d.Title, ":")
	if slices.ContainsFunc([]string{"ELSA-", "ELBA-", "ELEA-"}, func(s string) bool { return strings.HasPrefix(name, s) }) {
		return name
	}
	return ""
}

// ratingOf is the advisory's severity, from its own element or from the end of
// its title, "(MODERATE)". The word "N/A" is none.
func ratingOf(d *oval.Definition) severity.Severity {
	word := d.Severity
	if word == "" {
		title := strings.TrimSuffix(d.Title, ")")
		word = title[strings.LastIndexByte(title, '(')+1:]
	}
	switch strings.ToUpper(word) {
	case "LOW":
		return severity.Low
	case "MODERATE":
		return severity.Medium
	case "IMPORTANT":
		return severity.High
	case "CRITICAL":
		return severity.Critical
	}
	return severity.Unknown
}
