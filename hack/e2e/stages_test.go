package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
	"github.com/example/microscanner-frontend/scanner/report"
)

// fourStages has findings in every stage but the last. That is made from the
// first two; nothing is made from the third.
func fourStages() map[string]string {
	return merge(map[string]string{
		"Dockerfile": `FROM scratch AS build
COPY build/ /
FROM scratch
COPY second/ /
FROM scratch AS unused
COPY build/ /
COPY second/ /
FROM scratch
COPY --from=build /etc/alpine-release /from-build
COPY --from=1 /etc/alpine-release /from-second
COPY rootfs/ /
`,
	}, in("build", alpine(opensslHigh)), in("second", alpine(opensslMedium)), in("rootfs", alpine(opensslClean)))
}

// reportsOf reads the answer of --call=scan,format=json for several reports.
func reportsOf(t *testing.T, r harness.Result) []report.Report {
	t.Helper()
	var out []report.Report
	require.NoError(t, json.Unmarshal([]byte(r.Stdout), &out), r.Combined)
	return out
}

// stagesIn lists the stages of reports, with the lines that findings are in.
func stagesIn(reports []report.Report) map[string][]int {
	out := map[string][]int{}
	for i := range reports {
		lines := []int{}
		for _, f := range reports[i].Findings() {
			if f.IntroducedBy != nil {
				lines = append(lines, f.IntroducedBy.Line)
			}
		}
		out[reports[i].Image.Stage] = lines
	}
	return out
}

func TestStages(t *testing.T) {
	env := start(t)
	dir := files(t, fourStages())
	plain := imageName(t, env, "plain")
	mustPush(t, env, dir, "", plain, "--provenance=false")
	t.Run("all are reported and none gates", func(t *testing.T) {
		ref := imageName(t, env, "it")
		r := mustPush(t, env, dir, env.FrontendRef(), ref, "--provenance=false", "--build-arg", "MICROSCANNER_STAGES=all")
		requireSameDigest(t, env, plain, ref)
		require.Contains(t, r.Combined, " - microscanner: stage build: openssl 3.3.1-r3 -> 3.3.2-r1: 1 high, 1 medium (CVE-2024-6119, CVE-2024-9143) (line 2)")
		require.Contains(t, r.Combined, " - microscanner: stage stage-1: openssl 3.3.2-r0 -> 3.3.2-r1: 1 medium (CVE-2024-9143) (line 4)")
		require.NotContains(t, r.Combined, "stage unused")
		require.Equal(t, 1, strings.Count(r.Combined, "] COPY build/ /\n"), r.Combined)
	})
	t.Run("final is the default", func(t *testing.T) {
		r := mustPush(t, env, dir, env.FrontendRef(), imageName(t, env, "it"))
		require.NotContains(t, r.Combined, "stage build")
	})
	t.Run("gate", func(t *testing.T) {
		ref := imageName(t, env, "no")
		r := push(t, env, dir, env.FrontendRef(), ref, "--build-arg", "MICROSCANNER_STAGES=all", "--build-arg", "MICROSCANNER_GATE_STAGES=true")
		requireRefused(t, r)
		requireNotPushed(t, ref)
		require.Contains(t, r.Combined, "the image of linux/amd64 is not exported: stage build: 1 vulnerability at or above high")
		require.Regexp(t, `\n +2 \| >>> COPY build/ /`, r.Combined)
	})
	t.Run("unknown", func(t *testing.T) {
		r := push(t, env, dir, env.FrontendRef(), imageName(t, env, "no"), "--build-arg", "MICROSCANNER_STAGES=build,nope")
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, `the Dockerfile has no stage "nope" (setting stages, --build-arg MICROSCANNER_STAGES); its stages are build, 1, unused, 3`)
	})
	for stages, want := range map[string]map[string][]int{
		"all":      {"": {}, "build": {2, 2}, "stage-1": {4}},
		"1":        {"": {}, "stage-1": {4}},
		"unused":   {"": {}, "unused": {7}},
		"unused,0": {"": {}, "unused": {7}, "build": {2, 2}},
	} {
		t.Run("call "+stages, func(t *testing.T) {
			r := call(t, env, dir, "scan,format=json", "--build-arg", "MICROSCANNER_STAGES="+stages)
			require.Zero(t, r.ExitCode, r.Combined)
			require.Equal(t, want, stagesIn(reportsOf(t, r)))
		})
	}
	t.Run("call, gate, platforms", func(t *testing.T) {
		r := call(t, env, dir, "scan,format=json", "--build-arg", "MICROSCANNER_STAGES=build", "--build-arg", "MICROSCANNER_GATE_STAGES=true", "--platform", "linux/amd64,linux/arm64")
		require.Equal(t, 4, r.ExitCode, r.Combined)
		var got []string
		for _, one := range reportsOf(t, r) {
			got = append(got, one.Image.Stage+" "+one.Image.Platform)
		}
		require.Equal(t, []string{" linux/amd64", " linux/arm64", "build linux/amd64", "build linux/arm64"}, got)
	})
	t.Run("target", func(t *testing.T) {
		r := call(t, env, dir, "scan", "--target", "unused", "--build-arg", "MICROSCANNER_STAGES=build,unused")
		require.Zero(t, r.ExitCode, r.Combined)
		require.Contains(t, r.Stdout, "target unused (linux/amd64), alpine")
		require.Contains(t, r.Stdout, "target unused stage build (linux/amd64), alpine")
	})
}

