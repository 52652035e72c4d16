package e2e

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
)

// replaceScanner pushes the frontend's image with another program in the
// scanner's place, compiled from a folder of testdata. The scanner itself is
// at /bin/microscanner-real.
func replaceScanner(t *testing.T, env *harness.Env, program string, ldflags string) string {
	t.Helper()
	dir := t.TempDir()
	r := env.Run(t.Context(), filepath.Join(env.Root(), "hack/e2e/testdata", program), nil,
		"env", "CGO_ENABLED=0", "go", "build", "-ldflags", ldflags, "-o", filepath.Join(dir, "program"), ".")
	require.Zero(t, r.ExitCode, r.Combined)
	writeFiles(t, dir, map[string]string{"Dockerfile": "FROM " + env.FrontendRef() + " AS it\nFROM it\nCOPY --from=it /bin/microscanner /bin/microscanner-real\nCOPY program /bin/microscanner\n"})
	ref := imageName(t, env, "frontend")
	mustPush(t, env, dir, "", ref)
	return ref
}

// TestBrokenScannerIsAnError: whatever goes wrong with the scanner, no image
// gets out, and nobody is told of findings.
func TestBrokenScannerIsAnError(t *testing.T) {
	env := start(t)
	dir := files(t, merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(opensslClean))))
	for _, way := range []string{"panic", "kill", "findings", "silent", "garbage", "empty", "lies"} {
		t.Run(way, func(t *testing.T) {
			frontend := replaceScanner(t, env, "broken", "-X main.way="+way)
			ref := imageName(t, env, "it")
			r := push(t, env, dir, frontend, ref)
			require.Equal(t, 1, r.ExitCode, r.Combined)
			require.Contains(t, r.Combined, "This is an error in the scan, not a finding")
			require.NotContains(t, r.Combined, "is not exported: ")
			requireNotPushed(t, ref)

			r = env.Buildx(t.Context(), dir, nil, "build", "--call=scan", "--build-arg", "BUILDKIT_SYNTAX="+frontend, ".")
			require.Equal(t, 1, r.ExitCode, r.Combined)
		})
	}
}
