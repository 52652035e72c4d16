package scan

import (
	"fmt"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// nvdPage is where NVD describes a CVE.
const nvdPage = "https://nvd.nist.gov/vuln/detail/"

// describer adds to findings what the database says of a vulnerability.
type describer struct {
	database *db.DB
	cache    Cache // may be nil
	distro   string
}

// details gives what the database knows of a vulnerability.
func (d describer) details(id string) (details db.Details, err error) {
	if d.cache != nil {
		details, _, err = d.cache.Details(id, d.distro, d.database.Details)
	} else {
		details, _, err = d.database.Details(id, d.distro)
	}
	return details, err
}

// vulnerabilities describes the findings of a subject. All its packages share
// the list.
func (d describer) vulnerabilities(s *match.Subject) ([]report.Vulnerability, error) {
	out := make([]report.Vulnerability, len(s.Findings))
	for i := range s.Findings {
		f := &s.Findings[i]
		details, err := d.details(f.ID)
		if err != nil {
			return nil, fmt.Errorf("read the details of %s: %w", f.ID, err)
		}
		v := &out[i]
		*v = report.Vulnerability{
			Name:             f.ID,
			Description:      details.Description,
			PublishDate:      details.Published,
			ModificationDate: details.Modified,
			VendorURL:        details.URL,
			FixVersion:       f.Fixed,
			Solution:         report.Solution(s.Name, f.Fixed, f.Status == advisory.StatusNeedsPro),
			Severity:         f.Severity,
			SeveritySource:   f.SeveritySource,
			Status:           string(f.Status),
			Aliases:          f.Aliases,

			KnownExploited:     details.Exploited != "",
			KnownExploitedDate: details.Exploited,
		}
		if details.EPSS != nil {
			v.EPSS = *details.EPSS
		}
		if strings.HasPrefix(f.ID, "CVE-") {
			v.NVDURL = nvdPage + f.ID
		}
		if f.SeveritySource == d.distro {
			v.VendorSeverity = f.Severity.String()
		}
		for _, c := range details.CVSS {
			addScore(v, c)
		}
	}
	return out, nil
}

// addScore puts a rating into the fields of its source and version. The first
// of several stays.
func addScore(v *report.Vulnerability, c advisory.CVSS) {
	nvd := strings.HasPrefix(c.Source, "nvd")
	v2 := strings.HasPrefix(c.Version, "2")
	rating := severity.FromCVSS(c.Score)
	if v2 {
		rating = min(rating, severity.High) // version 2 has no critical
	}
	word := rating.String()
	switch {
	case nvd && v2 && v.NVDVectors == "":
		v.NVDScore, v.NVDScoreVersion, v.NVDVectors, v.NVDSeverity = c.Score, "CVSS v2", c.Vector, word
	case nvd && !v2 && v.NVDVectorsV3 == "":
		v.NVDScoreV3, v.NVDVectorsV3, v.NVDSeverityV3 = c.Score, c.Vector, word
	case !nvd && v2 && v.VendorVectors == "":
		v.VendorScore, v.VendorScoreVersion, v.VendorVectors = c.Score, "CVSS v2", c.Vector
	case !nvd && !v2 && v.VendorVectorsV3 == "":
		v.VendorScoreV3, v.VendorVectorsV3, v.VendorSeverityV3 = c.Score, c.Vector, word
	}
}
