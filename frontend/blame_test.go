package frontend

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/grpcerrors"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/llbgen"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/severity"
)

const baseDigest = "sha256:4444444444444444444444444444444444444444444444444444444444444444"

// resolver knows one image, with a layer and perhaps triggers.
type resolver struct{ onBuild string }

func (r resolver) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	if !strings.Contains(ref, "base") { // or what it copies from would have triggers again
		r.onBuild = ""
	}
	config := `{"architecture":"amd64","os":"linux","config":{"OnBuild":[` + r.onBuild + `]},"rootfs":{"type":"layers","diff_ids":["` + baseDigest + `"]}}`
	return ref, baseDigest, []byte(config), nil
}

// chainOf is the chain of a Dockerfile's image, as BuildKit's own Dockerfile
// frontend makes it.
func chainOf(t *testing.T, text, target, onBuild string) []llbgen.Step {
	t.Helper()
	caps := pb.Caps.CapSet(pb.Caps.All())
	opt := dockerfile2llb.ConvertOpt{
		MetaResolver: resolver{onBuild},
		SourceMap:    llb.NewSourceMap(nil, "Dockerfile", languageDockerfile, []byte(text)),
		LLBCaps:      &caps,
	}
	opt.Target = target
	res, err := dockerfile2llb.Dockerfile2LLB(t.Context(), []byte(text), opt)
	require.NoError(t, err)
	def, err := res.State.Marshal(t.Context())
	require.NoError(t, err)
	op, err := llb.NewDefinitionOp(def.ToPB()) // as it comes back from BuildKit
	require.NoError(t, err)
	again, err := llb.NewState(op).Marshal(t.Context())
	require.NoError(t, err)
	steps, err := llbgen.Chain(again.ToPB())
	require.NoError(t, err)
	return steps
}

// brief is an origin in one line: "4-6 build<other base: RUN true".
func brief(by report.IntroducedBy) string {
	lines := fmt.Sprint(by.Line)
	if by.EndLine != by.Line {
		lines += fmt.Sprintf("-%d", by.EndLine)
	}
	if by.FromStage != "" {
		by.Stage += "<" + by.FromStage
	}
	if by.Base {
		by.Stage += " base"
	}
	return lines + " " + strings.TrimSpace(by.Stage) + ": " + by.Instruction
}

func TestOriginsOfDockerfiles(t *testing.T) {
	for _, tc := range []struct {
		name, dockerfile, target, onBuild string
		want                              []string
	}{
		{name: "one stage", dockerfile: "FROM base\nENV A=b\nWORKDIR /app\nRUN true \\\n # x\n && false\nCOPY . .\n",
			want: []string{"1 base: FROM base", "4-6 : RUN true && false", "7 : COPY . ."}},
		{name: "equal stages", dockerfile: "FROM base AS One\nRUN true\nFROM base AS two\nRUN true\nFROM one\nRUN false\nCOPY --from=two /a /b\nCOPY --from=0 /c /c\n",
			want: []string{"1 one base: FROM base AS One", "2 one: RUN true", "6 stage-2: RUN false", "7 stage-2<two: COPY --from=two /a /b", "8 stage-2<one: COPY --from=0 /c /c"}},
		{name: "equal stages by an argument", dockerfile: "ARG W=two\nFROM base AS one\nRUN true\nFROM base AS two\nRUN true\nFROM $W\nCOPY --from=one /a /b\n",
			want: []string{"4 two base: FROM base AS two", "5 two: RUN true", "7 stage-2<one: COPY --from=one /a /b"}},
		{name: "target", dockerfile: "FROM base AS one\nRUN true\nFROM base AS two\nRUN true\nCOPY --from=one /a /b\nFROM base\nRUN true\n", target: "two",
			want: []string{"3 two base: FROM base AS two", "4 two: RUN true", "5 two<one: COPY --from=one /a /b"}},
		{name: "triggers", dockerfile: "\nFROM base AS one\nRUN true\n", onBuild: `"RUN make","COPY --from=x /a /b","WORKDIR /x"`,
			want: []string{"2 one base: FROM base AS one", "2 one: ONBUILD RUN make", "2 one<x: ONBUILD COPY --from=x /a /b", "3 one: RUN true"}},
		{name: "heredocs", dockerfile: "FROM base\nRUN <<EOF\ntrue\nEOF\nCOPY <<a <<b /x/\n1\na\n2\nb\nRUN true\n",
			want: []string{"1 base: FROM base", "2-4 : RUN <<EOF", "5-9 : COPY <<a <<b /x/", "10 : RUN true"}},
		{name: "links", dockerfile: "FROM base\nCOPY --link a /a\nCOPY --link b /b\n",
			want: []string{"1 base: FROM base", "2 : COPY --link a /a", "3 : COPY --link b /b"}},
		{name: "scratch", dockerfile: "FROM scratch\nADD x.tar /\n", want: []string{"2 : ADD x.tar /"}},
		{name: "windows lines and lower case", dockerfile: "from base\r\nrun true\r\n", want: []string{"1 base: from base", "2 : run true"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := originsOf(chainOf(t, tc.dockerfile, tc.target, tc.onBuild), tc.target)
			var got []string
			for _, by := range o.by {
				require.Equal(t, "Dockerfile", by.File)
				if strings.Contains(tc.dockerfile, "base") {
					require.Equal(t, "docker.io/library/base:latest", by.BaseImage)
					require.Equal(t, baseDigest, by.BaseDigest)
				}
				got = append(got, brief(by))
			}
			require.Equal(t, tc.want, got)
			require.Contains(t, o.sources, "Dockerfile")
		})
	}
}

