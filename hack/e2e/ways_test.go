package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
)

// The ways in which a build can be asked for. Each has to scan: each refuses
// the image with the finding, and lets the other one out.

const scanStep = "[microscanner] scan the rootfs of linux/amd64"

// twoContexts are a context that is refused and one that passes.
func twoContexts(t *testing.T, dockerfile string) (refused, shipped string) {
	t.Helper()
	one := merge(map[string]string{"Dockerfile": dockerfile}, in("rootfs", alpine(opensslHigh)))
	two := merge(map[string]string{"Dockerfile": dockerfile}, in("rootfs", alpine(opensslClean)))
	return files(t, one), files(t, two)
}

func requireRefused(t *testing.T, r harness.Result) {
	t.Helper()
	require.Equal(t, 1, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, "CVE-2024-6119")
	require.Contains(t, r.Combined, "exit code: 4")
}

func requireShipped(t *testing.T, r harness.Result) {
	t.Helper()
	require.Zero(t, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, scanStep)
}

func TestSyntaxLine(t *testing.T) {
	env := start(t)
	refused, shipped := twoContexts(t, "# syntax="+env.FrontendRef()+"\n"+copyRootfs)
	requireRefused(t, push(t, env, refused, "", imageName(t, env, "no")))
	requireShipped(t, push(t, env, shipped, "", imageName(t, env, "yes")))
}

func TestBuildctl(t *testing.T) {
	env := start(t)
	build := func(dir string, args ...string) harness.Result {
		return env.Buildctl(t.Context(), dir, nil, append([]string{"build", "--frontend", "gateway.v0", "--opt", "source=" + env.FrontendRef(),
			"--local", "context=.", "--local", "dockerfile=."}, args...)...)
	}
	t.Run("gateway", func(t *testing.T) {
		refused, shipped := twoContexts(t, copyRootfs)
		requireRefused(t, build(refused))
		r := build(shipped)
		requireShipped(t, r)
		require.Equal(t, 1, strings.Count(r.Combined, scanStep+"\n"), r.Combined)
	})
	t.Run("gateway with a syntax line that names it", func(t *testing.T) {
		refused, shipped := twoContexts(t, "# syntax="+env.FrontendRef()+"\n"+copyRootfs)
		requireRefused(t, build(refused))
		r := build(shipped)
		requireShipped(t, r)
		require.Equal(t, 1, strings.Count(r.Combined, scanStep+"\n"), "one scan, not one inside the other\n%s", r.Combined)
	})
	t.Run("gateway with another frontend's syntax line", func(t *testing.T) {
		upstream, err := env.BuildUpstreamFrontend(t.Context())
		require.NoError(t, err)
		refused, shipped := twoContexts(t, "# syntax="+upstream+"\n"+copyRootfs)
		requireRefused(t, build(refused))
		requireShipped(t, build(shipped))
	})
	t.Run("settings", func(t *testing.T) {
		refused, _ := twoContexts(t, copyRootfs)
		requireShipped(t, build(refused, "--opt", "build-arg:MICROSCANNER_FAIL_ON=critical"))
	})
}

func TestBake(t *testing.T) {
	env := start(t)
	refused, shipped := twoContexts(t, copyRootfs)
	hcl := "target \"default\" {\n  args = { BUILDKIT_SYNTAX = \"" + env.FrontendRef() + "\" }\n  output = [\"type=cacheonly\"]\n}\n"
	for _, dir := range []string{refused, shipped} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "docker-bake.hcl"), []byte(hcl), 0o600))
	}
	requireRefused(t, env.Buildx(t.Context(), refused, nil, "bake"))
	requireShipped(t, env.Buildx(t.Context(), shipped, nil, "bake"))
}

