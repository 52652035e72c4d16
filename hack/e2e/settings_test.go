package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
)

// Settings, from every place and every form of a build context.

// policyInForce is the part of a report that says which settings were in force.
type policyInForce map[string]struct{ Value, From string }

// policyOf builds with --call=scan and returns the policy of the report.
func policyOf(t *testing.T, env *harness.Env, dir string, stdin io.Reader, args ...string) policyInForce {
	t.Helper()
	argv := append([]string{"build", "--call=scan,format=json", "--build-arg", "BUILDKIT_SYNTAX=" + env.FrontendRef()}, args...)
	r := env.Buildx(t.Context(), dir, stdin, argv...)
	require.Zero(t, r.ExitCode, r.Combined)
	var report struct{ Policy policyInForce }
	require.NoError(t, json.Unmarshal([]byte(r.Stdout), &report), r.Stdout)
	return report.Policy
}

// withSettings is a context that passes only with the settings' file that it has.
func withSettings() map[string]string {
	return merge(map[string]string{
		"Dockerfile":         copyRootfs,
		".microscanner.yaml": "# The default would refuse this.\nfail-on: critical\n",
	}, in("rootfs", alpine(opensslHigh)))
}

func requireFileInForce(t *testing.T, p policyInForce) {
	t.Helper()
	require.Equal(t, "critical", p["fail-on"].Value)
	require.Equal(t, ".microscanner.yaml, line 2", p["fail-on"].From)
	require.Equal(t, "default", p["ignore-unfixed"].From)
}

func TestSettingsFileInEveryContext(t *testing.T) {
	env := start(t)
	t.Run("local directory", func(t *testing.T) {
		requireFileInForce(t, policyOf(t, env, files(t, withSettings()), nil, "."))
	})
	t.Run("local directory, ignored by the build", func(t *testing.T) {
		context := merge(withSettings(), map[string]string{".dockerignore": ".*\n"})
		requireFileInForce(t, policyOf(t, env, files(t, context), nil, "."))
	})
	t.Run("local directory, Dockerfile elsewhere", func(t *testing.T) {
		elsewhere := files(t, map[string]string{"Dockerfile": copyRootfs, ".microscanner.yaml": "nonsense"})
		requireFileInForce(t, policyOf(t, env, files(t, withSettings()), nil, "--file", filepath.Join(elsewhere, "Dockerfile"), "."))
	})
	t.Run("local directory, Dockerfile from standard input", func(t *testing.T) {
		requireFileInForce(t, policyOf(t, env, files(t, withSettings()), strings.NewReader(copyRootfs), "--file", "-", "."))
	})
	t.Run("git", func(t *testing.T) {
		requireFileInForce(t, policyOf(t, env, t.TempDir(), nil, serveGit(t, env, files(t, withSettings()))))
	})
	t.Run("git, a folder", func(t *testing.T) {
		dir := files(t, merge(in("app", withSettings()), map[string]string{".microscanner.yaml": "nonsense"}))
		requireFileInForce(t, policyOf(t, env, t.TempDir(), nil, serveGit(t, env, dir)+":app"))
	})
	t.Run("archive from standard input", func(t *testing.T) {
		requireFileInForce(t, policyOf(t, env, t.TempDir(), tarOf(t, withSettings()), "-"))
	})
	t.Run("archive by HTTP", func(t *testing.T) {
		archive, err := io.ReadAll(tarOf(t, withSettings()))
		require.NoError(t, err)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(archive) }))
		t.Cleanup(server.Close)
		requireFileInForce(t, policyOf(t, env, t.TempDir(), nil, server.URL+"/context.tar"))
	})
	t.Run("buildctl without a context", func(t *testing.T) {
		dir := files(t, map[string]string{"Dockerfile": "# scan=on-no-packages=fail\nFROM scratch\n", ".microscanner.yaml": "nonsense"})
		r := env.Buildctl(t.Context(), dir, nil, "build", "--frontend", "gateway.v0", "--opt", "source="+env.FrontendRef(), "--local", "dockerfile=.")
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, "the image has no package database", "the Dockerfile was read, and no file of settings")
	})
}

