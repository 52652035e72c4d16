// Package report is the result of a scan: MicroScanner's JSON report, extended,
// and what is read out of it. A file holds a writer.
//
// The names and the order of the keys up to function_metadata are those that
// programs which drive MicroScanner look for; the keys behind it are ours.
package report

import (
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// SchemaVersion is the version of the report's schema: a new first number
// breaks readers, a new second one adds keys.
const SchemaVersion = "1.2"

// Report is the result of one scan of one rootfs.
type Report struct {
	ScanStarted          Timestamp            `json:"scan_started"`
	ScanDuration         int64                `json:"scan_duration"` // whole seconds
	Digest               string               `json:"digest"`        // of the image; empty if not known
	OS                   string               `json:"os"`            // "debian"; empty if there is none
	Version              string               `json:"version"`       // "12", "3.20.3", "sid"
	Resources            []Resource           `json:"resources"`
	ImageAssurance       ImageAssurance       `json:"image_assurance_results"`
	VulnerabilitySummary VulnerabilitySummary `json:"vulnerability_summary"`
	ScanOptions          struct{}             `json:"scan_options"`
	PartialResults       bool                 `json:"partial_results,omitempty"`
	InitiatingUser       string               `json:"initiating_user"`
	DataDate             int64                `json:"data_date"` // of the advisory data, Unix seconds; 0 if unknown
	ChangedResult        bool                 `json:"changed_result"`
	FunctionMetadata     struct{}             `json:"function_metadata"`

	SchemaVersion string                  `json:"schema_version"`
	Scanner       string                  `json:"scanner"` // program and version
	Image         Image                   `json:"image"`
	Database      Database                `json:"database"`
	Policy        map[string]policy.Value `json:"policy"` // by setting
	Verdict       policy.Verdict          `json:"verdict"`
	NotAssessed   []NotAssessed           `json:"not_assessed"`
	// Assessment is what the verdict rests on beside the findings.
	Assessment policy.Assessment `json:"assessment"`
	// Notices are what people should know soon, a sentence each: that an entry
	// of the ignore list expires, or that none needs it any more.
	Notices []string `json:"notices,omitempty"`
	// Advice is what would repair the findings, by instruction of the
	// Dockerfile, those with the worst findings first.
	Advice []Advice `json:"advice,omitempty"`
}

// Advice is what would repair findings of the packages that one instruction
// brought. It says no more than the advisories do.
type Advice struct {
	File        string `json:"file,omitempty"`
	Line        int    `json:"line,omitempty"`        // 1-based; 0 if no instruction is known
	Instruction string `json:"instruction,omitempty"` // as in IntroducedBy
	// Text is a sentence for people.
	Text string `json:"text"`
	// Command is one line of shell that does it, made for pasting; empty if
	// there is none.
	Command  string   `json:"command,omitempty"`
	Packages []string `json:"packages"` // names, sorted
	Fixes    int      `json:"fixes"`    // findings that are gone then
	Of       int      `json:"of"`       // findings of the instruction's packages
}

// IntroducedBy is the instruction that brought a package, in the version that
// is installed, into the rootfs.
type IntroducedBy struct {
	File        string `json:"file,omitempty"` // the Dockerfile's name in the build
	Line        int    `json:"line,omitempty"` // 1-based; 0 if not known
	EndLine     int    `json:"end_line,omitempty"`
	Instruction string `json:"instruction,omitempty"` // its text, cut to maxInstruction bytes
	// Stage is the name or number of the build stage that the instruction is in.
	Stage string `json:"stage,omitempty"`
	// FromStage is the stage or image that a COPY --from took the package from.
	FromStage string `json:"from_stage,omitempty"`
	// Base says that the package came with the base image; the instruction is
	// then its FROM.
	Base bool `json:"base,omitempty"`
	// BaseImage and BaseDigest are those of the base image of the stage.
	BaseImage  string `json:"base_image,omitempty"`
	BaseDigest string `json:"base_digest,omitempty"` // "sha256:…"; empty if not known
}

// Suppressed says who decided that a finding does not count, and why.
type Suppressed struct {
	By     string `json:"by"` // SuppressedByIgnore or SuppressedByVEX
	Reason string `json:"reason"`
	// Expires is the first day on which it counts again, YYYY-MM-DD; empty if it
	// never does.
	Expires string `json:"expires,omitempty"`
	// Status and Justification are those of the VEX statement: "not_affected",
	// "vulnerable_code_not_present".
	Status        string `json:"status,omitempty"`
	Justification string `json:"justification,omitempty"`
	// Source is the file that says so, and the author if it names one.
	Source string `json:"source,omitempty"`
	Author string `json:"author,omitempty"`
}

// Who can suppress a finding.
const (
	SuppressedByIgnore = policy.SuppressedByIgnore
	SuppressedByVEX    = policy.SuppressedByVEX
)

// Timestamp is a point in time, in the form of a protobuf timestamp.
type Timestamp struct {
	Seconds int64 `json:"seconds"` // since 1970
	Nanos   int32 `json:"nanos"`
}

// TimestampOf converts a time.
func TimestampOf(t time.Time) Timestamp {
	return Timestamp{t.Unix(), int32(t.Nanosecond())} //nolint:gosec // nanoseconds are below 1e9
}

// Image says what was scanned, as far as the caller told.
type Image struct {
	Reference string `json:"reference,omitempty"`
	Platform  string `json:"platform,omitempty"` // "linux/arm64"
	Target    string `json:"target,omitempty"`   // build stage that was asked for
	// Stage is the build stage that the rootfs is the result of, where it is not
	// that of the image; see the setting stages.
	Stage  string `json:"stage,omitempty"`
	Digest string `json:"digest,omitempty"` // of the image's manifest, "sha256:…"
}

// Database identifies the advisory data.
type Database struct {
	Digest string    `json:"digest"` // "sha256:…"; empty if no database was opened
	Built  time.Time `json:"built,omitzero"`
	Feeds  []Feed    `json:"feeds"`
}

// Feed is one source of the advisory data.
type Feed struct {
	Name    string    `json:"name"`
	URL     string    `json:"url,omitempty"`
	Fetched time.Time `json:"fetched,omitzero"`
	Rows    int       `json:"rows"`
	Digest  string    `json:"digest,omitempty"`
}

// ReasonNoPackages is the reason of NotAssessed for a rootfs that has neither
// an operating system nor packages.
const ReasonNoPackages = "the image has no package database"

// ReasonOnlyNamed starts the reason of NotAssessed for a rootfs without packages
// in which a lone file such as etc/debian_version, the Path, names an operating
// system. The name follows.
const ReasonOnlyNamed = "there is no package database, but this file names "

// NotAssessed is something that the scan saw and says nothing about.
type NotAssessed struct {
	Path   string `json:"path,omitempty"` // inside the rootfs
	Line   int    `json:"line,omitempty"` // 1-based
	Reason string `json:"reason"`
	Count  int    `json:"count,omitempty"` // of packages or advisories meant, if more than the path says
}

// Resource is one installed package with its vulnerabilities.
type Resource struct {
	Resource        Package         `json:"resource"`
	Scanned         bool            `json:"scanned,omitempty"`
	ScanError       string          `json:"scan_error,omitempty"` // why Scanned is false
	Vulnerabilities []Vulnerability `json:"vulnerabilities,omitempty"`
}

// Package is one installed package.
type Package struct {
	Format   string   `json:"format"` // "deb", "apk", "rpm"
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Arch     string   `json:"arch"`
	CPE      string   `json:"cpe"` // see CPE
	License  string   `json:"license,omitempty"`
	NameHash string   `json:"name_hash"` // see NameHash
	Source   Source   `json:"source"`
	PURL     string   `json:"purl"`
	Epoch    string   `json:"epoch,omitempty"`  // of Version, which begins with it
	Module   string   `json:"module,omitempty"` // "nodejs:18"
	Paths    []string `json:"paths"`            // of its package database, inside the rootfs
	Group    Group    `json:"group,omitempty"`
}

// Source is the source package that a package was built from. Advisories speak
// of it, and their versions are its versions.
type Source struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// FixVersion is the first version in which every vulnerability that has a
	// fix is fixed; empty if none has one.
	FixVersion string `json:"fix_version,omitempty"`
}