// TestOriginsWithoutADockerfile: another frontend's steps say what they can.
func TestOriginsWithoutADockerfile(t *testing.T) {
	source := &pb.SourceInfo{Filename: "build.yaml", Language: "YAML", Data: []byte("a: b\n")}
	at := func(line int32) []llbgen.Location {
		return []llbgen.Location{{Source: source, Ranges: []*pb.Range{{Start: &pb.Position{Line: line}, End: &pb.Position{Line: line}}}}}
	}
	o := originsOf([]llbgen.Step{
		{Image: "registry.example/base:1", Name: "load"},
		{Name: "[linux/arm64 build 2/5] install", Locations: at(7)},
		{Name: strings.Repeat("ü", 1000)},
	}, "")
	require.Equal(t, report.IntroducedBy{Instruction: "load", Base: true, BaseImage: "registry.example/base:1"}, o.by[0])
	require.Equal(t, report.IntroducedBy{File: "build.yaml", Line: 7, EndLine: 7, Instruction: "install", Stage: "build", BaseImage: "registry.example/base:1"}, o.by[1])
	require.LessOrEqual(t, len(o.by[2].Instruction), report.MaxInstruction)
	require.Empty(t, originsOf(nil, "").by)
}

// TestOriginsInFilesOfOneName: a target of a bake file that is made from another
// one has steps of two Dockerfiles.
func TestOriginsInFilesOfOneName(t *testing.T) {
	at := func(source *pb.SourceInfo, line int32) []llbgen.Location {
		return []llbgen.Location{{Source: source, Ranges: []*pb.Range{{Start: &pb.Position{Line: line}, End: &pb.Position{Line: line}}}}}
	}
	file := func(text string) *pb.SourceInfo {
		return &pb.SourceInfo{Filename: "Dockerfile", Language: languageDockerfile, Data: []byte(text)}
	}
	other, own := "FROM scratch\nRUN other\n", "FROM base\nRUN own\n"
	o := originsOf([]llbgen.Step{{Locations: at(file(other), 2)}, {Locations: at(file(own), 2)}, {Locations: at(file(own), 2)}}, "")
	for i, want := range []struct{ file, instruction, text string }{
		{"Dockerfile (2)", "RUN other", other}, {"Dockerfile", "RUN own", own}, {"Dockerfile", "RUN own", own},
	} {
		require.Equal(t, want.file, o.by[i].File)
		require.Equal(t, want.instruction, o.by[i].Instruction)
		require.Equal(t, want.text, string(o.sources[want.file].Data))
	}
	require.Len(t, o.sources, 2)
}

