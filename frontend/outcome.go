package frontend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/example/microscanner-frontend/llbgen"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

// outcomes are the scans of one build, in the order of its platforms.
type outcomes []outcome

// deciding lists the scans that the gate looks at: those of the images and, if
// gateStages says so, those of other stages.
func (o outcomes) deciding(gateStages bool) outcomes {
	var out outcomes
	for _, s := range o {
		if s.stage == "" || gateStages {
			out = append(out, s)
		}
	}
	return out
}

// failing lists the scans that let no image out.
func (o outcomes) failing() outcomes {
	var out outcomes
	for _, s := range o {
		if !s.report.Verdict.Pass {
			out = append(out, s)
		}
	}
	return out
}

// firstError is the first scan that did not end in an answer, or nil.
func (o outcomes) firstError() *outcome {
	for i := range o {
		if o[i].report.Verdict.ExitCode == policy.ExitError {
			return &o[i]
		}
	}
	return nil
}

// refuse ends the build of failing scans. A last stage prints what failed them,
// so that it stands in the build's log, and exits with the verdict's code.
func (o outcomes) refuse(ctx context.Context, st *stage) error {
	gate := llbgen.Gate{Scanner: st.scanner, ID: st.id, Name: "[microscanner] gate"}
	for _, s := range o {
		gate.Reports = append(gate.Reports, s.state)
	}
	_, _, err := solve(ctx, st.client, gate.State())
	if err == nil {
		err = errors.New("the gate let a report pass that fails")
	}
	if bad := o.firstError(); bad != nil {
		return &buildError{notAssessed(bad), err}
	}
	var reasons []string
	for _, s := range o {
		reasons = append(reasons, fmt.Sprintf("the image of %s is not exported: %s", s.platform, s.reason()))
	}
	return o.withSources(&buildError{"microscanner: " + strings.Join(reasons, "; "), err})
}

// prefix begins what is said of a stage that is not the image's.
func (t target) prefix() string {
	if t.stage == "" {
		return ""
	}
	return "stage " + t.stage + ": "
}

// reason is the reason of the verdict.
func (s *outcome) reason() string {
	return s.prefix() + report.Printable(s.report.Verdict.Reason)
}

// maxWarnings is how many packages a build's warnings name. What is beyond is a number.
const maxWarnings = 10

// warning is one warning of a build.
type warning struct {
	text string
	// by and source are the instruction that it is about; nil if there is none.
	by     *report.IntroducedBy
	source *pb.SourceInfo
}

// warn shows what did not fail the build: the notices, what could not be
// assessed, and a line for each package with findings, the worst first. Warnings
// are a courtesy: a BuildKit that cannot show them builds all the same.
func (o outcomes) warn(ctx context.Context, c client.Client, notices []string) {
	var vertex digest.Digest // any of the scans: the text says what is meant
	for _, s := range o {
		vertex = cmp.Or(vertex, s.vertex)
	}
	for _, n := range notices {
		_ = c.Warn(ctx, vertex, "microscanner: "+n, client.WarnOpts{Level: 1})
	}
	for _, w := range o.warnings() {
		opts := client.WarnOpts{Level: 1}
		if w.source != nil {
			opts.SourceInfo, opts.Range = w.source, rangeOf(w.by)
		}
		_ = c.Warn(ctx, vertex, "microscanner: "+w.text, opts)
	}
}

func (o outcomes) warnings() []warning {
	var out []warning
	seen := map[string]bool{} // platforms of one image mostly say the same
	for _, s := range o {
		for _, text := range s.doubts() {
			if text = s.prefix() + text; !seen[text] {
				seen[text] = true
				out = append(out, warning{text: text})
			}
		}
	}
	// What is not exported comes after what is, however bad.
	images := o.deciding(false)
	stages := slices.DeleteFunc(slices.Clone(o), func(s outcome) bool { return s.stage == "" })
	return slices.Concat(out, images.packageWarnings(), stages.packageWarnings())
}

// packageWarnings are the warnings of packages, the worst first.
func (o outcomes) packageWarnings() []warning {
	var out []warning
	var lines []report.PackageLine
	places := map[string]warning{} // by the text of the line
	for _, s := range o {
		origin := s.originOfSources()
		for _, l := range s.report.PackageLines() {
			l.Text = s.prefix() + l.Text
			if _, ok := places[l.Text]; ok {
				continue
			}
			lines = append(lines, l)
			w := warning{text: l.Text, by: origin[sourceKey{l.Source.Name, l.Source.Version}]}
			if w.by != nil && w.by.Line > 0 {
				w.source = s.sourceOf(w.by)
				w.text += fmt.Sprintf(" (line %d)", w.by.Line) // as BuildKit's own warnings have it
			}
			places[l.Text] = w
		}
	}
	report.SortPackageLines(lines)
	for i, l := range lines {
		if i == maxWarnings {
			of := ""
			if o[0].stage != "" {
				of = "other stages: "
			}
			text := fmt.Sprintf("%s%d more packages have findings; docker buildx build --call=scan lists them", of, len(lines)-i)
			out = append(out, warning{text: text})
			break
		}
		out = append(out, places[l.Text])
	}
	return out
}

// doubts are what people have to know of a scan beside its findings.
func (s *outcome) doubts() []string {
	var out []string
	for _, n := range s.report.NotAssessed {
		// That an image has no packages is no news to who builds such
		// images, build after build. The scan's log has it, if there was one.
		if n.Reason == report.ReasonNoPackages || strings.HasPrefix(n.Reason, report.ReasonOnlyNamed) {
			continue
		}
		out = append(out, "not assessed: "+report.Printable(n.String()))
	}
	if s.stage != "" && s.report.Verdict.ExitCode == policy.ExitError {
		out = append(out, "cannot be fully assessed: "+report.Printable(s.report.Verdict.Reason))
	}
	if s.unblamed != nil {
		out = append(out, report.Printable(s.unblamed.Error()))
	}
	return out
}

type sourceKey struct{ name, version string }

// originOfSources is the instruction behind the worst finding of each source
// package.
func (s *outcome) originOfSources() map[sourceKey]*report.IntroducedBy {
	out := map[sourceKey]*report.IntroducedBy{}
	for _, f := range s.report.Findings() {
		k := sourceKey{f.Source.Name, f.Source.Version}
		out[k] = cmp.Or(out[k], f.IntroducedBy)
	}
	return out
}
