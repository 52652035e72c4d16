package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/example/microscanner-frontend/scanner/policy"
)

// Table writes reports for people.
type Table struct {
	// Color colours severities. Nothing else is coloured, and nothing that comes
	// from the image or its Dockerfile ever is a colour.
	Color bool
}

// WriteFailing writes the findings that fail the gate, without colours; see
// Table.WriteFailing.
func WriteFailing(w io.Writer, r *Report) error { return Table{}.WriteFailing(w, r) }

// Write writes a report: what was scanned, a line a finding with the worst
// first, the findings that the gate does not look at, what was not assessed,
// what people should know soon, what would repair the findings, and the verdict.
func (t Table) Write(w io.Writer, r *Report) error {
	groups := map[Group][]Finding{}
	for _, f := range r.AllFindings() {
		groups[f.Group] = append(groups[f.Group], f)
	}
	return t.write(w, r, groups, true)
}

// WriteAll writes reports as Write does, with an empty line between them.
func (t Table) WriteAll(w io.Writer, reports []*Report) error {
	for i, r := range reports {
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		if err := t.Write(w, r); err != nil {
			return err
		}
	}
	return nil
}

// What the log of a failed build shows, so that it stays readable.
const (
	maxFailing = 100 // findings
	maxMissing = 20  // what was not assessed
	maxNotices = 5
	maxAdvice  = 5
	maxCommand = 1000 // bytes of one
)

// WriteFailing writes the same with those findings only that fail the gate, and
// only so many of them that a build's log stays readable.
func (t Table) WriteFailing(w io.Writer, r *Report) error {
	findings, err := r.Failing()
	if err != nil {
		return err
	}
	return t.write(w, r, map[Group][]Finding{"": findings}, false)
}

// write writes findings by their group; all of them, or what fits a log.
func (t Table) write(w io.Writer, r *Report, groups map[Group][]Finding, all bool) error {
	var b bytes.Buffer
	b.WriteString(Printable(r.title()) + "\n")
	writeOrigins(&b, r.Verdict)
	b.WriteString("\n")
	if findings := groups[""]; len(findings) > 0 {
		shown := len(findings)
		if !all {
			shown = min(shown, maxFailing)
		}
		t.writeRows(&b, findings[:shown])
		writeMore(&b, len(findings)-shown, "")
		b.WriteString("\n")
	}
	t.writeGroup(&b, "Kernel headers only; the kernel that runs is the machine's", groups[GroupKernelHeaders])
	t.writeGroup(&b, "Under investigation by the vendor", groups[GroupUnderInvestigation])
	t.writeSuppressed(&b, groups[GroupSuppressed])
	writeNotAssessed(&b, r.NotAssessed, all)
	writeNotices(&b, r.Notices, all)
	writeAdvice(&b, r.Advice, all)
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

// writeMore says how many things of a kind are left out.
func writeMore(b *bytes.Buffer, n int, what string) {
	if n > 0 {
		fmt.Fprintf(b, "and %d more%s\n", n, what)
	}
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
	if r.Image.Stage != "" {
		name = strings.TrimSpace(name + " stage " + r.Image.Stage)
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
