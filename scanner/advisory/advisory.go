// Package advisory holds the record that every vendor's feed is turned into:
// one statement about one vulnerability in one package of one release.
package advisory

import "github.com/example/microscanner-frontend/scanner/severity"

// Kind says which name of a package an advisory speaks of.
type Kind string

const (
	// Source is a dpkg source package or an apk origin.
	Source Kind = "source"
	// Binary is a package as installed, as rpm advisories name them.
	Binary Kind = "binary"
)

// Status is what the vendor says of the package in the release.
type Status string

// The statuses of a record. A package is vulnerable below Record.Fixed with
// StatusFixed and StatusNeedsPro; at any version with StatusAffected,
// StatusDeferred, StatusWillNotFix and StatusEndOfLife; and not at all with
// StatusNotAffected. StatusUnderInvestigation decides nothing.
const (
	StatusFixed              Status = "fixed"
	StatusAffected           Status = "affected"
	StatusDeferred           Status = "deferred"
	StatusWillNotFix         Status = "will-not-fix"
	StatusEndOfLife          Status = "end-of-life"
	StatusNeedsPro           Status = "needs-pro"
	StatusUnderInvestigation Status = "under-investigation"
	StatusNotAffected        Status = "not-affected"
)

// CVSS is one rating by the Common Vulnerability Scoring System.
type CVSS struct {
	Version string  `json:"version,omitempty"` // "2.0", "3.0", "3.1", "4.0"
	Vector  string  `json:"vector,omitempty"`
	Score   float64 `json:"score"` // 0.0 to 10.0
	Source  string  `json:"source,omitempty"`
}

// Record is one advisory statement, as read from and written to JSON Lines.
type Record struct {
	ID      string `json:"id"`      // CVE-…, else the vendor's id
	Distro  string `json:"distro"`  // "debian", "alpine", …
	Release string `json:"release"` // "12", "sid", "3.20", "edge"; empty for rolling distributions
	Package string `json:"package"`
	Kind    Kind   `json:"kind"`
	Status  Status `json:"status"`
	// Fixed is the first fixed version, with epoch; set with StatusFixed and
	// StatusNeedsPro only.
	Fixed string `json:"fixed,omitempty"`
	// Severity is the vendor's own rating; Unknown if the vendor gives none.
	Severity severity.Severity `json:"severity,omitzero"`

	Arches      []string `json:"arches,omitempty"`
	Module      string   `json:"module,omitempty"` // "name:stream"
	CPEs        []string `json:"cpes,omitempty"`
	Aliases     []string `json:"aliases,omitempty"`
	Published   string   `json:"published,omitempty"` // YYYY-MM-DD
	Modified    string   `json:"modified,omitempty"`  // YYYY-MM-DD
	Description string   `json:"description,omitempty"`
	URL         string   `json:"url,omitempty"`
	CVSS        *CVSS    `json:"cvss,omitempty"`
}

// Facts are what holds for a vulnerability everywhere, from a feed that is no
// distribution's. Only ID must be set.
type Facts struct {
	ID          string
	CVSS        []CVSS
	Description string
	Published   string // YYYY-MM-DD
	Modified    string // YYYY-MM-DD
	// Exploited is the day on which CISA added the vulnerability to its
	// catalogue of known exploited ones, YYYY-MM-DD.
	Exploited string
	EPSS      *EPSS
}

// EPSS is a vulnerability's rating in the Exploit Prediction Scoring System
// (https://www.first.org/epss/).
type EPSS struct {
	Score      float64 `json:"score"`      // probability of exploitation in the next 30 days, 0 to 1
	Percentile float64 `json:"percentile"` // share of vulnerabilities with this score or less, 0 to 1
	Date       string  `json:"date,omitempty"`
}
