package policy

import (
	"fmt"
	"strings"

	"github.com/example/microscanner-frontend/scanner/severity"
)

// Exit codes of every command that gates.
const (
	ExitPass  = 0
	ExitError = 1 // the scan could not be done, or not completely
	ExitUsage = 2
	ExitGate  = 4 // findings at or above the threshold
)

// Finding is what the gate needs to know of one vulnerability in one source package.
type Finding struct {
	Severity severity.Severity
	Fixable  bool // a version without the vulnerability exists, for everybody
	// Headers says that only packages with the kernel's headers have it.
	Headers bool
	// Base says that the package came with the base image, as it is; Added, that
	// an instruction of the Dockerfile brought it. With neither, nobody knows.
	Base, Added bool
	// Suppressed says that somebody decided that it does not count.
	Suppressed bool
}

// Scan is what the gate judges.
type Scan struct {
	Findings []Finding
	Assessment
}

// Assessment is what a scan knows of its own completeness: everything beside
// the findings that a verdict rests on.
type Assessment struct {
	// Unsupported says why nothing is known of the operating system; empty if
	// it is supported.
	Unsupported string `json:"unsupported,omitempty"`
	// EndOfLife says that the release gets no advisories any more; empty if it
	// does.
	EndOfLife string `json:"end_of_life,omitempty"`
	// NoPackages says that the rootfs has neither an operating system nor a
	// package database. Named is a release file that names one nevertheless, and
	// what it names; mostly empty.
	NoPackages bool   `json:"no_packages,omitempty"`
	Named      string `json:"named,omitempty"`
	// Unread says what could not be read, one text a part.
	Unread []string `json:"unread,omitempty"`
	// Database is the age of the advisory database.
	Database Age `json:"database_age,omitzero"`
}

// Counts is a number of findings for each severity.
type Counts struct {
	Critical   int `json:"critical"`
	High       int `json:"high"`
	Medium     int `json:"medium"`
	Low        int `json:"low"`
	Negligible int `json:"negligible"`
	Unknown    int `json:"unknown"`
}

// Add counts one more finding of severity s.
func (c *Counts) Add(s severity.Severity) { *c.of(s)++ }

// Of is the number of findings of severity s.
func (c Counts) Of(s severity.Severity) int { return *c.of(s) }

func (c *Counts) of(s severity.Severity) *int {
	switch s {
	case severity.Critical:
		return &c.Critical
	case severity.High:
		return &c.High
	case severity.Medium:
		return &c.Medium
	case severity.Low:
		return &c.Low
	case severity.Negligible:
		return &c.Negligible
	}
	return &c.Unknown
}

// Total is the number of all findings.
func (c Counts) Total() int {
	return c.Critical + c.High + c.Medium + c.Low + c.Negligible + c.Unknown
}

// String names the numbers that are not zero, worst first: "2 high, 1 medium".
func (c Counts) String() string {
	var parts []string
	for _, s := range severity.All() {
		if n := c.Of(s); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(parts, ", ")
}

// Verdict is the gate's answer.
type Verdict struct {
	Pass     bool   `json:"pass"`
	ExitCode int    `json:"exit_code"` // ExitPass, ExitError or ExitGate
	Reason   string `json:"reason"`    // one sentence for people, without a final stop
	Failing  int    `json:"failing"`   // findings that fail the gate
	Counts   Counts `json:"counts"`    // of all findings that the gate looks at
	// KernelHeaders counts the findings that it does not look at, because only
	// packages with the kernel's headers have them: see KeyKernelHeaders.
	KernelHeaders Counts `json:"kernel_headers,omitzero"`
	// Base and Added part Counts in two, once it is known which instruction of
	// the Dockerfile brought each package: what the base image has already, and
	// what the Dockerfile adds. Both are zero before.
	Base  Counts `json:"base,omitzero"`
	Added Counts `json:"added,omitzero"`
	// Suppressed counts the findings that somebody decided do not count. They
	// are in none of the other numbers.
	Suppressed Counts `json:"suppressed,omitzero"`
}

// Evaluate judges a scan. What could not be assessed comes before findings: a
// verdict with ExitGate says that everything was read, or need not be. The end
// of life comes behind them: what was found in such a release is found.
func Evaluate(p Policy, scan Scan) Verdict {
	v := Verdict{ExitCode: ExitPass, Pass: true}
	ignored := v.count(p, scan.Findings)
	if reason := p.notAssessed(scan, v.Failing > 0); reason != "" {
		if v.Failing > 0 {
			reason += fmt.Sprintf("; besides, %s", p.failing(v))
		}
		return v.end(ExitError, reason)
	}
	if v.Failing > 0 {
		return v.end(ExitGate, p.failing(v)+scan.doubts(v))
	}
	v.Reason = p.passing(scan, v, ignored) + scan.doubts(v)
	return v
}

// count counts findings. The result is how many of them would fail the gate
// if they had a fix.
func (v *Verdict) count(p Policy, findings []Finding) (ignored int) {
	known := false
	for _, f := range findings {
		switch {
		case f.Suppressed:
			v.Suppressed.Add(f.Severity)
			continue
		case f.Headers && !p.KernelHeaders:
			v.KernelHeaders.Add(f.Severity)
			continue
		}
		v.Counts.Add(f.Severity)
		known = known || f.Base || f.Added
		if f.Base {
			v.Base.Add(f.Severity)
		} else {
			v.Added.Add(f.Severity)
		}
		switch {
		case p.Fails(f):
			v.Failing++
		case p.reaches(f):
			ignored++
		}
	}
	if !known {
		v.Added = Counts{}
	}
	return ignored
}

// Fails reports whether a finding fails the gate.
func (p Policy) Fails(f Finding) bool {
	return p.reaches(f) && (f.Fixable || !p.IgnoreUnfixed)
}

// reaches reports whether a finding fails the gate as far as it has a fix.
func (p Policy) reaches(f Finding) bool {
	switch {
	case f.Suppressed, f.Headers && !p.KernelHeaders, f.Base && p.FailOnNew != Never:
		return false
	}
	return p.Gate().Reached(f.Severity)
}

func (v Verdict) end(code int, reason string) Verdict {
	v.Pass, v.ExitCode, v.Reason = false, code, reason
	return v
}