// TestSettingsStrongestPlaceWins goes from the weakest place to the strongest.
func TestSettingsStrongestPlaceWins(t *testing.T) {
	env := start(t)
	context := withSettings()
	context["Dockerfile"] = "# syntax=" + env.FrontendRef() + "\n# scan=fail-on=never;max-db-age=\"400d\"\n" + copyRootfs
	dir := files(t, context)
	p := policyOf(t, env, dir, nil, ".")
	require.Equal(t, "never", p["fail-on"].Value)
	require.Equal(t, "Dockerfile, line 2 (# scan=)", p["fail-on"].From)
	p = policyOf(t, env, dir, nil, "--build-arg", "MICROSCANNER_FAIL_ON=Critical", ".")
	require.Equal(t, "critical", p["fail-on"].Value)
	require.Equal(t, "--build-arg MICROSCANNER_FAIL_ON", p["fail-on"].From)
	require.Equal(t, "400d", p["max-db-age"].Value, "the other settings stay")

	p = policyOf(t, env, t.TempDir(), strings.NewReader("# scan=fail-on=medium\nFROM scratch\n"), "-")
	require.Equal(t, "Dockerfile, line 1 (# scan=)", p["fail-on"].From, "a Dockerfile without a context")
}

func TestBadSettingsShowTheirLine(t *testing.T) {
	env := start(t)
	for name, tc := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"directive": {
			map[string]string{"Dockerfile": "# syntax=" + env.FrontendRef() + "\n# scan=fail-on=hihg\nFROM scratch\n"},
			[]string{`the setting fail-on cannot be "hihg" (Dockerfile, line 2 (# scan=)); allowed are critical, high`, "2 | >>> # scan=fail-on=hihg"},
		},
		"unknown key": {
			map[string]string{"Dockerfile": "# scan=failon=high\nFROM scratch\n"},
			[]string{`there is no setting "failon" (Dockerfile, line 1 (# scan=)); the settings are fail-on, `, "1 | >>> # scan=failon=high"},
		},
		"a directive below": {
			map[string]string{"Dockerfile": "# scan=fail-on=low\n# escape=`\nFROM scratch\n"},
			[]string{"the directive # escape= in line 2 has no effect below # scan=", "2 | >>> # escape=`"},
		},
		"file": {
			map[string]string{"Dockerfile": "FROM scratch\n", ".microscanner.yaml": "fail-on: high\nignore:\n- id: CVE-2024-1\n"},
			[]string{"the entry CVE-2024-1 of ignore has no reason: say why it does not count (.microscanner.yaml, line 3)", "3 | >>> - id: CVE-2024-1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := push(t, env, files(t, tc.files), env.FrontendRef(), imageName(t, env, "bad"))
			require.Equal(t, 1, r.ExitCode, r.Combined)
			for _, want := range tc.want {
				require.Contains(t, r.Combined, want)
			}
			require.NotContains(t, r.Combined, scanStep)
		})
	}
}

// TestSettingsLeaveNoTrace: the image is the one of a build without a scan, and
// the user's own steps stay in the cache.
func TestSettingsLeaveNoTrace(t *testing.T) {
	env := start(t)
	dir := files(t, map[string]string{
		"Dockerfile":         "# scan=fail-on=critical\nFROM " + debianImage(t, env, clean) + "\nCOPY . /srv\nRUN echo once > /once\n",
		".microscanner.yaml": "ignore-unfixed: true\n",
	})
	plain, scanned := imageName(t, env, "plain"), imageName(t, env, "scanned")
	mustPush(t, env, dir, "", plain, "--provenance=false")
	r := mustPush(t, env, dir, env.FrontendRef(), scanned, "--provenance=false", "--build-arg", "MICROSCANNER_MAX_DB_AGE=9000d")
	requireSameImage(t, env, plain, scanned)
	for _, step := range []string{"[2/3] COPY . /srv", "[3/3] RUN echo once > /once"} {
		require.True(t, cached(r.Combined, step), r.Combined)
	}
}

