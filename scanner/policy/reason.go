package policy

import "fmt"

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
	if n := v.Suppressed.Total(); n > 0 {
		text += fmt.Sprintf("; %d suppressed: %s", n, v.Suppressed)
	}
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
	if p.FailOnNew != Never {
		return fmt.Sprintf("%s at or above %s (%s=%s): %s", vulnerabilities(v.Failing, "new "), p.FailOnNew, KeyFailOnNew, p.FailOnNew, p.found(v))
	}
	return fmt.Sprintf("%s at or above %s (%s=%s): %s", vulnerabilities(v.Failing, ""), p.FailOn, KeyFailOn, p.FailOn, p.found(v))
}

// found is Counts in words. It says what unknown means: such a finding fails
// hardly any gate, and may be as bad as any.
func (p Policy) found(v Verdict) string {
	rated := v.Counts
	rated.Unknown = 0
	text := rated.String()
	if n := v.Counts.Unknown; n > 0 {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d not rated by anyone", n)
	}
	return "found " + text + p.from(v)
}

// from says which of the findings the base image has already.
func (p Policy) from(v Verdict) string {
	switch n := v.Base.Total(); {
	case n+v.Added.Total() == 0 && p.FailOnNew != Never:
		return "; it is not known which come with the base image, so all count as new"
	case n+v.Added.Total() == 0:
		return ""
	case n == 0:
		return "; none of them comes with the base image"
	case n == 1:
		return "; 1 of them comes with the base image"
	default:
		return fmt.Sprintf("; %d of them come with the base image", n)
	}
}

func (p Policy) passing(scan Scan, v Verdict, ignored int) string {
	switch {
	case scan.Unsupported != "":
		return scan.Unsupported + "; nothing was assessed"
	case scan.NoPackages:
		return scan.noPackages() + "; nothing was assessed"
	case v.Counts.Total() == 0 && v.Suppressed.Total() > 0:
		return "no vulnerability counts"
	case v.Counts.Total() == 0:
		return "no known vulnerabilities"
	}
	kind := "vulnerability"
	if p.FailOnNew != Never {
		kind = "new vulnerability"
	}
	switch {
	case p.Gate() == Never:
		return fmt.Sprintf("%s=%s: %s", KeyFailOn, p.FailOn, p.found(v))
	case ignored > 0:
		return fmt.Sprintf("no fixable %s at or above %s, %d without a fix ignored: %s", kind, p.Gate(), ignored, p.found(v))
	}
	return fmt.Sprintf("no %s at or above %s: %s", kind, p.Gate(), p.found(v))
}

func more(n int) string {
	if n == 1 {
		return "1 more problem"
	}
	return fmt.Sprintf("%d more problems", n)
}

// vulnerabilities counts vulnerabilities of a kind, a word with a space.
func vulnerabilities(n int, kind string) string {
	if n == 1 {
		return fmt.Sprintf("1 %svulnerability", kind)
	}
	return fmt.Sprintf("%d %svulnerabilities", n, kind)
}
