package llbgen_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/llbgen"
)

const scannerImage = "registry.example/frontend@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func scanner() llbgen.Scanner {
	platform := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	return llbgen.Scanner{Image: llb.Image(scannerImage, llb.Platform(platform)), Platform: platform}
}

func scan() llbgen.Scan {
	return llbgen.Scan{
		Scanner: scanner(),
		Rootfs:  llb.Image("registry.example/app:1", llb.LinuxArm64).AddEnv("LD_PRELOAD", "/evil.so").Dir("/app"),
		Flags:   []string{"--fail-on=high"},
		ID:      "one",
		Name:    "scan",
	}
}

// graph is a marshalled state, by digest, with the operation that it ends in.
type graph struct {
	ops  map[string]*pb.Op
	meta map[string]*pb.OpMetadata
	head *pb.Op
	id   string
}

func marshal(t *testing.T, st llb.State) graph {
	t.Helper()
	def, err := st.Marshal(context.Background())
	require.NoError(t, err)
	g := graph{ops: map[string]*pb.Op{}, meta: map[string]*pb.OpMetadata{}}
	for _, dt := range def.Def {
		var op pb.Op
		require.NoError(t, op.UnmarshalVT(dt))
		g.ops[digest.FromBytes(dt).String()] = &op
	}
	for dgst, m := range def.ToPB().Metadata {
		g.meta[dgst] = m
	}
	head, err := def.Head()
	require.NoError(t, err)
	g.id, g.head = head.String(), g.ops[head.String()]
	return g
}

// source is the identifier of the source operation behind a mount.
func (g graph) source(t *testing.T, m *pb.Mount) string {
	t.Helper()
	if m.Input < 0 {
		return "scratch"
	}
	return g.ops[g.head.Inputs[m.Input].Digest].GetSource().GetIdentifier()
}

func mounts(op *pb.Op) map[string]*pb.Mount {
	out := map[string]*pb.Mount{}
	for _, m := range op.GetExec().Mounts {
		out[m.Dest] = m
	}
	return out
}

func TestScanIsCaged(t *testing.T) {
	g := marshal(t, scan().State())
	exec := g.head.GetExec()
	require.NotNil(t, exec)
	require.Equal(t, pb.NetMode_NONE, exec.Network)
	require.Equal(t, pb.SecurityMode_SANDBOX, exec.Security)
	require.Empty(t, exec.Secretenv)
	require.Empty(t, exec.Meta.ProxyEnv)
	require.Empty(t, exec.Meta.User)
	require.Equal(t, "/", exec.Meta.Cwd)

	var env []string
	for _, e := range exec.Meta.Env {
		if e != llbgen.EnvScanID+"=one" {
			env = append(env, e)
		}
	}
	for _, e := range env {
		require.Contains(t, e, "PATH=", "nothing of the rootfs's environment reaches the scanner")
	}

	ms := mounts(g.head)
	require.Len(t, ms, 3)
	for _, dest := range []string{"/", llbgen.RootfsDir, llbgen.OutDir} {
		require.Equal(t, pb.MountType_BIND, ms[dest].MountType, dest)
	}
	require.True(t, ms["/"].Readonly)
	require.Equal(t, "docker-image://"+scannerImage, g.source(t, ms["/"]))
	require.True(t, ms[llbgen.RootfsDir].Readonly)
	require.Equal(t, "docker-image://registry.example/app:1", g.source(t, ms[llbgen.RootfsDir]))
	require.False(t, ms[llbgen.OutDir].Readonly)
	require.Equal(t, "scratch", g.source(t, ms[llbgen.OutDir]))
}

func TestScanCommand(t *testing.T) {
	g := marshal(t, scan().State())
	args := g.head.GetExec().Meta.Args
	require.Equal(t, []string{
		"/bin/microscanner", "rootfs", "/run/microscanner/rootfs",
		"--db", "/db",
		"--format", "json",
		"--output", "/run/microscanner/out/report.json",
		"--report-only",
		"--fail-on=high",
	}, args)
	require.Equal(t, "scan", g.meta[g.id].Description["llb.customname"])
}

func TestScanRunsOnTheBuildPlatform(t *testing.T) {
	g := marshal(t, scan().State())
	require.Equal(t, "amd64", g.head.Platform.Architecture)
	rootfs := mounts(g.head)[llbgen.RootfsDir]
	require.Equal(t, "arm64", g.ops[g.head.Inputs[rootfs.Input].Digest].Platform.Architecture)
}

func TestScanWithADatabaseOfItsOwn(t *testing.T) {
	s := scan()
	db := llb.Image("registry.example/db:1", llb.LinuxAmd64)
	s.Database = &db
	g := marshal(t, s.State())
	m := mounts(g.head)[llbgen.DatabaseDir]
	require.NotNil(t, m)
	require.True(t, m.Readonly)
	require.Equal(t, "docker-image://registry.example/db:1", g.source(t, m))
}