func TestStdin(t *testing.T) {
	env := start(t)
	syntax := "BUILDKIT_SYNTAX=" + env.FrontendRef()
	t.Run("a Dockerfile", func(t *testing.T) {
		dockerfile := "FROM scratch\nCOPY <<EOF /etc/os-release\nID=alpine\nVERSION_ID=3.21.0_alpha20240807\nEOF\nCOPY <<EOF /lib/apk/db/installed\nP:libssl3\nV:%s\nA:x86_64\no:openssl\n\nEOF\n"
		requireRefused(t, env.Buildx(t.Context(), t.TempDir(), strings.NewReader(strings.ReplaceAll(dockerfile, "%s", opensslHigh)), "build", "--build-arg", syntax, "-"))
		requireShipped(t, env.Buildx(t.Context(), t.TempDir(), strings.NewReader(strings.ReplaceAll(dockerfile, "%s", opensslClean)), "build", "--build-arg", syntax, "-"))
	})
	t.Run("an archive", func(t *testing.T) {
		refused := merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(opensslHigh)))
		shipped := merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(opensslClean)))
		requireRefused(t, env.Buildx(t.Context(), t.TempDir(), tarOf(t, refused), "build", "--build-arg", syntax, "-"))
		requireShipped(t, env.Buildx(t.Context(), t.TempDir(), tarOf(t, shipped), "build", "--build-arg", syntax, "-"))
	})
}

func tarOf(t *testing.T, files map[string]string) io.Reader {
	t.Helper()
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range names {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}))
		_, err := w.Write([]byte(files[name]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return &b
}

func TestGitContext(t *testing.T) {
	env := start(t)
	refused, shipped := twoContexts(t, copyRootfs)
	for _, dir := range []string{refused, shipped} {
		url := serveGit(t, env, dir)
		r := env.Buildx(t.Context(), t.TempDir(), nil, "build", "--build-arg", "BUILDKIT_SYNTAX="+env.FrontendRef(), url)
		if dir == refused {
			requireRefused(t, r)
		} else {
			requireShipped(t, r)
		}
	}
}

func TestSeveralPlatformsOneRefused(t *testing.T) {
	env := start(t)
	dir := files(t, merge(
		map[string]string{"Dockerfile": "FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH/ /\n"},
		in("amd64", alpine(opensslClean)), in("arm64", alpine(opensslHigh))))
	ref := imageName(t, env, "no")
	r := push(t, env, dir, env.FrontendRef(), ref, "--platform", "linux/amd64,linux/arm64")
	requireRefused(t, r)
	require.Contains(t, r.Combined, "the image of linux/arm64 is not exported")
	requireNotPushed(t, ref)
}

func TestDatabases(t *testing.T) {
	env := start(t)
	dir := files(t, merge(map[string]string{"Dockerfile": copyRootfs, "advisories.jsonl": `{"id":"EXAMPLE-2026-1","distro":"alpine","release":"edge","package":"musl","kind":"source","status":"affected","severity":"critical"}` + "\n"},
		in("rootfs", alpine(opensslClean))))
	database := buildDatabase(t, env, filepath.Join(dir, "advisories.jsonl"))

	t.Run("named context", func(t *testing.T) {
		r := push(t, env, dir, env.FrontendRef(), imageName(t, env, "no"),
			"--build-context", "advisories="+database, "--build-arg", "MICROSCANNER_DB=advisories")
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Regexp(t, `EXAMPLE-2026-1 +critical +musl`, r.Combined)
		require.Contains(t, r.Combined, "exit code: 4")
	})
	t.Run("image", func(t *testing.T) {
		ref := imageName(t, env, "db")
		require.NoError(t, os.WriteFile(filepath.Join(database, "Dockerfile"), []byte("FROM scratch\nCOPY . /\n"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(database, ".dockerignore"), []byte("Dockerfile\n.dockerignore\n"), 0o600))
		mustPush(t, env, database, "", ref)
		r := push(t, env, dir, env.FrontendRef(), imageName(t, env, "no"), "--build-arg", "MICROSCANNER_DB="+ref)
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Regexp(t, `EXAMPLE-2026-1 +critical +musl`, r.Combined)
	})
	t.Run("pushed", func(t *testing.T) {
		ref := imageName(t, env, "pushed")
		pushed := env.Run(t.Context(), "", nil, filepath.Join(env.Dir(), "microscanner"), "db", "push", ref, "--db", database)
		require.Zero(t, pushed.ExitCode, pushed.Combined)
		for _, platforms := range []string{"linux/amd64", "linux/amd64,linux/arm64"} {
			r := push(t, env, dir, env.FrontendRef(), imageName(t, env, "no"), "--build-arg", "MICROSCANNER_DB="+ref, "--platform", platforms)
			require.Equal(t, 1, r.ExitCode, r.Combined)
			require.Regexp(t, `EXAMPLE-2026-1 +critical +musl`, r.Combined)
		}
	})
	t.Run("none", func(t *testing.T) {
		r := push(t, env, dir, env.FrontendRef(), imageName(t, env, "no"),
			"--build-context", "advisories="+t.TempDir(), "--build-arg", "MICROSCANNER_DB=advisories")
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, "This is an error in the scan, not a finding")
		require.Contains(t, r.Combined, "database")
		require.NotContains(t, r.Combined, "exit code: 4")
	})
	t.Run("an image that is not there", func(t *testing.T) {
		r := push(t, env, dir, env.FrontendRef(), imageName(t, env, "no"), "--build-arg", "MICROSCANNER_DB="+env.Ref("no/such:db"))
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, "no/such:db")
		require.Contains(t, r.Combined, "This is an error in the scan, not a finding")
	})
}

