// Package sarif writes reports in the Static Analysis Results Interchange
// Format 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for GitHub's
// code scanning and other viewers of results beside the source.
//
// A rule is a vulnerability; a result is a vulnerability of a source package,
// at the instruction of the Dockerfile that brought it.
package sarif

import (
	"fmt"
	"io"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
)

// schema is the schema that OASIS published with the first errata of 2.1.0.
const schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// maxResults is how many results, and so rules, GitHub takes of a run at most
// (https://docs.github.com/en/code-security/reference/code-scanning/sarif-support-for-code-scanning).
const maxResults = 25000

// Write writes a log with one run.
func Write(w io.Writer, r *report.Report) error { return WriteAll(w, []*report.Report{r}) }

// WriteAll writes a log with a run for each report. Runs of several reports are
// told apart by their category, as GitHub asks.
func WriteAll(w io.Writer, reports []*report.Report) error {
	log := &sarif.Report{Schema: schema, Version: "2.1.0", Runs: []*sarif.Run{}}
	for _, r := range reports {
		run := newRun(r)
		if len(reports) > 1 {
			// What stands before the last slash is the category.
			id := Category(r) + "/"
			run.AutomationDetails = &sarif.RunAutomationDetails{ID: &id}
		}
		log.AddRun(run)
	}
	return render.JSON(w, render.Value(log))
}

// Category names a run among those of several reports by its platform, target
// and stage: "microscanner/linux/arm64".
func Category(r *report.Report) string {
	category := "microscanner"
	for _, part := range []string{r.Image.Target, r.Image.Stage, r.Image.Platform} {
		if part != "" {
			category += "/" + render.Line(part)
		}
	}
	return category
}

func newRun(r *report.Report) *sarif.Run {
	run := sarif.NewRun().WithNewlineSequences([]string{"\n"})
	name, version := render.Tool(r)
	driver := sarif.NewToolComponent().WithName(name)
	if version != "" {
		driver.WithVersion(version)
	}
	rules := ruleSet{at: map[string]int{}, driver: driver}
	results, left := run.Results, 0
	prints := fingerprints{}
	packages := render.NewIndex(r)
	image := render.Image(r)
	for _, f := range inOrder(r.AllFindings()) {
		if len(results) == maxResults {
			left++
			continue
		}
		results = append(results, newResult(image, &f, database(packages.Of(&f)), rules.index(&f), prints))
	}
	run.Results = results
	return run.WithTool(sarif.NewTool().WithDriver(driver)).
		WithInvocations([]*sarif.Invocation{newInvocation(r, left)}).
		WithProperties(properties(sarif.Properties{
			"image": image, "imageDigest": render.Digest(r), "databaseDigest": render.Line(r.Database.Digest),
		}))
}

// inOrder puts the findings that count before those that do not: the viewers
// that show only so many take the first.
func inOrder(findings []report.Finding) []report.Finding {
	out := make([]report.Finding, 0, len(findings))
	for _, counts := range []bool{true, false} {
		for _, f := range findings {
			if (f.Suppressed == nil && f.Group == "") == counts {
				out = append(out, f)
			}
		}
	}
	return out
}

// newInvocation says how the scan ended, and what was not assessed. left is how
// many findings did not go in.
func newInvocation(r *report.Report, left int) *sarif.Invocation {
	started := render.Started(r)
	v := sarif.NewInvocation().
		WithStartTimeUtc(render.Stamp(started)).
		WithEndTimeUtc(render.Stamp(started.Add(time.Duration(r.ScanDuration) * time.Second))).
		WithExecutionSuccessful(r.Verdict.ExitCode != policy.ExitError).
		WithExitCode(r.Verdict.ExitCode).
		WithExitCodeDescription(render.Line(r.Verdict.Reason))
	notify := func(level, text string) {
		v.AddToolExecutionNotification(sarif.NewNotification().WithLevel(level).WithMessage(message(text)))
	}
	if r.Verdict.ExitCode == policy.ExitError {
		notify(levelError, r.Verdict.Reason)
	}
	for _, n := range r.NotAssessed {
		notify(levelWarning, "Not assessed: "+n.String())
	}
	for _, n := range r.Notices {
		notify(levelNote, n)
	}
	if left > 0 {
		notify(levelWarning, fmt.Sprintf("%d findings more are left out here: the limit is %d. The report has them all.", left, maxResults))
	}
	return v
}