func TestScanOfAnEmptyRootfs(t *testing.T) {
	s := scan()
	s.Rootfs = llb.Scratch()
	g := marshal(t, s.State())
	m := mounts(g.head)[llbgen.RootfsDir]
	require.NotNil(t, m)
	require.True(t, m.Readonly)
	require.Equal(t, "scratch", g.source(t, m))
}

func TestIDBustsTheCacheOfTheScanAlone(t *testing.T) {
	one, two := scan(), scan()
	two.ID = "two"
	a, b := marshal(t, one.State()), marshal(t, two.State())
	require.NotEqual(t, a.id, b.id)
	for _, in := range a.head.Inputs {
		require.Contains(t, b.ops, in.Digest, "what the scan reads keeps its cache key")
	}

	rootfs := func(g graph) pb.MountContentCache { return mounts(g.head)[llbgen.RootfsDir].ContentCache }
	require.Equal(t, pb.MountContentCache_OFF, rootfs(a), "no checksum of the rootfs for a key that is new anyway")

	one.ID, two.ID = "", ""
	require.Equal(t, pb.MountContentCache_DEFAULT, rootfs(marshal(t, one.State())))
	two.Name = "another name"
	require.Equal(t, marshal(t, one.State()).id, marshal(t, two.State()).id)
}

func TestGate(t *testing.T) {
	one, two := scan(), scan()
	two.Rootfs = llb.Scratch()
	gate := llbgen.Gate{
		Scanner: scanner(),
		Reports: []llb.State{one.State(), two.State()},
		ID:      "one",
		Name:    "gate",
	}
	g := marshal(t, gate.State())
	exec := g.head.GetExec()
	require.Equal(t, pb.NetMode_NONE, exec.Network)
	require.Equal(t, []string{
		"/bin/microscanner", "gate",
		"/run/microscanner/reports/0/report.json", "/run/microscanner/reports/1/report.json",
	}, exec.Meta.Args)
	ms := mounts(g.head)
	require.True(t, ms["/"].Readonly)
	require.True(t, ms["/run/microscanner/reports/0"].Readonly)
	require.True(t, ms["/run/microscanner/reports/1"].Readonly)
	require.NotContains(t, ms, llbgen.RootfsDir, "the gate never sees a rootfs")
	require.Contains(t, g.ops, marshal(t, one.State()).id, "the gate reads the very scan that was made")
}

func TestSameValuesSameBytes(t *testing.T) {
	db := llb.Image("registry.example/db:1", llb.LinuxAmd64)
	states := func() []llb.State {
		s := scan()
		s.Database = &db
		gate := llbgen.Gate{Scanner: scanner(), Reports: []llb.State{s.State(), scan().State()}, ID: "one"}
		return []llb.State{s.State(), gate.State()}
	}
	var first [][]byte
	for range 50 {
		var now [][]byte
		for _, st := range states() {
			def, err := st.Marshal(context.Background())
			require.NoError(t, err)
			dt, err := def.ToPB().MarshalVT()
			require.NoError(t, err)
			// The metadata is a map, and protobuf writes maps in any order.
			now = append(now, bytes.Join(def.Def, nil), sorted(dt))
		}
		if first == nil {
			first = now
		}
		require.Equal(t, first, now)
	}
}

func TestHasImage(t *testing.T) {
	has := func(st llb.State) bool {
		def, err := st.Marshal(context.Background())
		require.NoError(t, err)
		return llbgen.HasImage(def.ToPB())
	}
	local := llb.Scratch().File(llb.Copy(llb.Local("context"), "/", "/"))
	require.False(t, has(llb.Scratch()))
	require.False(t, has(local))
	require.False(t, has(llb.Git("https://git.example/r.git", "")))
	require.True(t, has(llb.Image("registry.example/app:1")))
	require.True(t, has(local.File(llb.Copy(llb.Image("registry.example/app:1"), "/a", "/a"))))
	require.True(t, has(llb.OCILayout("app@"+string(digest.FromString("x")), llb.OCIStore("", "store"))))
	require.True(t, llbgen.HasImage(&pb.Definition{Def: [][]byte{{0xff}}}), "what cannot be read")
}

func TestKeepResults(t *testing.T) {
	s := scan()
	s.Rootfs = s.Rootfs.Run(llb.Shlex("make"), llb.IgnoreCache).Root()
	ignored := func(def *pb.Definition) int {
		n := 0
		for _, m := range def.Metadata {
			if m.IgnoreCache {
				n++
			}
		}
		return n
	}
	def, err := s.State().Marshal(context.Background())
	require.NoError(t, err)
	req := def.ToPB()
	require.Equal(t, 1, ignored(req))
	llbgen.KeepResults(req)
	require.Zero(t, ignored(req))
	require.Equal(t, def.Def, req.Def, "the operations are the same")
}

func sorted(dt []byte) []byte {
	out := slices.Clone(dt)
	slices.Sort(out)
	return out
}
