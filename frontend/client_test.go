package frontend

import (
	"errors"
	"testing"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/grpcerrors"
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
