package frontend

import (
	"context"
	"errors"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/util/grpcerrors"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestSameImage(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"example/scan", "docker.io/example/scan:latest", true},
		{"registry.example:5000/scan:1", "registry.example:5000/scan:1", true},
		{"example/scan", "example/scan:1", false},
		{"example/scan", "registry.example/example/scan", false},
		{"", "", false},
		{"NOT an image", "NOT an image", false},
	} {
		require.Equal(t, tc.want, sameImage(tc.a, tc.b), "%s and %s", tc.a, tc.b)
	}
}

// opts is a client that has nothing but options.
type opts struct {
	client.Client
	all map[string]string
}

func (o opts) BuildOpts() client.BuildOpts { return client.BuildOpts{Opts: o.all} }

func TestBuildOptsAreACopy(t *testing.T) {
	all := map[string]string{"build-arg:A": "1", "build-arg:MICROSCANNER_FAIL_ON": "low"}
	c := &buildClient{Client: opts{all: all}, opts: map[string]string{"build-arg:A": "1"}}
	got := c.BuildOpts().Opts
	require.Equal(t, map[string]string{"build-arg:A": "1"}, got)
	got["cmdline"] = "x" // as the Dockerfile frontend does
	require.NotContains(t, c.BuildOpts().Opts, "cmdline")
	require.Len(t, all, 2)
}

// gateway is a client that notes what is solved.
type gateway struct {
	opts
	solved *client.SolveRequest
	warned *int
}

func (g gateway) BuildOpts() client.BuildOpts {
	return client.BuildOpts{Opts: g.all, Caps: gatewaypb.Caps.CapSet(gatewaypb.Caps.All())}
}

func (g gateway) Inputs(context.Context) (map[string]llb.State, error) {
	return map[string]llb.State{"input": llb.Scratch()}, nil
}

func (g gateway) Solve(_ context.Context, req client.SolveRequest) (*client.Result, error) {
	*g.solved = req
	return client.NewResult(), nil
}

func (g gateway) Warn(context.Context, digest.Digest, string, client.WarnOpts) error {
	*g.warned++
	return nil
}

// TestAnotherFrontend is called as BuildKit's Dockerfile frontend calls one.
func TestAnotherFrontend(t *testing.T) {
	var req client.SolveRequest
	c := &buildClient{Client: gateway{solved: &req}, opts: map[string]string{
		"source": "example/scan", "cmdline": "example/scan", "target": "x", "build-arg:A": "1", "build-arg:BUILDKIT_SYNTAX": "example/scan",
	}}
	_, err := c.build(t.Context(), "docker/dockerfile:1-labs")
	require.NoError(t, err)
	require.Equal(t, "gateway.v0", req.Frontend)
	require.Equal(t, map[string]string{
		"source": "docker/dockerfile:1-labs", "cmdline": "docker/dockerfile:1-labs", "target": "x", "build-arg:A": "1",
		"build-arg:BUILDKIT_SYNTAX": "docker/dockerfile:1-labs",
	}, req.FrontendOpt)
	require.Contains(t, req.FrontendInputs, "input")
	require.Equal(t, "example/scan", c.opts["source"], "the options stay as they are")
}

func TestQuietBuild(t *testing.T) {
	n := 0
	c := &buildClient{Client: gateway{warned: &n}}
	require.NoError(t, c.Warn(t.Context(), "", "x", client.WarnOpts{}))
	require.Equal(t, 1, n)
	c.quiet = true
	require.NoError(t, c.Warn(t.Context(), "", "x", client.WarnOpts{}))
	require.Equal(t, 1, n)
}

func TestWithoutCap(t *testing.T) {
	require.Empty(t, withoutCap("moby.buildkit.frontend.subrequests+forward", capSubrequests))
	require.Equal(t, "a,b+x", withoutCap("a,moby.buildkit.frontend.subrequests,b+x", capSubrequests))
}

// TestSentenceReachesTheClient: BuildKit sends an error as a gRPC status, and
// would take that of the error beneath.
func TestSentenceReachesTheClient(t *testing.T) {
	beneath := grpcerrors.FromGRPC(status.Error(codes.Unknown, "process did not complete successfully: exit code: 4"))
	err := scanError(target{platform: "linux/amd64"}, beneath)
	got := grpcerrors.FromGRPC(grpcerrors.ToGRPC(t.Context(), err))
	require.Equal(t, err.Error(), got.Error())
	require.Contains(t, got.Error(), "This is an error in the scan, not a finding: process did not")
	require.ErrorIs(t, err, beneath)

	plain := badDatabase("x y", errors.New("no"))
	require.EqualError(t, grpcerrors.FromGRPC(grpcerrors.ToGRPC(t.Context(), plain)), plain.Error())
}
