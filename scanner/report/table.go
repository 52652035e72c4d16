package report

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/policy"
)

// WriteTable writes a report for people: what was scanned, a line a finding
// with the worst first, the findings that the gate does not look at, what was
// not assessed, and the verdict.
func WriteTable(w io.Writer, r *Report) error {
	return writeTable(w, r, r.Findings(), true)
}

// maxFailing is how many findings the log of a failed build shows.
const maxFailing = 100

// WriteFailing writes the same with those findings only that fail the gate, and
// only so many of them that a build's log stays readable.
func WriteFailing(w io.Writer, r *Report) error {
	findings, err := r.Failing()
	if err != nil {
		return err
	}
	return writeTable(w, r, findings, false)
}

func writeTable(w io.Writer, r *Report, findings []Finding, all bool) error {
	var b bytes.Buffer
	b.WriteString(Printable(r.title()) + "\n\n")
	if len(findings) > 0 {
		shown := len(findings)
		if !all {
			shown = min(shown, maxFailing)
		}
		writeRows(&b, findings[:shown])
		if more := len(findings) - shown; more > 0 {
			fmt.Fprintf(&b, "and %d more\n", more)
		}
		b.WriteString("\n")
	}
	if all {
		writeGroup(&b, "Kernel headers only; the kernel that runs is the machine's", r.FindingsOf(GroupKernelHeaders))
		writeGroup(&b, "Under investigation by the vendor", r.FindingsOf(GroupUnderInvestigation))
	}
	for _, n := range r.NotAssessed {
		b.WriteString("Not assessed: " + Printable(n.String()) + "\n")
	}
	verdict := "pass"
	switch {
	case r.Verdict.ExitCode == policy.ExitGate:
		verdict = "fail"
	case !r.Verdict.Pass:
		verdict = "error"
	}
	b.WriteString(verdict + ": " + Printable(r.Verdict.Reason) + "\n")
	_, err := w.Write(b.Bytes())
	return err
}

// writeGroup writes the findings of a group below a line that counts them.
func writeGroup(b *bytes.Buffer, title string, findings []Finding) {
	if len(findings) == 0 {
		return
	}
	var counts policy.Counts
	for _, f := range findings {
		counts.Add(f.Severity)
	}
	fmt.Fprintf(b, "%s: %s\n", title, counts)
	writeRows(b, findings)
	b.WriteString("\n")
}

// title names the image: "example/app (linux/amd64), debian 12".
func (r *Report) title() string {
	os := "no operating system"
	if r.OS != "" {
		os = strings.TrimSpace(r.OS + " " + r.Version)
	}
	name := r.Image.Reference
	if r.Image.Target != "" {
		name = strings.TrimSpace(name + " target " + r.Image.Target)
	}
	if r.Image.Platform != "" {
		name = strings.TrimSpace(name + " (" + r.Image.Platform + ")")
	}
	if name == "" {
		return os
	}
	return name + ", " + os
}

// String says what was not assessed, and why, in one line.
func (n NotAssessed) String() string {
	s := n.Reason
	if n.Count > 1 {
		s = fmt.Sprintf("%s (%d)", s, n.Count)
	}
	switch {
	case n.Line > 0:
		return fmt.Sprintf("%s, line %d: %s", n.Path, n.Line, s)
	case n.Path != "":
		return n.Path + ": " + s
	}
	return s
}

// Widths above which a cell of the table is cut, so that a line fits a
// terminal. Real ids and versions are shorter.
const (
	maxID      = 22
	maxName    = 28
	maxVersion = 32
)

func writeRows(b *bytes.Buffer, findings []Finding) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tSEVERITY\tPACKAGE\tINSTALLED\tFIXED")
	for _, f := range findings {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", cell(f.ID, maxID), f.Severity, cell(f.Source.Name, maxName),
			cell(f.Source.Version, maxVersion), cell(f.fixCell(), maxVersion))
	}
	_ = t.Flush() // a bytes.Buffer takes everything
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
