package report

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// Widths above which a cell of the table is cut, so that a line fits a
// terminal. Real ids and versions are shorter.
const (
	maxID      = 22
	maxName    = 28
	maxVersion = 32
	maxPlace   = 24
	maxReason  = 100
)

// writeOrigins says which findings the base image has already, where that is
// known.
func writeOrigins(b *bytes.Buffer, v policy.Verdict) {
	if v.Base.Total()+v.Added.Total() == 0 {
		return
	}
	fmt.Fprintf(b, "Base image: %s\nAdded by this Dockerfile: %s\n", orNone(v.Base), orNone(v.Added))
}

func orNone(c policy.Counts) string {
	if c.Total() == 0 {
		return "none"
	}
	return c.String()
}

// writeGroup writes the findings of a group below a line that counts them.
func (t Table) writeGroup(b *bytes.Buffer, title string, findings []Finding) {
	if len(findings) == 0 {
		return
	}
	fmt.Fprintf(b, "%s: %s\n", title, countsOf(findings))
	t.writeRows(b, findings)
	b.WriteString("\n")
}

func countsOf(findings []Finding) policy.Counts {
	var counts policy.Counts
	for _, f := range findings {
		counts.Add(f.Severity)
	}
	return counts
}

// writeRows writes a line a finding. Where it is known what brought the
// packages, there is a column for it.
func (t Table) writeRows(b *bytes.Buffer, findings []Finding) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	blamed := slices.ContainsFunc(findings, func(f Finding) bool { return f.IntroducedBy != nil })
	line := func(severity, id, name, installed, fixed, place string) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s", id, severity, name, installed, fixed)
		if blamed {
			fmt.Fprintf(w, "\t%s", place)
		}
		fmt.Fprintln(w)
	}
	line(t.header("SEVERITY"), "ID", "PACKAGE", "INSTALLED", "FIXED", "LINE")
	for _, f := range findings {
		line(t.severity(f.Severity), cell(f.ID, maxID), cell(f.Source.Name, maxName), cell(f.Source.Version, maxVersion),
			cell(f.fixCell(), maxVersion), cell(f.IntroducedBy.place(), maxPlace))
	}
	_ = w.Flush() // a bytes.Buffer takes everything
}

// writeSuppressed writes the findings that somebody decided do not count, with
// who did, until when, and why.
func (t Table) writeSuppressed(b *bytes.Buffer, findings []Finding) {
	if len(findings) == 0 {
		return
	}
	fmt.Fprintf(b, "Suppressed, and not counted: %s\n", countsOf(findings))
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "ID\t%s\tPACKAGE\tINSTALLED\tBY\tEXPIRES\tREASON\n", t.header("SEVERITY"))
	for _, f := range findings {
		s := f.Suppressed
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", cell(f.ID, maxID), t.severity(f.Severity), cell(f.Source.Name, maxName),
			cell(f.Source.Version, maxVersion), cell(s.by(), 2*maxPlace), cell(s.until(), maxPlace), cut(Printable(s.why()), maxReason))
	}
	_ = w.Flush() // a bytes.Buffer takes everything
	b.WriteString("\n")
}

// by names who suppresses a finding: "ignore .microscanner.yaml:7",
// "vex openssl.json by Example Security".
func (s *Suppressed) by() string {
	text := s.By
	if s.Source != "" {
		text += " " + s.Source
	}
	if s.Author != "" {
		text += " by " + s.Author
	}
	return text
}

func (s *Suppressed) until() string {
	if s.Expires == "" {
		return "never"
	}
	return s.Expires
}

// why is the reason, behind the words that a VEX statement has for it.
func (s *Suppressed) why() string {
	words := strings.Trim(s.Status+", "+s.Justification, ", ")
	switch {
	case words == "":
		return s.Reason
	case s.Reason == s.Status, s.Reason == s.Justification:
		return words
	}
	return words + ": " + s.Reason
}

// place is the line of an instruction: "Dockerfile:12".
func (by *IntroducedBy) place() string {
	if by == nil {
		return "?"
	}
	return placeOf(by.File, by.Line)
}

func placeOf(file string, line int) string {
	switch {
	case line == 0 && file == "":
		return "?"
	case line == 0:
		return file
	case file == "":
		return fmt.Sprintf("line %d", line)
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// fixCell is the fixed version, or why there is none.
func (f Finding) fixCell() string {
	switch {
	case f.Status == string(advisory.StatusNeedsPro):
		return f.Fixed + " (Pro)"
	case f.Fixed != "":
		return f.Fixed
	case f.Status == string(advisory.StatusAffected):
		return "no fix yet"
	}
	return f.Status
}

// cell is a text in ASCII of limited width. Everything that stands in the
// table is ASCII in all real data, so widths are numbers of bytes.
func cell(s string, width int) string {
	q := strconv.QuoteToASCII(s)
	s = strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
	if len(s) > width {
		return s[:width-3] + "..."
	}
	return s
}

// cut is the start of a text of printable characters.
func cut(s string, width int) string {
	if runes := []rune(s); len(runes) > width {
		return string(runes[:width-3]) + "..."
	}
	return s
}

// severity is the word of a severity, in its colour. All cells of the column,
// its header too, get equally many bytes more: the writer of the table counts
// them as if they were seen.
func (t Table) severity(s severity.Severity) string {
	return t.color(s.String(), map[severity.Severity]string{
		severity.Critical: "1;31", severity.High: "0;31", severity.Medium: "0;33", severity.Low: "0;36",
	}[s])
}

func (t Table) header(text string) string { return t.color(text, "") }

func (t Table) color(text, code string) string {
	if !t.Color {
		return text
	}
	if code == "" {
		code = "0;39"
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
