package llbgen_test

import (
	"testing"

	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/llbgen"
)

func inventory() llbgen.Inventory {
	return llbgen.Inventory{Scanner: scanner(), Rootfs: scan().Rootfs, ID: "one", Name: "list"}
}

func remote() llbgen.Remote {
	return llbgen.Remote{
		Scanner: scanner(), Inventory: inventory().State(), Server: "https://scan.example.com",
		Flags: []string{"--fail-on=high"}, ID: "one", Name: "ask",
	}
}

// TestInventoryIsCaged: what reads the rootfs has neither a secret nor a network.
func TestInventoryIsCaged(t *testing.T) {
	g := marshal(t, inventory().State())
	exec := g.head.GetExec()
	require.Equal(t, pb.NetMode_NONE, exec.Network)
	require.Equal(t, pb.SecurityMode_SANDBOX, exec.Security)
	require.Empty(t, exec.Secretenv)
	require.Equal(t, []string{
		"/bin/microscanner", "inventory", "/run/microscanner/rootfs",
		"--output", "/run/microscanner/out/inventory.json",
	}, exec.Meta.Args)
	ms := mounts(g.head)
	require.Len(t, ms, 3)
	for _, dest := range []string{"/", llbgen.RootfsDir} {
		require.Equal(t, pb.MountType_BIND, ms[dest].MountType, dest)
		require.True(t, ms[dest].Readonly, dest)
	}
	require.Equal(t, "docker-image://registry.example/app:1", g.source(t, ms[llbgen.RootfsDir]))
	require.Equal(t, "scratch", g.source(t, ms[llbgen.OutDir]))

	again := inventory()
	again.ID = ""
	require.NotEqual(t, g.id, marshal(t, again.State()).id)
}

// TestRemoteSeesNoRootfs: what has the token sees the inventory alone.
func TestRemoteSeesNoRootfs(t *testing.T) {
	g := marshal(t, remote().State())
	exec := g.head.GetExec()
	require.Equal(t, pb.NetMode_UNSET, exec.Network, "the builder decides")
	require.Equal(t, pb.SecurityMode_SANDBOX, exec.Security)
	require.Empty(t, exec.Secretenv)
	require.Equal(t, []string{
		"/bin/microscanner", "remote", "/run/microscanner/inventory/inventory.json",
		"--server", "https://scan.example.com",
		"--format", "json",
		"--output", "/run/microscanner/out/report.json",
		"--error-file", "/run/microscanner/out/error.txt",
		"--report-only",
		"--fail-on=high",
	}, exec.Meta.Args)
	ms := mounts(g.head)
	require.Len(t, ms, 5)
	require.True(t, ms["/"].Readonly)
	require.Equal(t, "docker-image://"+scannerImage, g.source(t, ms["/"]))
	require.True(t, ms[llbgen.InventoryDir].Readonly)
	require.Equal(t, marshal(t, inventory().State()).id, g.head.Inputs[ms[llbgen.InventoryDir].Input].Digest)
	require.Equal(t, "scratch", g.source(t, ms[llbgen.OutDir]))
	for _, in := range g.head.Inputs {
		require.NotContains(t, g.ops[in.Digest].GetSource().GetIdentifier(), "app:1")
	}
	for id, dest := range map[string]string{"token": "/run/secrets/token", "microscanner-ca": "/run/secrets/microscanner-ca"} {
		m := ms[dest]
		require.NotNil(t, m, dest)
		require.Equal(t, pb.MountType_SECRET, m.MountType)
		require.Equal(t, &pb.SecretOpt{ID: id, Mode: 0o400, Optional: true}, m.SecretOpt)
	}
}

func TestRemoteWithSuppressions(t *testing.T) {
	r := remote()
	r.Suppressions = []byte("[]")
	g := marshal(t, r.State())
	require.Subset(t, g.head.GetExec().Meta.Args, []string{"--suppressions", llbgen.SuppressionsDir + "/suppressions.json"})
	require.True(t, mounts(g.head)[llbgen.SuppressionsDir].Readonly)
}

// TestRemoteAsksAnew: with an inventory from the cache too.
func TestRemoteAsksAnew(t *testing.T) {
	ask := func(id string) graph {
		i := inventory()
		i.ID = ""
		r := remote()
		r.Inventory, r.ID = i.State(), id
		return marshal(t, r.State())
	}
	one, two := ask("one"), ask("two")
	require.NotEqual(t, one.id, two.id)
	in := func(g graph) string { return g.head.Inputs[mounts(g.head)[llbgen.InventoryDir].Input].Digest }
	require.Equal(t, in(one), in(two))
	require.Equal(t, one.id, ask("one").id)
}
