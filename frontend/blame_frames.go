package frontend

import (
	"cmp"
	"math"
	"slices"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// maxFrames is how many instructions the error of a failed build shows.
const maxFrames = 3

// frame is an instruction with findings that fail the gate.
type frame struct {
	by     *report.IntroducedBy
	source *pb.SourceInfo
	counts policy.Counts
}

// withSources adds to an error the places of the worst instructions. The
// client shows them as it shows those of a step that failed.
func (o outcomes) withSources(err error) error {
	frames := o.frames()
	for _, f := range frames[:min(len(frames), maxFrames)] {
		// The innermost is shown first.
		err = errdefs.WithSource(err, &errdefs.Source{Info: f.source, Ranges: rangeOf(f.by)})
	}
	return err
}

// frames lists the instructions with findings that fail the gate, worst first.
func (o outcomes) frames() []frame {
	type place struct {
		file      string
		line, end int
	}
	at := map[place]int{}
	var out []frame
	for _, s := range o {
		failing, err := s.report.Failing()
		if err != nil {
			continue // the scan's own policy; the gate has said what is wrong
		}
		for _, f := range failing {
			by := f.IntroducedBy
			source := s.sourceOf(by)
			if source == nil {
				continue
			}
			p := place{by.File, by.Line, by.EndLine}
			if _, ok := at[p]; !ok {
				at[p] = len(out)
				out = append(out, frame{by: by, source: source})
			}
			out[at[p]].counts.Add(f.Severity)
		}
	}
	slices.SortStableFunc(out, func(a, b frame) int {
		for _, s := range severity.All() {
			if c := cmp.Compare(b.counts.Of(s), a.counts.Of(s)); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.by.Line, b.by.Line)
	})
	return out
}

// maxShown is how large a Dockerfile can be whose lines are shown: it travels as
// a whole, several times in one message of BuildKit's, which holds 16 MiB.
const maxShown = 1 << 20

// sourceOf is the file to show an instruction in; nil if there is none.
func (s *outcome) sourceOf(by *report.IntroducedBy) *pb.SourceInfo {
	if by == nil || by.Line == 0 {
		return nil
	}
	source := s.sources[by.File]
	if source == nil || len(source.Data) > maxShown {
		return nil
	}
	return source
}

// rangeOf is the lines of an instruction.
func rangeOf(by *report.IntroducedBy) []*pb.Range {
	line := func(n int) *pb.Position {
		return &pb.Position{Line: int32(min(max(n, 0), math.MaxInt32))}
	}
	return []*pb.Range{{Start: line(by.Line), End: line(by.EndLine)}}
}
