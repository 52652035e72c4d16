package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type sameCase struct {
	files     map[string]string
	args      []string
	platforms []string
	nothing   bool // in the rootfs that could be scanned
}

// sameCases are Dockerfiles of every kind, with their contexts. BASE is a real
// Debian.
func sameCases() map[string]sameCase {
	return map[string]sameCase{
		"multi-stage": {files: map[string]string{
			"Dockerfile": "FROM BASE AS build\nRUN mkdir /out && dpkg-query -W > /out/packages\nFROM BASE\nCOPY --from=build /out/ /srv/\nENV A=1\nLABEL b=2\nCMD [\"/bin/true\"]\n",
		}},
		"copy-link": {files: map[string]string{
			"Dockerfile": "FROM BASE\nCOPY --link --chmod=0600 a /opt/a\nRUN cat /opt/a > /opt/b\n", "a": "a",
		}},
		"heredoc": {files: map[string]string{
			"Dockerfile": "FROM BASE\nRUN <<EOT\nset -e\necho one > /one\necho two > /two\nEOT\nCOPY <<-EOT /three\n\tthree\nEOT\n",
		}},
		"two-platforms": {files: merge(map[string]string{
			"Dockerfile": "FROM scratch\nARG TARGETARCH\nCOPY rootfs/ /\nCOPY bin/$TARGETARCH /bin/app\nENTRYPOINT [\"/bin/app\"]\n",
			"bin/amd64":  "amd64", "bin/arm64": "arm64",
		}, in("rootfs", alpine(opensslClean))), args: []string{"--platform", "linux/amd64,linux/arm64"}, platforms: []string{"linux/amd64", "linux/arm64"}},
		"scratch-static": {files: map[string]string{
			"Dockerfile": "FROM scratch\nCOPY app /app\nUSER 65534\nENTRYPOINT [\"/app\"]\n", "app": "static",
		}, nothing: true},
		"empty": {files: map[string]string{"Dockerfile": "FROM scratch\nLABEL nothing=here\n"}, nothing: true},
		"target": {files: map[string]string{
			"Dockerfile": "FROM BASE AS one\nRUN echo 1 > /1\nFROM one AS two\nRUN echo 2 > /2\nFROM two\nRUN false\n",
		}, args: []string{"--target", "two"}},
		"named-context": {files: merge(map[string]string{
			"Dockerfile": "FROM scratch\nCOPY --from=extra / /\n",
		}, in("extra", alpine(opensslClean))), args: []string{"--build-context", "extra=extra"}},
		"args-mounts": {files: map[string]string{
			"Dockerfile": "ARG TAG\nFROM BASE\nARG WHO=x\nWORKDIR /srv\nRUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --mount=type=bind,target=/src cp /src/f . && echo $WHO > who\nUSER www-data\nVOLUME /data\nHEALTHCHECK CMD true\nSTOPSIGNAL SIGQUIT\nEXPOSE 80\n", "f": "f",
		}, args: []string{"--build-arg", "WHO=me"}},
	}
}

func TestScannedImageIsThePlainImage(t *testing.T) {
	env := start(t)
	base := debianImage(t, env, clean)
	for name, tc := range sameCases() {
		t.Run(name, func(t *testing.T) {
			tc.files["Dockerfile"] = strings.ReplaceAll(tc.files["Dockerfile"], "BASE", base)
			dir := files(t, tc.files)
			args := append([]string{"--provenance=false"}, tc.args...)
			plain, scanned := imageName(t, env, "plain"), imageName(t, env, "scanned")
			mustPush(t, env, dir, "", plain, args...)
			r := mustPush(t, env, dir, env.FrontendRef(), scanned, args...)
			require.Equal(t, !tc.nothing, strings.Contains(r.Combined, "[microscanner] scan the rootfs of"), r.Combined)
			requireSameImage(t, env, plain, scanned, tc.platforms...)
			requireSameDigest(t, env, plain, scanned)
		})
	}
}