// TestUsersOwnFailureIsTheUsersOwn: a step that fails has nothing to do with us.
func TestUsersOwnFailureIsTheUsersOwn(t *testing.T) {
	env := start(t)
	dir := files(t, map[string]string{"Dockerfile": "FROM " + debianImage(t, env, clean) + "\nRUN echo mine; exit 3\n"})
	r := push(t, env, dir, env.FrontendRef(), imageName(t, env, "no"))
	require.Equal(t, 1, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, "exit code: 3")
	require.Contains(t, r.Combined, ">>> RUN echo mine; exit 3")
	require.NotContains(t, r.Combined, "microscanner: ")
}

// TestSubrequestsPassThrough compares the answers with those of BuildKit's own
// frontend.
func TestSubrequestsPassThrough(t *testing.T) {
	env := start(t)
	dir := files(t, map[string]string{"Dockerfile": "# the base\nARG BASE=scratch\nFROM $BASE AS one\n# who it is\nARG WHO=me\nMAINTAINER x\nFROM one as two\nRUN --mount=type=secret,id=s true\n"})
	for _, call := range []string{"outline", "outline,format=json", "targets", "targets,format=json", "check", "check,format=json"} {
		t.Run(call, func(t *testing.T) {
			plain := env.Buildx(t.Context(), dir, nil, "build", "--call="+call, ".")
			ours := env.Buildx(t.Context(), dir, nil, "build", "--call="+call, "--build-arg", "BUILDKIT_SYNTAX="+env.FrontendRef(), ".")
			require.NotEmpty(t, plain.Stdout, plain.Combined)
			require.Equal(t, plain.ExitCode, ours.ExitCode, ours.Combined)
			require.Equal(t, withoutSession(plain.Stdout), withoutSession(ours.Stdout))
			require.NotContains(t, ours.Combined, "[microscanner] scan")
		})
	}
	t.Run("describe", func(t *testing.T) {
		r := env.Buildx(t.Context(), dir, nil, "build", "--call=subrequests.describe,format=json", "--build-arg", "BUILDKIT_SYNTAX="+env.FrontendRef(), ".")
		require.Zero(t, r.ExitCode, r.Combined)
		var all []struct{ Name string }
		require.NoError(t, json.Unmarshal([]byte(r.Stdout), &all), r.Stdout)
		var names []string
		for _, q := range all {
			names = append(names, q.Name)
		}
		require.Equal(t, []string{"frontend.outline", "frontend.targets", "frontend.subrequests.describe", "frontend.scan"}, names)
	})
	t.Run("convertllb", func(t *testing.T) {
		plain := env.Buildx(t.Context(), dir, nil, "build", "--call=convertllb,format=json", ".")
		ours := env.Buildx(t.Context(), dir, nil, "build", "--call=convertllb,format=json", "--build-arg", "BUILDKIT_SYNTAX="+env.FrontendRef(), ".")
		require.Zero(t, ours.ExitCode, ours.Combined)
		require.NotEmpty(t, plain.Stdout)
		require.Equal(t, withoutSession(plain.Stdout), withoutSession(ours.Stdout))
	})
}

// withoutSession drops from an answer what differs between any two builds: the
// session's id, and with it the digests of operations, their bytes and their
// order; and the build argument by which the frontend was called.
func withoutSession(s string) string {
	s = regexp.MustCompile(`sha256:[0-9a-f]{64}|"local.session(id)?": "[^"]*"|"[A-Za-z0-9+/=]{60,}"`).ReplaceAllString(s, "*")
	lines := slices.DeleteFunc(strings.Split(s, "\n"), func(line string) bool {
		return strings.Contains(line, "BUILDKIT_SYNTAX")
	})
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], ",")
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
