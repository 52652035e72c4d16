package llbgen_test

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/llbgen"
)

// tens are parts of ten lines each.
func tens(l llbgen.Location) int { return int(l.Ranges[0].Start.Line) / 10 }

// operations lists the names of a definition's operations, the first one first.
func operations(def *pb.Definition) string {
	var out []string
	for _, dt := range def.Def {
		if name := def.Metadata[digest.FromBytes(dt).String()].GetDescription()["llb.customname"]; name != "" {
			out = append(out, name)
		}
	}
	return strings.Join(out, " ")
}

func TestParts(t *testing.T) {
	sm := sourceMap("Dockerfile")
	base := func(line int32) llb.State { return llb.Image("registry.example/base:1", at(sm, line, "base")) }
	run := func(st llb.State, line int32, name string) llb.State {
		return st.Run(llb.Shlex(name), at(sm, line, name)).Root()
	}
	// Part 1 begins as part 2 does, part 0 is not needed, part 3 is what is made.
	one := run(run(base(10), 11, "make"), 12, "one")
	two := run(base(20), 21, "make")
	inline := llb.Scratch().File(llb.Mkfile("/inline", 0o644, []byte("x")), at(sm, 32, "inline"))
	three := llb.Scratch().File(llb.Copy(one, "/a", "/a"), at(sm, 31, "copy-one")).
		File(llb.Copy(inline, "/inline", "/"), at(sm, 32, "copy-inline"))
	with := three.Run(llb.Shlex("three"), at(sm, 33, "three"))
	with.AddMount("/two", two)
	def := definition(t, with.Root())

	parts, err := llbgen.Parts(def, tens)
	require.NoError(t, err)
	require.Len(t, parts, 3)
	require.Equal(t, "base make one", operations(parts[1]))
	require.Equal(t, "base make", operations(parts[2]))
	require.ElementsMatch(t, strings.Fields(operations(def)), strings.Fields(operations(parts[3])))
	for i, part := range parts {
		for _, dt := range part.Def[:len(part.Def)-1] {
			require.Contains(t, def.Def, dt, "part %d: the operations are the build's own", i)
		}
		state, err := llb.NewDefinitionOp(part)
		require.NoError(t, err)
		steps, err := llbgen.Chain(definition(t, llb.NewState(state)))
		require.NoError(t, err)
		var lines []int32 // of the last step
		for _, l := range steps[len(steps)-1].Locations {
			lines = append(lines, l.Ranges[0].Start.Line)
		}
		require.Contains(t, lines, []int32{0, 12, 21, 33}[i])
	}
}

func TestPartsOfMerge(t *testing.T) {
	sm := sourceMap("Dockerfile")
	base := llb.Image("registry.example/base:1", at(sm, 1, "base"))
	link := llb.Scratch().File(llb.Mkfile("/a", 0o644, nil), at(sm, 2, "link"))
	def := definition(t, llb.Merge([]llb.State{base, link}, at(sm, 2, "merge")))
	parts, err := llbgen.Parts(def, tens)
	require.NoError(t, err)
	require.Equal(t, def.Def, parts[0].Def)
}

func TestPartsOfNothing(t *testing.T) {
	parts, err := llbgen.Parts(&pb.Definition{}, tens)
	require.NoError(t, err)
	require.Empty(t, parts)
	_, err = llbgen.Parts(&pb.Definition{Def: [][]byte{[]byte("no operation")}}, tens)
	require.Error(t, err)
}

func TestUnpack(t *testing.T) {
	def := definition(t, llbgen.Unpack([]byte("archive"), "write"))
	require.Equal(t, "write (archive) write", operations(def))
	var op pb.Op
	require.NoError(t, op.UnmarshalVT(def.Def[1]))
	require.True(t, op.GetFile().Actions[0].GetCopy().AttemptUnpackDockerCompatibility)
}
