// Package github writes reports as workflow commands of GitHub Actions, which
// the runner shows as annotations of the Dockerfile's lines
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands).
package github

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
)

// maxAnnotations is how many annotations of a kind GitHub shows of a step.
const maxAnnotations = 10

// The kinds of annotations, by the names of their commands.
const (
	kindError   = "error"
	kindWarning = "warning"
	kindNotice  = "notice"
)

// Write writes the annotations of one report: an error for the packages of an
// instruction that fail the gate, a warning for the other findings, and a
// notice with the verdict.
func Write(w io.Writer, r *report.Report) error { return WriteAll(w, []*report.Report{r}) }

// WriteAll writes the annotations of all reports, and of each kind no more than
// are shown. The verdicts come first: what one report says beside its own does
// not push out that of another.
func WriteAll(w io.Writer, reports []*report.Report) error {
	var verdicts, others []annotation
	for _, r := range reports {
		list, err := annotations(r)
		if err != nil {
			return err
		}
		verdicts = append(verdicts, verdict(r))
		others = append(others, list...)
	}
	kinds := map[string][]annotation{}
	for _, a := range append(verdicts, others...) {
		kinds[a.kind] = append(kinds[a.kind], a)
	}
	var b bytes.Buffer
	for _, kind := range []string{kindError, kindWarning, kindNotice} {
		for _, a := range limited(kinds[kind]) {
			a.write(&b)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// limited keeps as many annotations as are shown. The last one says how many
// there are beyond.
func limited(list []annotation) []annotation {
	if len(list) <= maxAnnotations {
		return list
	}
	more := annotation{kind: list[0].kind, title: "microscanner"}
	more.message = fmt.Sprintf("%d more are not shown here; the report has them all", len(list)-maxAnnotations+1)
	return append(list[:maxAnnotations-1:maxAnnotations-1], more)
}

func verdict(r *report.Report) annotation {
	a := annotation{kind: kindNotice, title: "microscanner: " + render.Image(r), message: render.Line(r.Verdict.Reason)}
	if r.Verdict.ExitCode == policy.ExitError {
		a.kind = kindError
	}
	return a
}

// annotations are those of a report beside its verdict, by kind the most
// important first.
func annotations(r *report.Report) ([]annotation, error) {
	failing, err := render.NewFailing(r)
	if err != nil {
		return nil, err
	}
	var bad, other []report.Finding
	for _, f := range r.AllFindings() {
		switch {
		case failing.Has(&f):
			bad = append(bad, f)
		case f.Suppressed == nil && f.Group == "":
			other = append(other, f)
		}
	}
	list := append(grouped(kindError, r, bad), grouped(kindWarning, r, other)...)
	for _, n := range r.NotAssessed {
		list = append(list, annotation{kind: kindWarning, title: "microscanner: not assessed", message: render.Line(n.String())})
	}
	for _, n := range r.Notices {
		list = append(list, annotation{kind: kindNotice, title: "microscanner", message: render.Line(n)})
	}
	return list, nil
}

// grouped puts the findings of one source package that one instruction brought
// into one annotation: only few are shown. The order is that of the findings,
// which is the worst first.
func grouped(kind string, r *report.Report, findings []report.Finding) []annotation {
	type place struct {
		file, source, version string
		line                  int
	}
	at := map[place]int{}
	var groups [][]report.Finding
	for _, f := range findings {
		p := place{source: f.Source.Name, version: f.Source.Version}
		if b := f.IntroducedBy; b != nil {
			p.file, p.line = b.File, b.Line
		}
		n, ok := at[p]
		if !ok {
			n = len(groups)
			at[p] = n
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], f)
	}
	out := make([]annotation, 0, len(groups))
	for _, g := range groups {
		out = append(out, newAnnotation(kind, r, g))
	}
	return out
}

// newAnnotation is that of the findings of one package.
func newAnnotation(kind string, r *report.Report, findings []report.Finding) annotation {
	f := &findings[0]
	var counts policy.Counts
	for i := range findings {
		counts.Add(findings[i].Severity)
	}
	lines := []string{render.Line(fmt.Sprintf("%s %s: %s", f.Source.Name, f.Source.Version, counts))}
	for i := range findings[:min(len(findings), maxLines)] {
		lines = append(lines, render.Line(fmt.Sprintf("%s (%s), %s", findings[i].ID, findings[i].Severity, render.Fix(&findings[i]))))
	}
	if more := len(findings) - maxLines; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	a := annotation{kind: kind, title: render.Cut(render.Line(f.Source.Name), maxTitle) + " in " + render.Image(r), message: strings.Join(lines, "\n")}
	if b := f.IntroducedBy; b != nil && b.File != "" && b.Line > 0 {
		a.file, a.line, a.endLine = render.Line(b.File), b.Line, max(b.EndLine, b.Line)
	}
	return a
}

const (
	maxLines = 10 // findings that an annotation names
	maxTitle = 60 // bytes of a package's name in a title
)

// annotation is one workflow command.
type annotation struct {
	kind, title, message string
	file                 string // empty if it is about no line
	line, endLine        int    // 1-based
}

// write writes the command. What the command's syntax knows is escaped as the
// toolkit does it (https://github.com/actions/toolkit,
// packages/core/src/command.ts).
func (a annotation) write(b *bytes.Buffer) {
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	fmt.Fprintf(b, "::%s ", a.kind)
	if a.file != "" {
		fmt.Fprintf(b, "file=%s,line=%d,endLine=%d,", property.Replace(a.file), a.line, a.endLine)
	}
	fmt.Fprintf(b, "title=%s::%s\n", property.Replace(cmp.Or(a.title, "microscanner")), data.Replace(a.message))
}
