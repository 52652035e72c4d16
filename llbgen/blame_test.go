package llbgen_test

import (
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/llbgen"
)

// TestBlameIsCaged: it sees more of the image than the scan does, and has no
// more than the scan has.
func TestBlameIsCaged(t *testing.T) {
	b := llbgen.Blame{
		Scanner: scanner(), Report: scan().State(), ID: "one", Name: "blame",
		Rootfs: []llb.State{base(), base().Run(llb.Shlex("one")).Root()},
		Flags:  []string{"--step={}", "--step={}"},
	}
	g := marshal(t, b.State())
	exec := g.head.GetExec()
	require.Equal(t, pb.NetMode_NONE, exec.Network)
	require.Equal(t, pb.SecurityMode_SANDBOX, exec.Security)
	require.Empty(t, exec.Secretenv)
	require.Equal(t, []string{
		"/bin/microscanner", "blame", "/run/microscanner/reports/0/report.json",
		"--output", "/run/microscanner/out/report.json", "--step={}", "--step={}",
	}, exec.Meta.Args)
	ms := mounts(g.head)
	require.Len(t, ms, 5)
	for _, dest := range []string{"/", "/run/microscanner/reports/0", llbgen.StepDir(0), llbgen.StepDir(1)} {
		require.True(t, ms[dest].Readonly, dest)
		require.Equal(t, pb.MountType_BIND, ms[dest].MountType, dest)
	}
	require.False(t, ms[llbgen.OutDir].Readonly)
	require.Equal(t, "scratch", g.source(t, ms[llbgen.OutDir]))
	require.Contains(t, g.ops, marshal(t, scan().State()).id, "it reads the very report of the scan")

	b.ID = ""
	for dest, m := range mounts(marshal(t, b.State()).head) {
		require.Equal(t, dest == llbgen.StepDir(0) || dest == llbgen.StepDir(1), m.ContentCache == pb.MountContentCache_OFF, "a checksum of %s", dest)
	}
}