// TestStagesRunNothingTwice: also with --no-cache, where a step that a stage
// and the image have in common must not run for each.
func TestStagesRunNothingTwice(t *testing.T) {
	env := start(t)
	base := debianImage(t, env, clean)
	dir := files(t, map[string]string{
		"Dockerfile": "FROM " + base + ` AS tools
COPY a /a
RUN echo marker-$((40+1)); cat /proc/sys/kernel/random/uuid > /uuid
FROM tools AS build
RUN echo marker-$((40+2)); cat /uuid > /built
FROM tools AS unused
COPY c /c
RUN echo marker-$((40+4))
FROM ` + base + `
COPY b /b
COPY --from=build /built /built
RUN echo marker-$((40+3))
`, "a": "a", "b": "b", "c": "c"})
	stages := []string{"--build-arg", "MICROSCANNER_STAGES=all"}
	for _, args := range [][]string{stages, append([]string{"--no-cache"}, stages...)} {
		r := mustPush(t, env, dir, env.FrontendRef(), imageName(t, env, "cold"), args...)
		for _, marker := range []string{"marker-41", "marker-42", "marker-43"} {
			require.Equal(t, 1, timesPrinted(r.Combined, marker), r.Combined)
		}
		require.NotContains(t, r.Combined, "marker-44\n")
		require.Contains(t, r.Combined, "[microscanner] scan the rootfs of stage build, linux/amd64")
	}
	r := mustPush(t, env, dir, env.FrontendRef(), imageName(t, env, "cold"), "--no-cache", "--build-arg", "MICROSCANNER_STAGES=build,unused")
	for _, marker := range []string{"marker-41", "marker-42", "marker-43", "marker-44"} {
		require.Equal(t, 1, timesPrinted(r.Combined, marker), r.Combined)
	}
	r = mustPush(t, env, dir, env.FrontendRef(), imageName(t, env, "warm"), "--build-arg", "MICROSCANNER_STAGES=build,unused")
	for _, step := range []string{"[tools 3/3] RUN echo marker-$((40+1)); cat /proc/sys/kernel/random/uuid > /uuid", "[build 1/1] RUN echo marker-$((40+2)); cat /uuid > /built", "[unused 2/2] RUN echo marker-$((40+4))"} {
		require.True(t, cached(r.Combined, step), "%s\n%s", step, r.Combined)
	}
}

// timesPrinted counts how often the steps of a build printed a line. buildx's
// progress shows what a step printed again each time it comes back to it, with
// the step's number and the time.
func timesPrinted(progress, text string) int {
	seen := map[string]bool{}
	for line := range strings.Lines(progress) {
		if strings.HasSuffix(strings.TrimSpace(line), " "+text) {
			seen[line] = true
		}
	}
	return len(seen)
}
