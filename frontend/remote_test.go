package frontend

import (
	"context"
	"errors"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/example/microscanner-frontend/llbgen"
	"github.com/example/microscanner-frontend/scanner/settings"
)

// stageDir is what a stage wrote: files at the top of its result.
type stageDir struct {
	client.Reference
	files map[string]string
}

func (d stageDir) ReadDir(_ context.Context, req client.ReadDirRequest) ([]*fstypes.Stat, error) {
	if _, ok := d.files[req.IncludePattern]; ok {
		return []*fstypes.Stat{{Path: req.IncludePattern}}, nil
	}
	return nil, nil
}

func (d stageDir) ReadFile(_ context.Context, req client.ReadRequest) ([]byte, error) {
	text, ok := d.files[req.Filename]
	if !ok {
		return nil, errors.New("no such file")
	}
	return []byte(text)[req.Range.Offset:], nil
}

// TestReadReport: only a report is a report.
func TestReadReport(t *testing.T) {
	asks := stage{cfg: config{Settings: settings.Settings{Server: "https://scan.example.com"}}}
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"refused":            {map[string]string{llbgen.ErrorName: "the token\x1b[31m was revoked\n"}, `the token\x1b[31m was revoked`},
		"refused, all same":  {map[string]string{llbgen.ErrorName: "no\n", llbgen.ReportName: "{}"}, "no"},
		"neither":            {nil, "read the report: no such file"},
		"a report's remains": {map[string]string{llbgen.ReportName: `{"scan_started":`}, "report"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := asks.readReport(t.Context(), stageDir{files: tc.files})
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// TestReportState: with a service, what sees the rootfs has no network.
func TestReportState(t *testing.T) {
	execs := func(s stage) []*pb.ExecOp {
		s.scanner = llbgen.Scanner{Image: llb.Image("registry.example/frontend:1")}
		s.id = "one"
		def, err := s.reportState(target{platform: "linux/amd64"}, llb.Image("registry.example/app:1"), "", "").Marshal(t.Context())
		require.NoError(t, err)
		var out []*pb.ExecOp
		for _, dt := range def.Def {
			var op pb.Op
			require.NoError(t, op.UnmarshalVT(dt))
			if e := op.GetExec(); e != nil {
				out = append(out, e)
			}
		}
		return out
	}
	local := execs(stage{cfg: config{Settings: settings.Default()}})
	require.Len(t, local, 1)
	require.Equal(t, "rootfs", local[0].Meta.Args[1])

	cfg := config{Settings: settings.Default()}
	cfg.Server = "https://scan.example.com"
	two := execs(stage{cfg: cfg})
	require.Len(t, two, 2)
	require.Equal(t, "inventory", two[0].Meta.Args[1])
	require.Equal(t, pb.NetMode_NONE, two[0].Network)
	require.Equal(t, "remote", two[1].Meta.Args[1])
	require.Contains(t, two[1].Meta.Args, "--platform=linux/amd64")
	require.Contains(t, two[1].Meta.Env, llbgen.EnvScanID+"=one", "asked anew although the inventory may come from the cache")
}