func TestRescanOnChange(t *testing.T) {
	env := start(t)
	context := merge(map[string]string{"Dockerfile": "# scan=rescan=on-change\n" + copyRootfs}, in("rootfs", alpine(opensslClean)))
	dir := files(t, context)
	ref := imageName(t, env, "image")
	require.False(t, cached(mustPush(t, env, dir, env.FrontendRef(), ref).Combined, scanStep))
	r := mustPush(t, env, dir, env.FrontendRef(), ref)
	require.True(t, cached(r.Combined, scanStep), r.Combined)
	r = mustPush(t, env, dir, env.FrontendRef(), ref, "--build-arg", "MICROSCANNER_FAIL_ON=medium")
	require.False(t, cached(r.Combined, scanStep), "the policy changed\n%s", r.Combined)
	writeFiles(t, dir, in("rootfs", alpine(opensslMedium)))
	r = mustPush(t, env, dir, env.FrontendRef(), ref)
	require.False(t, cached(r.Combined, scanStep), "the rootfs changed\n%s", r.Combined)
	writeFiles(t, dir, in("rootfs", alpine(opensslHigh)))
	for range 2 { // a refusal is one however often it is asked for
		requireRefused(t, push(t, env, dir, env.FrontendRef(), ref))
	}
}

const openVEX = `{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "Example", "timestamp": "2026-01-01T00:00:00Z", "version": 1,
 "statements": [{"vulnerability": {"name": "CVE-2024-6119"}, "products": [{"@id": "pkg:apk/alpine/openssl"}, {"@id": "pkg:apk/alpine/libssl3"}, {"@id": "pkg:apk/alpine/libcrypto3"}],
  "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"}]}
`

// TestSuppressions: what does not count is said, and does not fail the build.
func TestSuppressions(t *testing.T) {
	env := start(t)
	refused := merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(opensslHigh)))
	ignore := func(expires string) map[string]string {
		return map[string]string{".microscanner.yaml": "ignore:\n- id: CVE-2024-6119\n  package: openssl\n  reason: names are not checked\n  expires: " + expires + "\n"}
	}
	t.Run("ignore list", func(t *testing.T) {
		dir := files(t, merge(refused, ignore("2999-01-01")))
		r := env.Buildx(t.Context(), dir, nil, "build", "--call=scan,format=json", "--build-arg", "BUILDKIT_SYNTAX="+env.FrontendRef(), ".")
		require.Zero(t, r.ExitCode, r.Combined)
		for _, want := range []string{"CVE-2024-6119", "names are not checked", "2999-01-01", `"1 entry"`} {
			require.Contains(t, r.Stdout, want)
		}
		requireShipped(t, push(t, env, dir, env.FrontendRef(), imageName(t, env, "yes")))
	})
	t.Run("ignore list, expires soon", func(t *testing.T) {
		day := time.Now().UTC().AddDate(0, 0, 7).Format(time.DateOnly)
		r := push(t, env, files(t, merge(refused, ignore(day))), env.FrontendRef(), imageName(t, env, "yes"))
		requireShipped(t, r)
		require.Contains(t, r.Combined, "expires on "+day)
	})
	t.Run("ignore list, expired", func(t *testing.T) {
		dir := files(t, merge(refused, ignore("2020-01-01")))
		requireRefused(t, push(t, env, dir, env.FrontendRef(), imageName(t, env, "no")))
	})
	t.Run("VEX", func(t *testing.T) {
		dir := files(t, merge(refused, map[string]string{".microscanner.yaml": "vex: [security/vex.json]\n", "security/vex.json": openVEX, ".dockerignore": "security\n"}))
		requireShipped(t, push(t, env, dir, env.FrontendRef(), imageName(t, env, "yes")))
		requireShipped(t, env.Buildx(t.Context(), t.TempDir(), nil, "build", "--build-arg", "BUILDKIT_SYNTAX="+env.FrontendRef(), serveGit(t, env, dir)))
	})
	t.Run("VEX that is not there", func(t *testing.T) {
		r := push(t, env, files(t, refused), env.FrontendRef(), imageName(t, env, "no"), "--build-arg", "MICROSCANNER_VEX=no/such.json")
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, "no/such.json cannot be read from the build context: there is no such file")
	})
}