// TestOnBuild needs a base of its own, whose triggers run in the image under test.
func TestOnBuild(t *testing.T) {
	env := start(t)
	base := imageName(t, env, "base")
	dir := files(t, map[string]string{"Dockerfile": "FROM " + debianImage(t, env, clean) + "\nONBUILD COPY a /a\nONBUILD RUN cat /a /a > /aa\n", "a": "a"})
	mustPush(t, env, dir, "", base)
	dir = files(t, map[string]string{"Dockerfile": "FROM " + base + "\nRUN cat /aa > /aaa\n", "a": "b"})
	plain, scanned := imageName(t, env, "plain"), imageName(t, env, "scanned")
	mustPush(t, env, dir, "", plain, "--provenance=false")
	mustPush(t, env, dir, env.FrontendRef(), scanned, "--provenance=false")
	requireSameImage(t, env, plain, scanned)
	requireSameDigest(t, env, plain, scanned)
}

// TestScannedFirst has no cache of a plain build to fall back on.
func TestScannedFirst(t *testing.T) {
	env := start(t)
	base := debianImage(t, env, clean)
	dir := files(t, map[string]string{"Dockerfile": "FROM " + base + "\nRUN echo first > /first\n"})
	plain, scanned := imageName(t, env, "plain"), imageName(t, env, "scanned")
	mustPush(t, env, dir, env.FrontendRef(), scanned, "--provenance=false")
	r := mustPush(t, env, dir, "", plain, "--provenance=false")
	require.Contains(t, r.Combined, "CACHED", "the scanned build left the user's steps in the cache under their own keys")
	requireSameDigest(t, env, plain, scanned)
}

func TestScanRunsAgainAndNothingElse(t *testing.T) {
	env := start(t)
	base := debianImage(t, env, clean)
	dir := files(t, map[string]string{"Dockerfile": "FROM " + base + "\nCOPY a /a\nRUN cat /a > /b\nRUN cat /b > /c\n", "a": "again"})
	mustPush(t, env, dir, env.FrontendRef(), imageName(t, env, "one"))
	r := mustPush(t, env, dir, env.FrontendRef(), imageName(t, env, "two"))
	for i, step := range []string{"COPY a /a", "RUN cat /a > /b", "RUN cat /b > /c"} {
		require.True(t, cached(r.Combined, fmt.Sprintf("[%d/4] %s", i+2, step)), "%s ran again:\n%s", step, r.Combined)
	}
	require.False(t, cached(r.Combined, "[microscanner] scan the rootfs of linux/amd64"), r.Combined)
	require.Contains(t, r.Combined, "[microscanner] scan the rootfs of linux/amd64")
}

// TestNoCacheRunsEachStepOnce: a step that is not cached must not run once for
// the scan and once more for the export.
func TestNoCacheRunsEachStepOnce(t *testing.T) {
	env := start(t)
	base := debianImage(t, env, clean)
	dir := files(t, map[string]string{"Dockerfile": "FROM " + base + " AS one\nRUN echo marker-$((40+2)); cat /proc/sys/kernel/random/uuid > /uuid\nFROM one AS two\nRUN echo marker-$((40+3))\n"})
	for args, want := range map[string]string{"--no-cache": "marker-42", "--no-cache-filter=two": "marker-43"} {
		mustPush(t, env, dir, env.FrontendRef(), imageName(t, env, "warm"))
		r := mustPush(t, env, dir, env.FrontendRef(), imageName(t, env, "cold"), args)
		require.Equal(t, 1, strings.Count(r.Combined, want), r.Combined)
	}
}

// TestNoCacheEmptiesCacheMountsOnce: --no-cache begins with empty cache mounts,
// and what the build then puts there is for the next build. The scan, which
// comes after, must not empty them again.
func TestNoCacheEmptiesCacheMountsOnce(t *testing.T) {
	env := start(t)
	dir := files(t, map[string]string{"Dockerfile": "FROM " + debianImage(t, env, clean) + "\nARG ROUND\nRUN --mount=type=cache,target=/c touch /c/$ROUND && echo holds: $(ls /c)\n"})
	build := func(round string, args ...string) string {
		args = append(args, "--build-arg", "ROUND="+round)
		return mustPush(t, env, dir, env.FrontendRef(), imageName(t, env, "it"), args...).Combined
	}
	require.Contains(t, build("one"), "holds: one\n")
	require.Contains(t, build("two", "--no-cache"), "holds: two\n")
	require.Contains(t, build("three"), "holds: three two\n")
}
