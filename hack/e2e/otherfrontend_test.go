package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
	"github.com/example/microscanner-frontend/scanner/report"
)

func TestOtherFrontend(t *testing.T) {
	env := start(t)
	upstream, err := env.BuildUpstreamFrontend(t.Context())
	require.NoError(t, err)
	with := "MICROSCANNER_FRONTEND=" + upstream
	t.Run("by build argument", func(t *testing.T) {
		refused, shipped := twoContexts(t, "# syntax="+env.FrontendRef()+"\n"+copyRootfs)
		r := push(t, env, refused, "", imageName(t, env, "no"), "--build-arg", with)
		requireRefused(t, r)
		require.Contains(t, r.Combined, "resolve image config for docker-image://"+upstream)
		require.Regexp(t, `\n +3 \| >>> COPY rootfs/ /`, r.Combined)
		r = push(t, env, shipped, "", imageName(t, env, "yes"), "--build-arg", with)
		requireShipped(t, r)
		require.Equal(t, 1, strings.Count(r.Combined, scanStep+"\n"), "the syntax line that led here does not lead back\n%s", r.Combined)
	})
	t.Run("buildctl, gateway", func(t *testing.T) {
		_, shipped := twoContexts(t, "# syntax="+env.FrontendRef()+"\n"+copyRootfs)
		r := env.Buildctl(t.Context(), shipped, nil, "build", "--frontend", "gateway.v0", "--opt", "source="+env.FrontendRef(),
			"--local", "context=.", "--local", "dockerfile=.", "--opt", "build-arg:"+with)
		requireShipped(t, r)
		require.Equal(t, 1, strings.Count(r.Combined, scanStep+"\n"), r.Combined)
	})
	t.Run("by directive", func(t *testing.T) {
		refused, shipped := twoContexts(t, "# syntax="+env.FrontendRef()+"\n# scan=frontend="+upstream+"\n"+copyRootfs)
		requireRefused(t, push(t, env, refused, "", imageName(t, env, "no")))
		requireShipped(t, push(t, env, shipped, "", imageName(t, env, "yes")))
	})
	t.Run("the image is the one of that frontend", func(t *testing.T) {
		dir := files(t, merge(map[string]string{"Dockerfile": "FROM scratch AS one\nCOPY rootfs/ /\nFROM one\nLABEL a=b\n"}, in("rootfs", alpine(opensslClean))))
		plain, scanned := imageName(t, env, "plain"), imageName(t, env, "scanned")
		args := []string{"--provenance=false", "--platform", "linux/amd64,linux/arm64"}
		mustPush(t, env, dir, upstream, plain, args...)
		r := mustPush(t, env, dir, env.FrontendRef(), scanned, append(args, "--build-arg", with)...)
		require.Contains(t, r.Combined, "[microscanner] scan the rootfs of linux/arm64")
		require.NotContains(t, r.Combined, "not consumed")
		requireSameDigest(t, env, plain, scanned)
	})
	t.Run("this one", func(t *testing.T) {
		refused, shipped := twoContexts(t, copyRootfs)
		own := "MICROSCANNER_FRONTEND=" + env.FrontendRef()
		requireRefused(t, push(t, env, refused, env.FrontendRef(), imageName(t, env, "no"), "--build-arg", own))
		r := push(t, env, shipped, env.FrontendRef(), imageName(t, env, "yes"), "--build-arg", own)
		requireShipped(t, r)
		require.Equal(t, 1, strings.Count(r.Combined, scanStep+"\n"), r.Combined)
	})
	t.Run("stages and calls", func(t *testing.T) {
		dir := files(t, fourStages())
		r := call(t, env, dir, "scan,format=json", "--build-arg", with, "--build-arg", "MICROSCANNER_STAGES=build,1,unused")
		require.Zero(t, r.ExitCode, r.Combined)
		require.Equal(t, map[string][]int{"": {}, "build": {2, 2}, "stage-1": {4}, "unused": {7}}, stagesIn(reportsOf(t, r)))
		r = call(t, env, dir, "targets", "--build-arg", with)
		require.Zero(t, r.ExitCode, r.Combined)
		require.Contains(t, r.Stdout, "unused")
	})
	t.Run("one that is not there", func(t *testing.T) {
		_, shipped := twoContexts(t, copyRootfs)
		r := push(t, env, shipped, env.FrontendRef(), imageName(t, env, "no"), "--build-arg", "MICROSCANNER_FRONTEND="+env.Ref("no/such:frontend"))
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, "the build with the frontend "+env.Ref("no/such:frontend")+" failed (setting frontend)")
	})
}

// TestFrontendWithoutDockerfile: a rootfs is a rootfs, whatever made it.
func TestFrontendWithoutDockerfile(t *testing.T) {
	env := start(t)
	with := "MICROSCANNER_FRONTEND=" + buildOtherFrontend(t, env)
	refused, shipped := twoContexts(t, "anything: else\n")
	r := push(t, env, refused, env.FrontendRef(), imageName(t, env, "no"), "--build-arg", with)
	requireRefused(t, r)
	requireShipped(t, push(t, env, shipped, env.FrontendRef(), imageName(t, env, "yes"), "--build-arg", with))
	// It cannot answer subrequests; a scan is none for it.
	r = call(t, env, refused, "scan,format=json", "--build-arg", with)
	require.Equal(t, 4, r.ExitCode, r.Combined)
	got, err := report.Decode(strings.NewReader(r.Stdout))
	require.NoError(t, err, r.Combined)
	require.Len(t, got.Findings(), 2)
	r = push(t, env, shipped, env.FrontendRef(), imageName(t, env, "no"), "--build-arg", with, "--build-arg", "MICROSCANNER_STAGES=build")
	require.Equal(t, 1, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, `the Dockerfile has no stage "build" (setting stages, --build-arg MICROSCANNER_STAGES); it has none`)
}

// buildOtherFrontend pushes an image of the frontend in testdata.
func buildOtherFrontend(t *testing.T, env *harness.Env) string {
	t.Helper()
	dir := files(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY frontend /\nENTRYPOINT [\"/frontend\"]\n"})
	r := env.Run(t.Context(), env.Root(), nil, "env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-o", filepath.Join(dir, "frontend"), "./hack/e2e/testdata/otherfrontend")
	require.Zero(t, r.ExitCode, r.Combined)
	ref := imageName(t, env, "frontend")
	mustPush(t, env, dir, "", ref, "--provenance=false")
	return ref
}
