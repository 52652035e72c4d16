package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/report"
)

// requireNotPushed checks that a refused image did not get out.
func requireNotPushed(t *testing.T, ref string) {
	t.Helper()
	_, err := shared.Image(t.Context(), ref, "linux/amd64")
	require.Error(t, err, "an image that was refused is in the registry")
	require.Regexp(t, "NAME_UNKNOWN|MANIFEST_UNKNOWN", err.Error())
}

func TestFindingsRefuseTheImage(t *testing.T) {
	env := start(t)
	dir := files(t, merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(opensslHigh))))
	ref := imageName(t, env, "refused")
	r := push(t, env, dir, env.FrontendRef(), ref)
	require.Equal(t, 1, r.ExitCode, r.Combined)
	requireNotPushed(t, ref)

	lines := strings.Split(strings.TrimSpace(r.Combined), "\n")
	end := strings.Join(lines[max(0, len(lines)-25):], "\n")
	assert.Regexp(t, `ID +SEVERITY +PACKAGE +INSTALLED +FIXED`, end)
	assert.Regexp(t, `CVE-2024-6119 +high +openssl +3\.3\.1-r3 +3\.3\.2-r0`, end)
	assert.NotContains(t, end, "CVE-2024-9143", "what does not fail the gate is not in the table")
	assert.Contains(t, end, "exit code: 4")
	assert.Contains(t, end, "microscanner: the image of linux/amd64 is not exported: 1 vulnerability at or above high")
	assert.NotContains(t, end, "error in the scan")
}

func TestThresholds(t *testing.T) {
	env := start(t)
	for _, tc := range []struct {
		name, openssl string
		args          []string
		refused       bool
	}{
		{"medium passes", opensslMedium, nil, false},
		{"clean passes", opensslClean, nil, false},
		{"medium fails on medium", opensslMedium, []string{"MICROSCANNER_FAIL_ON=medium"}, true},
		{"high passes on critical", opensslHigh, []string{"MICROSCANNER_FAIL_ON=critical"}, false},
		{"high passes on never", opensslHigh, []string{"MICROSCANNER_FAIL_ON=never"}, false},
		{"fixed is not unfixed", opensslHigh, []string{"MICROSCANNER_IGNORE_UNFIXED=true"}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := files(t, merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(tc.openssl))))
			ref := imageName(t, env, "it")
			var args []string
			for _, a := range tc.args {
				args = append(args, "--build-arg", a)
			}
			r := push(t, env, dir, env.FrontendRef(), ref, args...)
			if tc.refused {
				require.Equal(t, 1, r.ExitCode, r.Combined)
				require.Contains(t, r.Combined, "exit code: 4")
				requireNotPushed(t, ref)
				return
			}
			require.Zero(t, r.ExitCode, r.Combined)
			require.NotContains(t, r.Combined, "not consumed", "our build arguments are not the Dockerfile's")
			image(t, env, ref, "linux/amd64")
		})
	}
}

func TestIgnoreUnfixed(t *testing.T) {
	env := start(t)
	agent := bookworm([3]string{"acme-agentd", "acme-agent", "1:2.0-1"})
	dir := files(t, merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", agent)))
	r := push(t, env, dir, env.FrontendRef(), imageName(t, env, "refused"))
	require.Equal(t, 1, r.ExitCode, r.Combined)
	require.Regexp(t, `ACME-2026-1 +high +acme-agent +1:2\.0-1 +will-not-fix`, r.Combined)
	r = push(t, env, dir, env.FrontendRef(), imageName(t, env, "shipped"), "--build-arg", "MICROSCANNER_IGNORE_UNFIXED=true")
	require.Zero(t, r.ExitCode, r.Combined)
}

func TestBadSettings(t *testing.T) {
	env := start(t)
	dir := files(t, map[string]string{"Dockerfile": "FROM scratch\n"})
	for arg, want := range map[string]string{
		"MICROSCANNER_FAIL_ON=hihg":       `the setting fail-on cannot be "hihg" (--build-arg MICROSCANNER_FAIL_ON); allowed are critical, high, medium, low, negligible, never`,
		"MICROSCANNER_IGNORE_UNFIXED=1":   `the setting ignore-unfixed cannot be "1" (--build-arg MICROSCANNER_IGNORE_UNFIXED); allowed are true, false`,
		"MICROSCANNER_DB=":                `the setting db cannot be "" (--build-arg MICROSCANNER_DB)`,
		"MICROSCANNER_DB=UPPER/not an im": `db="UPPER/not an im" is neither a named context of this build nor an image reference`,
		"MICROSCANNER_FAILON=high":        `there is no setting MICROSCANNER_FAILON`,
	} {
		r := push(t, env, dir, env.FrontendRef(), imageName(t, env, "bad"), "--build-arg", arg)
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, want)
		require.NotContains(t, r.Combined, "exit code: 4")
	}
}

func TestFindingsThatPassAreWarnings(t *testing.T) {
	env := start(t)
	dir := files(t, merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(opensslMedium))))
	r := mustPush(t, env, dir, env.FrontendRef(), imageName(t, env, "shipped"))
	require.Contains(t, r.Combined, "1 warning found")
	require.Contains(t, r.Combined, " - microscanner: openssl 3.3.2-r0 -> 3.3.2-r1: 1 medium (CVE-2024-9143)")

	clean := files(t, merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(opensslClean))))
	r = mustPush(t, env, clean, env.FrontendRef(), imageName(t, env, "clean"))
	require.NotContains(t, r.Combined, "warning found")
}

