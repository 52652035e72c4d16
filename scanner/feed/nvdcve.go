package feed

import (
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// The sources of a metric: the NVD itself, and CISA as Authorized Data
// Publisher (https://www.cve.org/ProgramOrganization/ADPs). All others are the
// authorities that give the ids.
const (
	nvdSource = "nvd@nist.gov"
	adpSource = "134c704f-9b21-4f2e-91b3-4a467353bcc0"
)

// nvdCVE is what is read of a vulnerability.
type nvdCVE struct {
	ID           string `json:"id"`
	Published    string `json:"published"`
	LastModified string `json:"lastModified"`
	Status       string `json:"vulnStatus"`
	Descriptions []struct {
		Lang  string `json:"lang"`
		Value string `json:"value"`
	} `json:"descriptions"`
	Metrics struct {
		V40 []nvdMetric `json:"cvssMetricV40"`
		V31 []nvdMetric `json:"cvssMetricV31"`
		V30 []nvdMetric `json:"cvssMetricV30"`
		V2  []nvdMetric `json:"cvssMetricV2"`
	} `json:"metrics"`
}

type nvdMetric struct {
	Source string `json:"source"`
	Data   struct {
		Version string  `json:"version"`
		Vector  string  `json:"vectorString"`
		Score   float64 `json:"baseScore"`
	} `json:"cvssData"`
}

func (c *nvdCVE) facts() advisory.Facts {
	f := advisory.Facts{ID: c.ID, Published: day(c.Published), Modified: day(c.LastModified)}
	for _, d := range c.Descriptions {
		if d.Lang == "en" && f.Description == "" {
			f.Description = d.Value
		}
	}
	for _, m := range slices.Concat(c.Metrics.V40, c.Metrics.V31, c.Metrics.V30, c.Metrics.V2) {
		f.CVSS = append(f.CVSS, m.rating())
	}
	return f
}

func (m *nvdMetric) rating() advisory.CVSS {
	source := "cna"
	switch m.Source {
	case nvdSource:
		source = "nvd"
	case adpSource:
		source = "adp"
	}
	return advisory.CVSS{
		Version: m.Data.Version, Vector: withoutUndefined(m.Data.Vector), Score: m.Data.Score, Source: source,
	}
}

// withoutUndefined leaves out the metrics of a vector that say that they are
// not defined, of which the NVD writes 21 with each of version 4. A metric that
// is not there says the same (https://www.first.org/cvss/v4-0/specification-document,
// section 7).
func withoutUndefined(vector string) string {
	if !strings.HasPrefix(vector, "CVSS:") {
		return vector
	}
	parts := strings.Split(vector, "/")
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return strings.HasSuffix(p, ":X") }), "/")
}

// day cuts a time off, such as that of 2024-01-31T12:00:00.000.
func day(timestamp string) string {
	date, _, _ := strings.Cut(timestamp, "T")
	return date
}
