package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
)

// files makes a build context: file names, which may hold slashes, and what is
// in them.
func files(t *testing.T, content map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, content)
	return dir
}

func writeFiles(t *testing.T, dir string, content map[string]string) {
	t.Helper()
	for name, text := range content {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
}

// imageName turns a test's name and a suffix into a reference in the registry.
func imageName(t *testing.T, env *harness.Env, suffix string) string {
	t.Helper()
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, t.Name())
	return env.Ref("e2e/" + strings.Trim(name, "-") + ":" + suffix)
}

// push builds the context in dir with a frontend image, or with BuildKit's own
// if frontend is empty, pushes the result as ref, and returns the command's
// result. It does not check the exit status.
func push(t *testing.T, env *harness.Env, dir, frontend, ref string, args ...string) harness.Result {
	t.Helper()
	argv := []string{"build", "--output", "type=registry,name=" + ref}
	if frontend != "" {
		argv = append(argv, "--build-arg", "BUILDKIT_SYNTAX="+frontend)
	}
	return env.Buildx(t.Context(), dir, nil, append(append(argv, args...), ".")...)
}

// mustPush is push for a build that has to succeed.
func mustPush(t *testing.T, env *harness.Env, dir, frontend, ref string, args ...string) harness.Result {
	t.Helper()
	r := push(t, env, dir, frontend, ref, args...)
	require.Zero(t, r.ExitCode, r.Combined)
	return r
}

// image fetches one platform of a pushed image.
func image(t *testing.T, env *harness.Env, ref, platform string) v1.Image {
	t.Helper()
	img, err := env.Image(t.Context(), ref, platform)
	require.NoError(t, err)
	return img
}

// requireSameImage checks that two pushed images are bit for bit the same on
// each platform: manifest, config, and with it the history and the layers.
func requireSameImage(t *testing.T, env *harness.Env, want, got string, platforms ...string) {
	t.Helper()
	if len(platforms) == 0 {
		platforms = []string{"linux/amd64"}
	}
	for _, platform := range platforms {
		a, b := image(t, env, want, platform), image(t, env, got, platform)
		// The config first: its difference says more than a digest.
		configA, err := a.RawConfigFile()
		require.NoError(t, err)
		configB, err := b.RawConfigFile()
		require.NoError(t, err)
		assert.JSONEq(t, string(configA), string(configB), "config of %s", platform)
		manifestA, err := a.RawManifest()
		require.NoError(t, err)
		manifestB, err := b.RawManifest()
		require.NoError(t, err)
		assert.JSONEq(t, string(manifestA), string(manifestB), "manifest of %s", platform)
		digestA, err := a.Digest()
		require.NoError(t, err)
		digestB, err := b.Digest()
		require.NoError(t, err)
		require.Equal(t, digestA, digestB, "manifest digest of %s", platform)
	}
}

// requireSameDigest compares what the two references name themselves: a
// manifest, or an index of several.
func requireSameDigest(t *testing.T, env *harness.Env, want, got string) {
	t.Helper()
	digests := [2]string{}
	for i, ref := range []string{want, got} {
		r := env.Crane(t.Context(), "digest", ref)
		require.Zero(t, r.ExitCode, r.Combined)
		digests[i] = strings.TrimSpace(r.Stdout)
	}
	require.Equal(t, digests[0], digests[1])
}

// cached reports whether the step with this name was taken from the cache,
// by buildx's plain progress.
func cached(progress, name string) bool {
	var id string
	for line := range strings.Lines(progress) {
		if head, rest, ok := strings.Cut(strings.TrimSpace(line), " "); ok && rest == name {
			id = head
		}
	}
	if id == "" {
		return false
	}
	for line := range strings.Lines(progress) {
		if strings.TrimSpace(line) == id+" CACHED" {
			return true
		}
	}
	return false
}
