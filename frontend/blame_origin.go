package frontend

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/moby/buildkit/solver/pb"

	"github.com/example/microscanner-frontend/llbgen"
	"github.com/example/microscanner-frontend/scanner/report"
)

// origins say, for the steps on the way to one rootfs, which instruction each
// of them is.
type origins struct {
	by []report.IntroducedBy
	// sources are the Dockerfiles that they are in, by name.
	sources map[string]*pb.SourceInfo
}

// originsOf finds the instructions of steps. target is the stage that the last
// step is in, empty for the last one of the Dockerfile.
func originsOf(steps []llbgen.Step, target string) origins {
	o := origins{by: make([]report.IntroducedBy, len(steps)), sources: map[string]*pb.SourceInfo{}}
	names := map[*pb.SourceInfo]string{}
	l := locator{target: target, files: map[*pb.SourceInfo]*dockerfile{}}
	// From the end: where the last instruction is, is certain, and each is before
	// the next in its stage, or in the one that this is made from.
	for i := len(steps) - 1; i >= 0; i-- {
		o.by[i] = l.originOf(&steps[i], i == 0)
		if o.by[i].Line == 0 {
			continue
		}
		if names[l.source] == "" {
			names[l.source] = o.addSource(l.source)
		}
		o.by[i].File = names[l.source]
	}
	if len(steps) > 0 && steps[0].Image != "" {
		o.by[0].Base = true
		for i := range o.by {
			o.by[i].BaseImage, o.by[i].BaseDigest = steps[0].Image, steps[0].Digest
		}
	}
	return o
}

// addSource notes a source and returns its name: the file's own. Targets of a
// bake file that are made from each other have a Dockerfile each; all but the
// first get a number, lest a line is looked for in the wrong one.
func (o *origins) addSource(source *pb.SourceInfo) string {
	shown, file := printableSource(source), report.CutInstruction(source.Filename)
	name := file
	for n := 2; o.sources[name] != nil && !bytes.Equal(o.sources[name].Data, shown.Data); n++ {
		name = fmt.Sprintf("%s (%d)", file, n)
	}
	o.sources[name] = shown
	return name
}

// locator goes from the last step to the first and finds their instructions.
type locator struct {
	target string
	files  map[*pb.SourceInfo]*dockerfile
	// The place of the step that was found last.
	source *pb.SourceInfo
	file   *dockerfile
	line   int
}

// originOf is the instruction of the step before those that it was called with.
func (l *locator) originOf(s *llbgen.Step, first bool) report.IntroducedBy {
	name, stage, onBuild := splitName(s.Name)
	by := report.IntroducedBy{Stage: stage, Instruction: name}
	if s.Command != "" {
		by.Instruction = s.Command
	}
	start, end, located := l.locate(s.Locations)
	if !located && first && l.file != nil {
		// A named context that a FROM stands for has no place of its own.
		start, end, located = l.file.root(l.line)
	}
	if located {
		l.line = start
		by.Line, by.EndLine = start, end
		if in := l.file.at(start); in != nil {
			by.Instruction, by.Stage = in.text, l.file.stages[in.stage].name
			if onBuild { // whose place is the FROM that it came with
				by.Instruction = "ONBUILD " + strings.TrimPrefix(name, "ONBUILD ")
				if s.Command != "" {
					by.Instruction = "ONBUILD " + s.Command
				}
			}
		}
	}
	by.FromStage = l.file.stageName(copiedFrom(by.Instruction))
	by.Instruction = report.CutInstruction(by.Instruction)
	return by
}

// locate chooses among the places of one operation that of the instruction, and
// remembers it. Equal instructions of several stages are one operation: the
// right one is in the stage of the step that follows, or else in the stages that
// this is made from.
func (l *locator) locate(locations []llbgen.Location) (start, end int, ok bool) {
	best := int64(-1)
	for i, loc := range locations {
		line, last := lines(loc.Ranges)
		if line <= 0 {
			continue
		}
		l.open(loc.Source)
		rank := l.file.distance(line, l.line)
		if best < 0 || rank < best {
			best, start, end, ok = rank, line, last, true
			l.source = locations[i].Source
		}
	}
	if ok {
		l.file = l.files[l.source]
	}
	return start, end, ok
}

// open reads a Dockerfile, once. The first one says where the last stage ends.
func (l *locator) open(source *pb.SourceInfo) {
	file, ok := l.files[source]
	if !ok {
		file = parseDockerfile(source)
		l.files[source] = file
	}
	if l.file == nil {
		l.line = file.end(l.target)
	}
	l.file = file
}

// lines are the first and the last line of ranges; zero if there are none.
func lines(ranges []*pb.Range) (start, end int) {
	for _, r := range ranges {
		from, to := int(r.GetStart().GetLine()), int(r.GetEnd().GetLine())
		if start == 0 || from < start {
			start = from
		}
		end = max(end, from, to)
	}
	return start, end
}

// splitName takes an operation's name in the build's progress apart, as
// BuildKit's Dockerfile frontend writes it: "[linux/arm64 build 2/5] ONBUILD RUN make".
func splitName(name string) (text, stage string, onBuild bool) {
	head, rest, ok := strings.Cut(name, "] ")
	if !ok || !strings.HasPrefix(head, "[") {
		return name, "", false
	}
	fields := strings.Fields(head[1:])
	if n := len(fields); n > 1 && !strings.Contains(fields[n-2], "/") && strings.Contains(fields[n-1], "/") {
		stage = fields[n-2]
	}
	return rest, stage, strings.HasPrefix(rest, "ONBUILD ")
}

// copiedFrom is the stage or image that a COPY names; empty for every other
// instruction.
func copiedFrom(instruction string) string {
	words := strings.Fields(strings.TrimPrefix(instruction, "ONBUILD "))
	if len(words) == 0 || !strings.EqualFold(words[0], "COPY") {
		return ""
	}
	for _, w := range words[1:] {
		if !strings.HasPrefix(w, "--") {
			return ""
		}
		if from, ok := strings.CutPrefix(w, "--from="); ok {
			return report.CutInstruction(strings.Trim(from, `"'`))
		}
	}
	return ""
}

// stageName is the name of a stage that is given by name or by number.
func (d *dockerfile) stageName(name string) string {
	if d == nil {
		return name
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < len(d.stages) {
		return d.stages[n].name
	}
	return name
}
