package llbgen_test

import (
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/llbgen"
)

func TestAttestation(t *testing.T) {
	def := definition(t, llbgen.Attestation([]byte("{}"), "attest"))
	assert.Equal(t, def, definition(t, llbgen.Attestation([]byte("{}"), "attest")), "the same values give the same bytes")
	var op pb.Op
	require.NoError(t, op.UnmarshalVT(def.Def[0]))
	file := op.GetFile().GetActions()[0].GetMkfile()
	assert.Equal(t, "/"+llbgen.AttestationName, file.GetPath())
	assert.Equal(t, "{}", string(file.GetData()))
}

func TestPinnedImage(t *testing.T) {
	const digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	for name, tc := range map[string]struct {
		state llb.State
		want  string
	}{
		"pinned":      {llb.Image("example/frontend:1@" + digest), "docker.io/example/frontend:1@" + digest},
		"not pinned":  {llb.Image("example/frontend:1"), ""},
		"a context":   {llb.Local("context"), ""},
		"two images":  {llb.Image("a@" + digest).File(llb.Copy(llb.Image("b@"+digest), "/", "/")), ""},
		"with a step": {llb.Image("a@" + digest).File(llb.Mkdir("/x", 0o755)), "docker.io/library/a@" + digest},
	} {
		t.Run(name, func(t *testing.T) {
			got := llbgen.PinnedImage(definition(t, tc.state))
			if tc.want == "" {
				assert.Nil(t, got)
				return
			}
			require.NotNil(t, got)
			assert.Equal(t, tc.want, got.String())
		})
	}
	assert.Nil(t, llbgen.PinnedImage(&pb.Definition{Def: [][]byte{{0xff}}}))
}