// Vulnerability is one vulnerability of a package.
type Vulnerability struct {
	Name             string `json:"name"` // "CVE-2024-0001"
	Description      string `json:"description,omitempty"`
	PublishDate      string `json:"publish_date,omitempty"`      // YYYY-MM-DD
	ModificationDate string `json:"modification_date,omitempty"` // YYYY-MM-DD

	NVDScore        float64 `json:"nvd_score,omitempty"`
	NVDScoreVersion string  `json:"nvd_score_version,omitempty"` // "CVSS v2"
	NVDVectors      string  `json:"nvd_vectors,omitempty"`
	NVDSeverity     string  `json:"nvd_severity,omitempty"`
	NVDURL          string  `json:"nvd_url,omitempty"`

	VendorScore        float64 `json:"vendor_score,omitempty"`
	VendorScoreVersion string  `json:"vendor_score_version,omitempty"`
	VendorVectors      string  `json:"vendor_vectors,omitempty"`
	VendorSeverity     string  `json:"vendor_severity,omitempty"`
	VendorStatement    string  `json:"vendor_statement,omitempty"`
	VendorURL          string  `json:"vendor_url,omitempty"`

	NVDScoreV3       float64 `json:"nvd_score_v3,omitempty"`
	NVDVectorsV3     string  `json:"nvd_vectors_v3,omitempty"`
	NVDSeverityV3    string  `json:"nvd_severity_v3,omitempty"`
	VendorScoreV3    float64 `json:"vendor_score_v3,omitempty"`
	VendorVectorsV3  string  `json:"vendor_vectors_v3,omitempty"`
	VendorSeverityV3 string  `json:"vendor_severity_v3,omitempty"`

	// FixVersion is the first version without it: of the source package, or of
	// the package itself where advisories speak of those, as rpm's do. Status says
	// who gets it.
	FixVersion     string `json:"fix_version,omitempty"`
	Solution       string `json:"solution,omitempty"` // see Solution
	Classification string `json:"classification,omitempty"`

	Severity       severity.Severity `json:"severity"`                  // the one that the gate uses
	SeveritySource string            `json:"severity_source,omitempty"` // who gave it
	Status         string            `json:"status"`                    // as in an advisory record
	Aliases        []string          `json:"aliases,omitempty"`

	// KnownExploited says that CISA lists it among the vulnerabilities that are
	// used in attacks; since the day KnownExploitedDate, YYYY-MM-DD.
	KnownExploited     bool          `json:"known_exploited,omitempty"`
	KnownExploitedDate string        `json:"known_exploited_date,omitempty"`
	EPSS               advisory.EPSS `json:"epss,omitzero"`

	IntroducedBy *IntroducedBy `json:"introduced_by,omitempty"` // nil if not known
	Suppressed   *Suppressed   `json:"suppressed,omitempty"`    // nil if it counts
}

