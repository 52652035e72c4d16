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
	// Base says that the package came with the base image, as it is.
	Base bool
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
	ignored := 0
	for _, f := range scan.Findings {
		if f.Headers && !p.KernelHeaders {
			v.KernelHeaders.Add(f.Severity)
			continue
		}
		v.Counts.Add(f.Severity)
		switch {
		case p.Fails(f):
			v.Failing++
		case p.FailOn.Reached(f.Severity):
			ignored++
		}
	}
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

// Fails reports whether a finding fails the gate.
func (p Policy) Fails(f Finding) bool {
	return p.FailOn.Reached(f.Severity) && (f.Fixable || !p.IgnoreUnfixed) && (!f.Headers || p.KernelHeaders)
}

func (v Verdict) end(code int, reason string) Verdict {
	v.Pass, v.ExitCode, v.Reason = false, code, reason
	return v
}

// notAssessed is the error that forbids a pass, or empty. failing says that
// findings forbid it already.
func (p Policy) notAssessed(scan Scan, failing bool) string {
	const let = "%s (set %s=%s to let such images pass)"
	switch {
	case len(scan.Unread) > 0 && p.OnPartial != Warn:
		return fmt.Sprintf(let, scan.incomplete(), KeyOnPartial, Warn)
	case scan.Unsupported != "" && p.OnUnsupported != Warn:
		return fmt.Sprintf(let, scan.Unsupported+"; nothing was assessed", KeyOnUnsupported, Warn)
	case scan.EndOfLife != "" && p.OnUnsupported != Warn && !failing:
		return fmt.Sprintf(let, scan.EndOfLife, KeyOnUnsupported, Warn)
	case scan.NoPackages && p.OnNoPackages != Warn:
		return fmt.Sprintf(let, scan.noPackages()+"; nothing was assessed", KeyOnNoPackages, Warn)
	case scan.NoPackages || scan.Unsupported != "":
		return "" // no advisory was asked for
	}
	return p.tooOld(scan.Database)
}

// doubts is what a verdict says besides, each after a semicolon.
func (s Scan) doubts(v Verdict) string {
	text := ""
	if n := v.KernelHeaders.Total(); n > 0 {
		text += fmt.Sprintf("; not counted: %d of the kernel in packages that have only its headers", n)
	}
	if len(s.Unread) > 0 {
		text += "; " + s.incomplete()
	}
	if s.EndOfLife != "" {
		text += "; " + s.EndOfLife
	}
	return text
}

func (s Assessment) incomplete() string {
	text := "the scan is incomplete: " + s.Unread[0]
	if n := len(s.Unread) - 1; n > 0 {
		text += "; and " + more(n)
	}
	return text
}

func (s Assessment) noPackages() string {
	if s.Named != "" {
		return "the image has no package database, although " + s.Named
	}
	return "the image has no package database"
}

func (p Policy) failing(v Verdict) string {
	return fmt.Sprintf("%s at or above %s (%s=%s): found %s", vulnerabilities(v.Failing), p.FailOn, KeyFailOn, p.FailOn, v.found())
}

// found is Counts in words. It says what unknown means: such a finding fails
// hardly any gate, and may be as bad as any.
func (v Verdict) found() string {
	rated := v.Counts
	rated.Unknown = 0
	text := rated.String()
	if n := v.Counts.Unknown; n > 0 {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d not rated by anyone", n)
	}
	return text
}

func (p Policy) passing(scan Scan, v Verdict, ignored int) string {
	switch {
	case scan.Unsupported != "":
		return scan.Unsupported + "; nothing was assessed"
	case scan.NoPackages:
		return scan.noPackages() + "; nothing was assessed"
	case v.Counts.Total() == 0:
		return "no known vulnerabilities"
	}
	reason := fmt.Sprintf("no vulnerability at or above %s: found %s", p.FailOn, v.found())
	if p.FailOn == Never {
		reason = fmt.Sprintf("%s=never: found %s", KeyFailOn, v.found())
	}
	if ignored > 0 {
		reason = fmt.Sprintf("no fixable vulnerability at or above %s, %d without a fix ignored: found %s", p.FailOn, ignored, v.found())
	}
	return reason
}

func more(n int) string {
	if n == 1 {
		return "1 more problem"
	}
	return fmt.Sprintf("%d more problems", n)
}

func vulnerabilities(n int) string {
	if n == 1 {
		return "1 vulnerability"
	}
	return fmt.Sprintf("%d vulnerabilities", n)
}
