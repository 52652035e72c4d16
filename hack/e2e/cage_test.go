package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheScannersCage puts a program in the scanner's place that tells what it
// can see.
func TestTheScannersCage(t *testing.T) {
	env := start(t)
	probe := replaceScanner(t, env, "probe", "")

	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("s3cr3t-t0ken"), 0o600))
	context := files(t, merge(map[string]string{"Dockerfile": copyRootfs + "ENV IMAGE=env\n"}, in("rootfs", alpine(opensslHigh))))
	for _, gate := range []bool{false, true} {
		args := []string{"--secret", "id=token,src=" + token}
		if !gate {
			args = append(args, "--build-arg", "MICROSCANNER_FAIL_ON=never")
		}
		r := push(t, env, context, probe, imageName(t, env, "it"), args...)
		require.Equal(t, gate, r.ExitCode != 0, r.Combined)
		told := probeLines(r.Combined)
		require.NotEmpty(t, told["interface"], r.Combined)
		require.Equal(t, []string{"lo"}, compact(told["interface"]), "the network")
		for _, e := range told["env"] {
			require.Regexp(t, `^(PATH|MICROSCANNER_SCAN_ID|HOME|HOSTNAME|TRACEPARENT|OTEL_[A-Z_]+)=`, e, "the environment")
		}
		require.NotContains(t, strings.Join(told["files"], " "), "secrets")
		require.NotContains(t, r.Combined, "s3cr3t-t0ken")
		require.Contains(t, told["write /run/microscanner/out"], "true")
		for _, dir := range []string{"/", "/bin", "/db", "/run/microscanner/rootfs", "/run/microscanner/rootfs/etc"} {
			require.NotEmpty(t, told["write "+dir])
			require.NotContains(t, told["write "+dir], "true", "%s is writable", dir)
		}
	}
}

// probeLines sorts what the probe said by what it said it of. buildx shows a
// step's lines behind a prefix of its own.
func probeLines(progress string) map[string][]string {
	out := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)PROBE ([^:]+): (.*)$`).FindAllStringSubmatch(progress, -1) {
		out[m[1]] = append(out[m[1]], strings.TrimSpace(m[2]))
	}
	return out
}

func compact(list []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
