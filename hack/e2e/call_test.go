package e2e

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
	"github.com/example/microscanner-frontend/scanner/report"
)

// call builds the context in dir with --call.
func call(t *testing.T, env *harness.Env, dir, what string, args ...string) harness.Result {
	t.Helper()
	return callOn(t, env, dir, nil, what, append(args, ".")...)
}

func callOn(t *testing.T, env *harness.Env, dir string, stdin io.Reader, what string, args ...string) harness.Result {
	t.Helper()
	argv := []string{"build", "--call=" + what, "--build-arg", "BUILDKIT_SYNTAX=" + env.FrontendRef()}
	return env.Buildx(t.Context(), dir, stdin, append(argv, args...)...)
}

func TestCallScanInOtherFormats(t *testing.T) {
	env := start(t)
	dir := files(t, merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(opensslHigh))))
	t.Run("sarif", func(t *testing.T) {
		r := call(t, env, dir, "scan.sarif", "--platform", "linux/amd64,linux/arm64")
		require.Equal(t, 4, r.ExitCode, r.Combined)
		var log struct {
			Version string
			Runs    []struct{ Results []struct{ RuleID string } }
		}
		require.NoError(t, json.Unmarshal([]byte(r.Stdout), &log), r.Combined)
		require.Equal(t, "2.1.0", log.Version)
		require.Len(t, log.Runs, 2)
		require.Equal(t, "CVE-2024-6119", log.Runs[1].Results[0].RuleID)
	})
	t.Run("cyclonedx lists all packages", func(t *testing.T) {
		r := call(t, env, dir, "scan.cyclonedx")
		require.Equal(t, 4, r.ExitCode, r.Combined)
		require.Contains(t, r.Stdout, "pkg:apk/alpine/musl@")
	})
	t.Run("junit", func(t *testing.T) {
		r := call(t, env, dir, "scan.junit")
		require.NoError(t, xml.NewDecoder(strings.NewReader(r.Stdout)).Decode(new(struct{ XMLName xml.Name })), r.Combined)
		require.Contains(t, r.Stdout, "<testsuite ")
	})
	t.Run("buildx keeps other formats to itself", func(t *testing.T) {
		r := call(t, env, dir, "scan,format=sarif")
		require.Equal(t, 4, r.ExitCode, r.Combined)
		require.Equal(t, call(t, env, dir, "scan").Stdout, r.Stdout)
	})
	t.Run("unknown", func(t *testing.T) {
		r := call(t, env, dir, "scan.pdf")
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, `--call=scan.pdf: there is no format "pdf"; the formats are json, `)
	})
	t.Run("ignorestatus", func(t *testing.T) {
		r := call(t, env, dir, "scan,ignorestatus=true")
		require.Zero(t, r.ExitCode, r.Combined)
		require.Contains(t, r.Stdout, "CVE-2024-6119")
		require.NotContains(t, r.Stdout, "\x1b")
	})
	t.Run("describe", func(t *testing.T) {
		r := call(t, env, dir, "subrequests.describe")
		require.Regexp(t, `\nscan +1\.1\.0 +Build, scan and print the findings; export nothing\. As frontend\.scan\.FORMAT in another format: json, table, .*sarif`, r.Stdout)
	})
}

// TestCallScanOfAnImage needs no Dockerfile on disk.
func TestCallScanOfAnImage(t *testing.T) {
	env := start(t)
	base := debianImage(t, env, vulnerable)
	r := callOn(t, env, t.TempDir(), strings.NewReader("FROM "+base+"\n"), "scan,format=json", "-")
	require.Equal(t, 4, r.ExitCode, r.Combined)
	got, err := report.Decode(strings.NewReader(r.Stdout))
	require.NoError(t, err)
	findings := got.Findings()
	require.NotEmpty(t, findings)
	require.True(t, findings[0].IntroducedBy.Base)
	require.Equal(t, base, findings[0].IntroducedBy.BaseImage)
}

func TestCallScanByBake(t *testing.T) {
	env := start(t)
	dir := files(t, merge(map[string]string{
		"Dockerfile": "FROM scratch AS bad\nCOPY bad/ /\nFROM scratch AS good\nCOPY good/ /\n",
		"docker-bake.hcl": `group "default" { targets = ["good", "bad"] }
target "base" { args = { BUILDKIT_SYNTAX = "` + env.FrontendRef() + `" } }
target "good" {
  inherits = ["base"]
  target   = "good"
}
target "bad" {
  inherits = ["base"]
  target   = "bad"
}
`,
	}, in("bad", alpine(opensslHigh)), in("good", alpine(opensslClean))))
	r := env.Buildx(t.Context(), dir, nil, "bake", "--call=scan")
	require.Equal(t, 4, r.ExitCode, r.Combined)
	require.Contains(t, r.Stdout, "target bad (linux/amd64), alpine")
	require.Contains(t, r.Stdout, "target good (linux/amd64), alpine")
	require.Contains(t, r.Stdout, "CVE-2024-6119")

	r = env.Buildx(t.Context(), dir, nil, "bake", "--call=scan,format=json")
	require.Equal(t, 4, r.ExitCode, r.Combined)
	var got struct {
		Target map[string]struct{ Scan json.RawMessage }
	}
	require.NoError(t, json.Unmarshal([]byte(r.Stdout), &got), r.Combined)
	for name, code := range map[string]int{"good": 0, "bad": 4} {
		one, err := report.Decode(bytes.NewReader(got.Target[name].Scan))
		require.NoError(t, err, r.Stdout)
		require.Equal(t, code, one.Verdict.ExitCode)
		require.Equal(t, name, one.Image.Target)
	}
	require.Zero(t, env.Buildx(t.Context(), dir, nil, "bake", "--call=scan", "good").ExitCode)
	require.Zero(t, env.Buildx(t.Context(), dir, nil, "bake", "--call=scan,ignorestatus=true").ExitCode)

	r = env.Buildx(t.Context(), dir, nil, "bake", "--call=scan.sarif,format=json", "bad")
	require.Equal(t, 4, r.ExitCode, r.Combined)
	require.Contains(t, r.Stdout, `"version": "2.1.0"`)
}
