package llbgen_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/llbgen"
)

// TestSuppressionsAreAFile: on a read-only mount, and only if there are any.
func TestSuppressionsAreAFile(t *testing.T) {
	plain := marshal(t, scan().State())
	require.NotContains(t, mounts(plain.head), llbgen.SuppressionsDir)
	require.NotContains(t, plain.head.GetExec().Meta.Args, "--suppressions")

	s := scan()
	s.Suppressions = []byte(`[{"by":"ignore"}]`)
	g := marshal(t, s.State())
	require.Contains(t, strings.Join(g.head.GetExec().Meta.Args, " "), "--suppressions "+llbgen.SuppressionsDir+"/suppressions.json")
	m := mounts(g.head)[llbgen.SuppressionsDir]
	require.NotNil(t, m)
	require.True(t, m.Readonly)
	file := g.ops[g.head.Inputs[m.Input].Digest].GetFile().Actions[0].GetMkfile()
	require.Equal(t, "/suppressions.json", file.Path)
	require.Equal(t, s.Suppressions, file.Data)
	require.Equal(t, g.id, marshal(t, s.State()).id, "the same values give the same bytes")
}

// TestDayIsPartOfTheKey: without an ID, only if there is one.
func TestDayIsPartOfTheKey(t *testing.T) {
	s := scan()
	s.Day = "2026-11-22"
	require.Equal(t, marshal(t, scan().State()).id, marshal(t, s.State()).id, "an ID is enough")
	s.ID, s.Day = "", ""
	never := marshal(t, s.State()).id
	require.Equal(t, never, marshal(t, s.State()).id)
	s.Day = "2026-11-22"
	today := marshal(t, s.State()).id
	s.Day = "2026-11-23"
	require.NotEqual(t, today, marshal(t, s.State()).id)
	require.NotEqual(t, never, today)
}
