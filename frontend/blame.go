package frontend

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/moby/buildkit/client/llb"

	"github.com/example/microscanner-frontend/llbgen"
	"github.com/example/microscanner-frontend/scanner/report"
)

// maxCompared is how many root file systems one stage compares. Each is a mount,
// and a container has only so many; a longer chain takes several stages, the
// later steps first.
const maxCompared = 100

// blame finds out which instruction brought the packages with findings, in one
// more stage. It only reads what the user's steps made; with no findings it does
// nothing. That it cannot be done is no reason to refuse an image: the report
// stays as it is then, and every finding counts as one that is new.
func (s *stage) blame(ctx context.Context, o outcome, rootfs llb.State, id string) outcome {
	if len(o.report.Findings()) == 0 {
		return o
	}
	blamed, err := s.blamed(ctx, o, rootfs, id)
	if err != nil {
		o.unblamed = fmt.Errorf("it is not known which instructions brought the packages of %s: %w", o.target, err)
		return o
	}
	return blamed
}

func (s *stage) blamed(ctx context.Context, o outcome, rootfs llb.State, id string) (outcome, error) {
	def, err := rootfs.Marshal(ctx)
	if err != nil {
		return o, fmt.Errorf("read the definition of the rootfs: %w", err)
	}
	steps, err := llbgen.Chain(def.ToPB())
	if err != nil {
		return o, err
	}
	origins := originsOf(steps, cmp.Or(o.stage, s.cfg.target))
	state, err := s.compare(o, steps, origins, id)
	if err != nil {
		return o, err
	}
	ref, vertex, err := solve(ctx, s.client, state)
	if err != nil {
		return o, err
	}
	dt, err := readFile(ctx, ref, llbgen.ReportName)
	if err != nil {
		return o, fmt.Errorf("read the report: %w", err)
	}
	r, err := report.Decode(bytes.NewReader(dt))
	if err != nil {
		return o, err
	}
	return outcome{target: o.target, report: r, state: state, vertex: vertex, sources: origins.sources}, nil
}

// compare is the state of the report after the steps were compared.
func (s *stage) compare(o outcome, steps []llbgen.Step, origins origins, id string) (llb.State, error) {
	state := o.state
	for end := len(steps); end > 0; end = max(0, end-maxCompared) {
		b := llbgen.Blame{
			Scanner: s.scanner,
			Report:  state,
			ID:      id,
			Name:    fmt.Sprintf("[microscanner] find the instructions behind the findings of %s", o.target),
		}
		for i := max(0, end-maxCompared); i < end; i++ {
			step := report.Step{By: origins.by[i]}
			if i > 0 {
				step.Before = llbgen.StepDir(len(b.Rootfs))
				b.Rootfs = append(b.Rootfs, steps[i-1].State)
			}
			dt, err := json.Marshal(step)
			if err != nil {
				return state, fmt.Errorf("write step %d: %w", i+1, err)
			}
			b.Flags = append(b.Flags, "--step="+string(dt))
		}
		state = b.State()
	}
	return state, nil
}
