package frontend

import (
	"testing"

	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/llbgen"
	"github.com/example/microscanner-frontend/scanner/settings"
)

const fiveStages = `# syntax=example/frontend
FROM debian:12 AS Base
RUN one
FROM base AS alias
ENV A=1
FROM debian:12
COPY a /a
FROM scratch AS final
COPY --from=alias / /
FROM base AS unused
`

func stagesOf(t *testing.T, target string, names ...string) *builderStages {
	t.Helper()
	text := "final"
	for i, n := range names {
		if i == 0 {
			text = n
			continue
		}
		text += "," + n
	}
	args, err := settings.ParseArgs(map[string]string{"MICROSCANNER_STAGES": text})
	require.NoError(t, err)
	merged, err := settings.Merge(settings.Lock{}, args)
	require.NoError(t, err)
	cfg := config{Settings: merged, target: target, dockerfile: []byte(fiveStages)}
	return &builderStages{
		stage: &stage{cfg: cfg},
		file:  parseDockerfile(&pb.SourceInfo{Language: languageDockerfile, Data: cfg.dockerfile}),
	}
}

func TestNamedStages(t *testing.T) {
	for _, tc := range []struct {
		target string
		names  []string
		want   []int
	}{
		{"", []string{"base"}, []int{0}},
		{"", []string{"ALIAS", "0"}, []int{0, 1}},
		{"", []string{"base", "0", "stage-2"}, []int{0, 2}},
		{"", []string{"unused"}, nil},
		{"FINAL", []string{"unused", "3"}, []int{4}},
	} {
		got, err := stagesOf(t, tc.target, tc.names...).named()
		require.NoError(t, err)
		require.Equal(t, tc.want, got, "%v", tc.names)
	}
	for _, name := range []string{"nope", "5", "stage-0"} {
		_, err := stagesOf(t, "", name).named()
		require.EqualError(t, err, `microscanner: error: the Dockerfile has no stage "`+name+
			`" (setting stages, --build-arg MICROSCANNER_STAGES); its stages are base, alias, 2, final, unused`)
	}
}

// TestAllStagesAreThoseOfTheImage: what no image was made from is none of them.
func TestAllStagesAreThoseOfTheImage(t *testing.T) {
	b := stagesOf(t, "final", "all")
	b.reached = []map[int]*pb.Definition{{0: {}, 3: {}}, {2: {}, 3: {}}}
	require.Equal(t, []int{0, 2}, b.all())
}

// TestStageWithoutSteps is the stage that it is made from.
func TestStageWithoutSteps(t *testing.T) {
	b := stagesOf(t, "final", "alias")
	base := &pb.Definition{}
	b.reached = []map[int]*pb.Definition{{0: base}, nil}
	require.Same(t, base, b.definition(0, 0))
	require.Same(t, base, b.definition(0, 1))
	require.Nil(t, b.definition(0, 2))
	require.Nil(t, b.definition(0, 3), "it has steps, and they are not in the image")
	require.Same(t, base, b.definition(0, 4))
	require.Nil(t, b.definition(1, 1))
	require.Equal(t, []string{"base", "stage-2"}, []string{b.file.shown(0), b.file.shown(2)})
}

// TestStageOfAnotherFile: a bake file's targets can be made from each other, and
// have Dockerfiles of their own.
func TestStageOfAnotherFile(t *testing.T) {
	b := stagesOf(t, "", "all")
	at := func(data string, line int32) llbgen.Location {
		return llbgen.Location{
			Source: &pb.SourceInfo{Filename: "Dockerfile", Language: languageDockerfile, Data: []byte(data)},
			Ranges: []*pb.Range{{Start: &pb.Position{Line: line}}},
		}
	}
	require.Equal(t, 2, b.stageOf(at(fiveStages, 7)))
	require.Equal(t, -1, b.stageOf(at("FROM scratch\n", 1)))
	require.Equal(t, -1, b.stageOf(at(fiveStages, 1)))
	require.Equal(t, -1, b.stageOf(at(fiveStages, 0)))
}

func TestUnnamedStageThatIsNotBuilt(t *testing.T) {
	_, err := stagesOf(t, "", "2").build(t.Context(), 2, "linux/amd64")
	require.ErrorContains(t, err, "stage 2 (setting stages) has no name and the image is not made from it")
}
