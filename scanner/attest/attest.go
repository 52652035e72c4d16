// Package attest turns a report into the predicate of an in-toto statement, and
// reads it back. It sees reports and nothing else: the same report gives the same
// bytes.
//
// The predicate is the one for vulnerabilities
// (https://github.com/in-toto/attestation/blob/main/spec/predicates/vulns_02.md).
// What that has no field for stands in its annotations, which are for additional
// information of scanners, and in an extension field, whose name is a type URI, as
// the framework's parsing rules allow
// (https://github.com/in-toto/attestation/blob/main/spec/v1/README.md#parsing-rules).
package attest

import (
	"time"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// PredicateType is the type of the predicate, in its newest version.
const PredicateType = "https://in-toto.io/attestation/vulns/v0.2"

// ExtensionType names the extension field, and with it its version.
const ExtensionType = "https://github.com/example/microscanner-frontend/attestation/scan/v1"

// SourceURI stands for the scanner where nobody knows which image it ran from.
const SourceURI = "https://github.com/example/microscanner-frontend"

// MaxSize is the size in bytes above which a predicate is neither written nor
// read. A message of BuildKit's holds 16 MiB, and the predicate goes in one.
const MaxSize = 15 << 20

// methodGate is the method of the severity that the gate uses. Others stand
// behind it.
const methodGate = "microscanner"

// Scanner says which program made the report.
type Scanner struct {
	URI     string // a package URL of its image, or SourceURI
	Version string
	Digest  string // of its image, "sha256:…"; empty if not known
}

// Scan is what a predicate says of the scan of one image.
type Scan struct {
	Scanner  Scanner
	Started  time.Time
	Finished time.Time
	// Data is the date of the oldest part of the advisory data; zero for a scan
	// without any, and for data that do not say.
	Data     time.Time
	Findings []Finding
	Extension
}

// Extension is the extension field: what the predicate has no field for.
type Extension struct {
	ScannerDigest string          `json:"scanner_digest,omitempty"`
	OS            string          `json:"os"`
	Version       string          `json:"version"`
	Image         report.Image    `json:"image"`
	Database      report.Database `json:"database"`
	Policy        Policy          `json:"policy"`
	Verdict       policy.Verdict  `json:"verdict"`
	// Assessment is what the verdict rests on beside the findings.
	Assessment  policy.Assessment    `json:"assessment"`
	NotAssessed []report.NotAssessed `json:"not_assessed"`
}

// Policy is the settings that were in force.
type Policy struct {
	// Digest is the SHA-256, "sha256:…", of the JSON object, without blanks and
	// with sorted keys, of all values by setting, and of Suppressions with the key
	// "suppressions" if there are some. Where a value came from is not part of it.
	Digest   string                  `json:"digest"`
	Settings map[string]policy.Value `json:"settings"` // by key
	// Suppressions is the digest of the list of findings that did not count;
	// empty if there was none.
	Suppressions string `json:"suppressions,omitempty"`
}

// Finding is one vulnerability of one source package.
type Finding struct {
	ID         string
	Severity   severity.Severity // the one that the gate uses
	Annotation                   // what the predicate has no field for
}

// Annotation is the annotation of a finding.
type Annotation struct {
	Package        string   `json:"package"` // the source package
	PackageVersion string   `json:"package_version"`
	Binaries       []string `json:"binaries"`
	Status         string   `json:"status"`
	FixedVersion   string   `json:"fixed_version,omitempty"`
	// Fixable says that everybody can install a version without it.
	Fixable        bool   `json:"fixable"`
	KernelHeaders  bool   `json:"kernel_headers,omitempty"` // see policy.Finding
	Origin         Origin `json:"origin,omitempty"`
	SeveritySource string `json:"severity_source,omitempty"`
	KnownExploited bool   `json:"known_exploited,omitempty"`

	IntroducedBy *report.IntroducedBy `json:"introduced_by,omitempty"`
	Suppressed   *report.Suppressed   `json:"suppressed,omitempty"`
}

// Origin says which part of a Dockerfile's result a package belongs to.
type Origin string

// The origins; without one, nobody knows.
const (
	Base  Origin = "base"  // it came with the base image
	Added Origin = "added" // the Dockerfile added it
)

// Judge judges the findings by a policy at a time: a database gets older after
// the scan, and entries of an ignore list expire. With trust false, nothing that
// the build suppressed is.
func (s *Scan) Judge(p policy.Policy, now time.Time, trust bool) policy.Verdict {
	in := policy.Scan{Assessment: s.Assessment}
	if !s.Data.IsZero() {
		in.Database.Age = now.Sub(s.Data)
	}
	for i := range s.Findings {
		in.Findings = append(in.Findings, s.Findings[i].judged(now, trust))
	}
	return policy.Evaluate(p, in)
}

func (f *Finding) judged(now time.Time, trust bool) policy.Finding {
	suppressed := trust && f.Suppressed != nil &&
		(f.Suppressed.Expires == "" || now.UTC().Format(time.DateOnly) < f.Suppressed.Expires)
	return policy.Finding{
		Severity: f.Severity, Fixable: f.Fixable, Headers: f.KernelHeaders, Suppressed: suppressed,
		Base: f.Origin == Base, Added: f.Origin == Added,
	}
}
