package frontend

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/example/microscanner-frontend/llbgen"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/settings"
)

// dir is a rootfs with some names at its top.
type dir struct {
	client.Reference
	names []string
	err   error
}

func (d dir) ReadDir(context.Context, client.ReadDirRequest) ([]*fstypes.Stat, error) {
	var out []*fstypes.Stat
	for _, n := range d.names {
		out = append(out, &fstypes.Stat{Path: n})
	}
	return out, d.err
}

func TestNothingToScan(t *testing.T) {
	nothing := func(cfg config, ref client.Reference) bool {
		s := stage{cfg: cfg}
		return s.nothingToScan(t.Context(), ref, llb.Local("context"))
	}
	build := config{Settings: settings.Default()}
	require.True(t, nothing(build, nil), "an empty rootfs")
	require.True(t, nothing(build, dir{names: []string{"app", "data", "home"}}))
	for _, name := range systemDirs() {
		require.False(t, nothing(build, dir{names: []string{"app", name}}), name)
	}
	require.False(t, nothing(build, dir{err: errors.New("unreadable")}))

	s := stage{cfg: build}
	require.False(t, s.nothingToScan(t.Context(), dir{names: []string{"app"}}, llb.Image("registry.example/base:1")), "an image went into it")

	call := build
	call.request = requestScan
	require.False(t, nothing(call, dir{names: []string{"app"}}), "the report is asked for")
	strict := build
	strict.Policy.OnNoPackages = policy.Fail
	require.False(t, nothing(strict, nil), "the policy refuses it")
}

// TestSystemDirs: no distribution keeps its packages elsewhere.
func TestSystemDirs(t *testing.T) {
	for _, d := range all.List() {
		for _, path := range d.Databases {
			top, _, _ := strings.Cut(path, "/")
			require.Contains(t, systemDirs(), top, "%s has %s", d.Name, path)
		}
	}
}

// images is a client that notes how an image is looked up.
type images struct {
	opts
	mode *string
}

func (i images) BuildOpts() client.BuildOpts {
	return client.BuildOpts{Opts: i.all, LLBCaps: pb.Caps.CapSet(pb.Caps.All())}
}

func (i images) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	*i.mode = opt.ImageOpt.ResolveMode
	return ref + "@" + baseDigest, baseDigest, []byte("{}"), nil
}

// TestDatabaseOfALock: nothing that a build says stands for the database that a
// policy fixes.
func TestDatabaseOfALock(t *testing.T) {
	var mode string
	c := images{opts{all: map[string]string{
		"context:registry.example/db": "docker-image://registry.example/mine",
		optResolveMode:                "local",
	}}, &mode}
	source := func(fixed bool) string {
		cfg := config{Settings: settings.Settings{Database: "registry.example/db"}, fixedDB: fixed}
		st, err := databaseState(t.Context(), c, cfg, ocispecs.Platform{OS: "linux", Architecture: "amd64"})
		require.NoError(t, err)
		def, err := st.Marshal(t.Context())
		require.NoError(t, err)
		return llbgen.PinnedImage(def.ToPB()).Name()
	}
	require.Equal(t, "registry.example/mine", source(false))
	require.Equal(t, "registry.example/db", source(true))
	require.Empty(t, mode)
}