// FuzzOrigins: hostile Dockerfiles, and places that are not in them.
func FuzzOrigins(f *testing.F) {
	f.Add("FROM base AS one\nRUN <<EOF\nEOF\nFROM one\nCOPY --from=0 a b\n", int32(4), int32(1), "two", "[a 1/2] ONBUILD RUN x")
	f.Add("from\x00\nFROM a\nFROM a as a\n", int32(-1), int32(1<<30), "1", "[")
	f.Fuzz(func(t *testing.T, text string, one, two int32, target, name string) {
		source := &pb.SourceInfo{Filename: name, Language: languageDockerfile, Data: []byte(text)}
		at := func(line int32) llbgen.Location {
			return llbgen.Location{Source: source, Ranges: []*pb.Range{nil, {Start: &pb.Position{Line: line}}}}
		}
		o := originsOf([]llbgen.Step{{Name: name}, {Name: name, Locations: []llbgen.Location{at(one), at(two)}}, {Locations: []llbgen.Location{at(two)}, Command: text}}, target)
		for _, by := range o.by {
			require.LessOrEqual(t, len(by.Instruction), report.MaxInstruction)
			require.LessOrEqual(t, len(by.File), report.MaxInstruction)
		}
		for _, s := range o.sources {
			require.NotContains(t, string(s.Data), "\x1b")
		}
	})
}

// blamedScan is a scan whose packages came from lines of a Dockerfile.
func blamedScan(platform string, s severity.Severity, lines ...int) outcome {
	o := scanned(platform, policy.ExitGate, s, many(len(lines))...)
	for i, line := range lines {
		o.report.Resources[i].Vulnerabilities[0].IntroducedBy = &report.IntroducedBy{File: "Dockerfile", Line: line, EndLine: line}
	}
	o.sources = map[string]*pb.SourceInfo{"Dockerfile": {Filename: "Dockerfile", Data: []byte("a\nb\nc\nd\ne\n")}}
	return o
}

// TestFrames: the worst instructions come first, each once, and get through
// gRPC to the client.
func TestFrames(t *testing.T) {
	o := outcomes{
		blamedScan("linux/amd64", severity.High, 1, 2, 2, 3),
		blamedScan("linux/arm64", severity.Critical, 3, 4),
	}
	err := o.withSources(&buildError{"sentence", fmt.Errorf("cause")})
	for range 2 { // to BuildKit, and on to the client; each way turns the order
		err = grpcerrors.FromGRPC(grpcerrors.ToGRPC(t.Context(), err))
	}
	require.ErrorContains(t, err, "sentence: cause")
	var lines []int32
	for _, s := range errdefs.Sources(err) {
		require.Equal(t, "Dockerfile", s.Info.Filename)
		lines = append(lines, s.Ranges[0].Start.Line)
	}
	require.Equal(t, []int32{3, 4, 2}, lines)
	require.Empty(t, errdefs.Sources(outcomes{scanned("linux/amd64", policy.ExitGate, severity.High, "x")}.withSources(fmt.Errorf("x"))))
}

// TestFrameOfNoPlace: a file without a name is no place of what has none, and one
// that would not get through gRPC several times is not shown.
func TestFrameOfNoPlace(t *testing.T) {
	o := blamedScan("linux/amd64", severity.High, 1)
	by := o.report.Resources[0].Vulnerabilities[0].IntroducedBy
	require.Len(t, outcomes{o}.frames(), 1)

	o.sources["Dockerfile"].Data = bytes.Repeat([]byte("#"), maxShown+1)
	require.Empty(t, outcomes{o}.frames())

	o.sources = map[string]*pb.SourceInfo{"": {Data: []byte("a\n")}}
	*by = report.IntroducedBy{Instruction: "load"}
	require.Empty(t, outcomes{o}.frames())
}

func TestWarningsCarryTheirLine(t *testing.T) {
	o := blamedScan("linux/amd64", severity.High, 5)
	o.unblamed = fmt.Errorf("doubt\x1b[31m")
	got := outcomes{o}.warnings()
	require.Len(t, got, 2)
	require.Equal(t, `doubt\x1b[31m`, got[0].text)
	require.Nil(t, got[0].source)
	require.Equal(t, 5, got[1].by.Line)
	require.NotNil(t, got[1].source)
}
