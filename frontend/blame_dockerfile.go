package frontend

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
)

// dockerfile is what a Dockerfile says of the order of its instructions. Of a
// source in another language it says nothing.
type dockerfile struct {
	instructions []instruction
	stages       []buildStage
}

type instruction struct {
	start, end int // lines, 1-based
	text       string
	stage      int // index in the stages
}

type buildStage struct {
	name string
	// given is the name that the Dockerfile gives it; empty if it gives none.
	given string
	from  int // index of its FROM in the instructions
	base  int // index of the stage that it is made from; -1 if it is made from none
}

// languageDockerfile is BuildKit's name for Dockerfiles.
const languageDockerfile = "Dockerfile"

// parseDockerfile reads a Dockerfile that BuildKit's own frontend has built.
func parseDockerfile(source *pb.SourceInfo) *dockerfile {
	d := &dockerfile{}
	if !strings.EqualFold(source.Language, languageDockerfile) {
		return d
	}
	result, err := parser.Parse(bytes.NewReader(source.Data))
	if err != nil {
		return d // then it is not what was built
	}
	for _, node := range result.AST.Children {
		if strings.EqualFold(node.Value, "from") {
			d.addStage(node.Next)
		}
		if len(d.stages) > 0 { // before the first FROM, there are only ARGs
			d.instructions = append(d.instructions, instruction{node.StartLine, node.EndLine, node.Original, len(d.stages) - 1})
		}
	}
	if len(d.stages) == 1 && d.stages[0].name == "stage-0" {
		d.stages[0].name = "" // as BuildKit does
	}
	return d
}

// addStage adds the stage of a FROM, whose words are given.
func (d *dockerfile) addStage(words *parser.Node) {
	s := buildStage{name: fmt.Sprintf("stage-%d", len(d.stages)), from: len(d.instructions), base: -1}
	if words != nil {
		for i, other := range d.stages {
			if strings.EqualFold(other.name, words.Value) {
				s.base = i
			}
		}
		if as := words.Next; as != nil && strings.EqualFold(as.Value, "as") && as.Next != nil {
			s.given = strings.ToLower(as.Next.Value)
			s.name = s.given
		}
	}
	d.stages = append(d.stages, s)
}

// at is the instruction that begins in a line, or nil.
func (d *dockerfile) at(line int) *instruction {
	for i := range d.instructions {
		if d.instructions[i].start == line {
			return &d.instructions[i]
		}
	}
	return nil
}

// stageAt is the stage that a line is in, or -1.
func (d *dockerfile) stageAt(line int) int {
	stage := -1
	for _, in := range d.instructions {
		if in.start <= line {
			stage = in.stage
		}
	}
	return stage
}

// end is the last line of a stage: of the target, or of the last one if that is
// empty.
func (d *dockerfile) end(target string) int {
	end := math.MaxInt32
	for i := len(d.stages) - 1; i >= 0; i-- {
		if target == "" || strings.EqualFold(d.stages[i].name, target) || target == fmt.Sprint(i) {
			return end
		}
		end = d.instructions[d.stages[i].from].start - 1
	}
	return math.MaxInt32
}

// far is the distance of what does not come before a line at all.
const far = math.MaxInt64

// distance says how far an instruction is before a line of the Dockerfile, in
// the order in which the steps of a rootfs follow each other: less within the
// line's own stage than in the one that this is made from, and so on. What came
// with a FROM is in its line.
func (d *dockerfile) distance(from, line int) int64 {
	const otherStage = 1 << 32
	if from > line {
		return far
	}
	at := d.stageAt(from)
	stages := int64(0)
	for stage := d.stageAt(line); stage >= 0; stage = d.stages[stage].base {
		if stage == at {
			return stages*otherStage + int64(line-from)
		}
		stages++
	}
	// A stage is made from another by the value of an ARG.
	return int64(len(d.stages)+1)*otherStage + int64(line-from)
}

// root is where the first of the stages that a line's stage is made from begins:
// its FROM.
func (d *dockerfile) root(line int) (start, end int, ok bool) {
	stage := d.stageAt(line)
	if stage < 0 {
		return 0, 0, false
	}
	for d.stages[stage].base >= 0 {
		stage = d.stages[stage].base
	}
	from := d.instructions[d.stages[stage].from]
	return from.start, from.end, true
}

// printableSource is a source as it can be shown on a terminal: characters that
// one would obey are replaced.
func printableSource(source *pb.SourceInfo) *pb.SourceInfo {
	return &pb.SourceInfo{
		Filename: strings.Map(visible, source.Filename),
		Language: source.Language,
		Data:     bytes.Map(visible, source.Data),
	}
}

func visible(r rune) rune {
	switch {
	case r == '\n', r == '\t', unicode.IsPrint(r):
		return r
	case r == '\r':
		return -1
	}
	return unicode.ReplacementChar
}
