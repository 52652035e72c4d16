// Package junit writes reports as results of tests, in the XML that Jenkins,
// GitLab and other CI systems read
// (https://github.com/testmoapp/junitxml): a suite is an image, a case is a
// finding.
package junit

import (
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
)

// Write writes one suite.
func Write(w io.Writer, r *report.Report) error { return WriteAll(w, []*report.Report{r}) }

// WriteAll writes a suite for each report.
func WriteAll(w io.Writer, reports []*report.Report) error {
	suites := junit.Testsuites{Name: "microscanner"}
	for i, r := range reports {
		suite, err := newSuite(r)
		if err != nil {
			return err
		}
		suite.ID = i
		suites.AddSuite(suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	return suites.WriteXML(w)
}

func newSuite(r *report.Report) (junit.Testsuite, error) {
	failing, err := render.NewFailing(r)
	if err != nil {
		return junit.Testsuite{}, err
	}
	suite := junit.Testsuite{Name: render.Image(r), Time: strconv.FormatInt(r.ScanDuration, 10)}
	suite.SetTimestamp(render.Started(r))
	for _, p := range []struct{ name, value string }{
		{"scanner", r.Scanner}, {"digest", render.Digest(r)}, {"os", strings.TrimSpace(r.OS + " " + r.Version)}, {"database", r.Database.Digest},
	} {
		if p.value != "" {
			suite.AddProperty(p.name, render.Line(p.value))
		}
	}
	suite.AddTestcase(scanCase(r))
	for _, f := range r.AllFindings() {
		suite.AddTestcase(newCase(&f, failing.Has(&f)))
	}
	return suite, nil
}

// scanCase is the scan as a whole. It is an error, and no failure, if the scan
// could not be done; and it is there when there is no finding, because some
// readers take an empty suite for a mistake.
func scanCase(r *report.Report) junit.Testcase {
	reason := render.Line(r.Verdict.Reason)
	c := junit.Testcase{Name: "scan", Classname: "microscanner"}
	lines := []string{reason}
	for _, n := range r.NotAssessed {
		lines = append(lines, "Not assessed: "+render.Line(n.String()))
	}
	for _, n := range r.Notices {
		lines = append(lines, render.Line(n))
	}
	text := strings.Join(lines, "\n")
	if r.Verdict.ExitCode == policy.ExitError {
		c.Error = &junit.Result{Message: reason, Type: "error", Data: text}
		return c
	}
	c.SystemOut = &junit.Output{Data: text}
	return c
}

func newCase(f *report.Finding, fails bool) junit.Testcase {
	c := junit.Testcase{
		Name:      render.Line(f.ID + " (" + f.Severity.String() + ")"),
		Classname: render.Line(f.Source.Name + " " + f.Source.Version),
	}
	switch {
	case f.Suppressed != nil:
		c.Skipped = &junit.Result{Message: render.Suppression(f.Suppressed), Type: render.Line(f.Suppressed.By), Data: text(f)}
	case fails:
		c.Failure = &junit.Result{Message: message(f), Type: f.Severity.String(), Data: text(f)}
	case f.Group == report.GroupKernelHeaders:
		c.Skipped = &junit.Result{Message: "only packages with the kernel's headers have it", Type: string(f.Group), Data: text(f)}
	case f.Group == report.GroupUnderInvestigation:
		c.Skipped = &junit.Result{Message: "the vendor has not decided yet", Type: string(f.Group), Data: text(f)}
	default:
		c.SystemOut = &junit.Output{Data: text(f)}
	}
	return c
}

func message(f *report.Finding) string {
	return render.Line(f.ID + " in " + f.Source.Name + " " + f.Source.Version + ": " + render.Fix(f))
}

// text is all of a finding, in lines.
func text(f *report.Finding) string {
	lines := []string{message(f), "Installed packages: " + render.Line(render.Installed(f))}
	if place := render.Place(f.IntroducedBy); place != "" {
		lines = append(lines, "Brought by "+place+": "+render.Instruction(f.IntroducedBy))
	}
	for _, s := range []string{f.Details.Solution, render.Link(f.Details.VendorURL), render.Link(f.Details.NVDURL)} {
		if s != "" {
			lines = append(lines, render.Line(s))
		}
	}
	return strings.Join(append(lines, render.Text(f.Details.Description, render.MaxText)), "\n")
}