// fixable reports whether everybody can install a version without the
// vulnerability: a fix for subscribers only is none.
func (v *Vulnerability) fixable() bool {
	return v.FixVersion != "" && v.Status != string(advisory.StatusNeedsPro)
}

// Score is the CVSS base score that was given for the vulnerability, the
// vendor's before NVD's and version 3 or later before version 2; 0 if none was.
func (v *Vulnerability) Score() float64 {
	for _, s := range []float64{v.VendorScoreV3, v.VendorScore, v.NVDScoreV3, v.NVDScore} {
		if s > 0 {
			return s
		}
	}
	return 0
}

// ImageAssurance is the gate's answer in MicroScanner's terms.
type ImageAssurance struct {
	ChecksPerformed []Check `json:"checks_performed"`
}

// Check is one rule of the gate.
type Check struct {
	PolicyID               int    `json:"policy_id"`
	PolicyName             string `json:"policy_name"`
	Control                string `json:"control"`
	MaximumSeverityAllowed string `json:"maximum_severity_allowed"` // the setting fail-on
	Failed                 bool   `json:"failed,omitempty"`
	MaximumSeverityFound   string `json:"maximum_severity_found,omitempty"` // set if Failed
}

// VulnerabilitySummary counts findings as MicroScanner did: Total leaves out
// negligible ones, High includes critical ones, Negligible unrated ones.
type VulnerabilitySummary struct {
	Total              int     `json:"total"`
	High               int     `json:"high"`
	Medium             int     `json:"medium"`
	Low                int     `json:"low"`
	Negligible         int     `json:"negligible"`
	Sensitive          int     `json:"sensitive"`
	Malware            int     `json:"malware"`
	ScoreAverage       float64 `json:"score_average,omitempty"`
	MaxScore           float64 `json:"max_score,omitempty"`
	MaxFixableScore    float64 `json:"max_fixable_score,omitempty"`
	MaxFixableSeverity string  `json:"max_fixable_severity,omitempty"`
}