func TestCallScan(t *testing.T) {
	env := start(t)
	call := func(t *testing.T, openssl, format string, args ...string) (int, string, string) {
		t.Helper()
		dir := files(t, merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(openssl))))
		argv := append([]string{"build", "--call=scan" + format, "--build-arg", "BUILDKIT_SYNTAX=" + env.FrontendRef()}, args...)
		r := env.Buildx(t.Context(), dir, nil, append(argv, ".")...)
		return r.ExitCode, r.Stdout, r.Combined
	}
	t.Run("table", func(t *testing.T) {
		code, out, all := call(t, opensslHigh, "")
		require.Equal(t, 4, code, all)
		require.Regexp(t, `CVE-2024-6119 +high +openssl +3\.3\.1-r3 +3\.3\.2-r0`, out)
		require.Regexp(t, `CVE-2024-9143 +medium +openssl`, out)
	})
	t.Run("json", func(t *testing.T) {
		code, out, all := call(t, opensslHigh, ",format=json")
		require.Equal(t, 4, code, all)
		r, err := report.Decode(strings.NewReader(out))
		require.NoError(t, err, out)
		require.True(t, strings.HasPrefix(out, "{\n  \"scan_started\":"), out)
		require.Equal(t, "linux/amd64", r.Image.Platform)
		require.Len(t, r.Findings(), 2)
		require.Equal(t, "default", r.Policy["fail-on"].From)
	})
	t.Run("pass", func(t *testing.T) {
		code, out, all := call(t, opensslMedium, "")
		require.Equal(t, 0, code, all)
		require.Contains(t, out, "CVE-2024-9143")
	})
	t.Run("policy of a build argument", func(t *testing.T) {
		code, out, all := call(t, opensslMedium, ",format=json", "--build-arg", "MICROSCANNER_FAIL_ON=medium")
		require.Equal(t, 4, code, all)
		r, err := report.Decode(strings.NewReader(out))
		require.NoError(t, err, out)
		require.Equal(t, "medium", r.Policy["fail-on"].Value)
		require.Equal(t, "--build-arg MICROSCANNER_FAIL_ON", r.Policy["fail-on"].From)
	})
	t.Run("platforms", func(t *testing.T) {
		code, out, all := call(t, opensslHigh, ",format=json", "--platform", "linux/amd64,linux/arm64")
		require.Equal(t, 4, code, all)
		var reports []report.Report
		require.NoError(t, json.Unmarshal([]byte(out), &reports), out)
		require.Len(t, reports, 2)
		require.Equal(t, "linux/amd64", reports[0].Image.Platform)
		require.Equal(t, "linux/arm64", reports[1].Image.Platform)
	})
	t.Run("an error is not 4", func(t *testing.T) {
		dir := files(t, map[string]string{"Dockerfile": copyRootfs, "rootfs/etc/os-release": "ID=debian\nVERSION_ID=12\n", "rootfs/var/lib/dpkg/status/x": ""})
		r := env.Buildx(t.Context(), dir, nil, "build", "--call=scan", "--build-arg", "BUILDKIT_SYNTAX="+env.FrontendRef(), ".")
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, "This is an error in the scan, not a finding")
	})
}

// TestUnsupportedSystem: that nothing is known of a system is an error with its
// reason, not a pass and not findings.
func TestUnsupportedSystem(t *testing.T) {
	env := start(t)
	dir := files(t, map[string]string{
		"Dockerfile":                 copyRootfs,
		"rootfs/etc/os-release":      "ID=kali\nVERSION_ID=2024.1\nPRETTY_NAME=\"Kali GNU/Linux\"\n",
		"rootfs/var/lib/dpkg/status": "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2\n",
	})
	ref := imageName(t, env, "it")
	r := push(t, env, dir, env.FrontendRef(), ref)
	require.Equal(t, 1, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, "This is an error in the scan, not a finding: Kali GNU/Linux is not a supported operating system")
	require.NotContains(t, r.Combined, "exit code: 4")
	requireNotPushed(t, ref)

	r = env.Buildx(t.Context(), dir, nil, "build", "--call=scan", "--build-arg", "BUILDKIT_SYNTAX="+env.FrontendRef(), ".")
	require.Equal(t, 1, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, "Kali GNU/Linux is not a supported operating system")

	r = mustPush(t, env, dir, env.FrontendRef(), ref, "--build-arg", "MICROSCANNER_ON_UNSUPPORTED=warn")
	require.Contains(t, r.Combined, "microscanner: not assessed: Kali GNU/Linux is not a supported operating system")
}

func TestOnNoPackages(t *testing.T) {
	env := start(t)
	dir := files(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY app /app\n", "app": "static"})
	ref := imageName(t, env, "it")
	r := push(t, env, dir, env.FrontendRef(), ref, "--build-arg", "MICROSCANNER_ON_NO_PACKAGES=fail")
	require.Equal(t, 1, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, "the image has no package database")
	requireNotPushed(t, ref)
	mustPush(t, env, dir, env.FrontendRef(), ref)
}
