package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scratch is a Dockerfile that needs no base image.
const scratch = `FROM scratch AS one
COPY a /a
FROM one
COPY --link b /b
LABEL made=here
`

// TestUpstreamFrontend is the harness's own check: upstream's gateway frontend
// gives the image that BuildKit's built-in one gives, in cache and registry.
func TestUpstreamFrontend(t *testing.T) {
	env := start(t)
	upstream, err := env.BuildUpstreamFrontend(t.Context())
	require.NoError(t, err)
	dir := files(t, map[string]string{"Dockerfile": scratch, "a": "1", "b": "2"})
	plain, gateway := imageName(t, env, "plain"), imageName(t, env, "gateway")
	mustPush(t, env, dir, "", plain)
	r := mustPush(t, env, dir, upstream, gateway)
	assert.Contains(t, r.Combined, "resolve image config for docker-image://"+upstream)
	requireSameImage(t, env, plain, gateway)
}

// TestCacheExport: the registry takes what BuildKit exports besides images.
func TestCacheExport(t *testing.T) {
	env := start(t)
	dir := files(t, map[string]string{"Dockerfile": scratch, "a": "cache", "b": "export"})
	ref, cache := imageName(t, env, "image"), imageName(t, env, "cache")
	mustPush(t, env, dir, "", ref, "--cache-to", "type=registry,mode=max,ref="+cache, "--attest", "type=provenance,mode=max")
	prune := env.Buildctl(t.Context(), dir, nil, "prune", "--all")
	require.Zero(t, prune.ExitCode, prune.Combined)
	r := mustPush(t, env, dir, "", ref, "--cache-from", "type=registry,ref="+cache, "--cache-to", "type=inline")
	assert.Contains(t, r.Combined, "CACHED")
	index, err := env.Index(t.Context(), ref)
	require.NoError(t, err)
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 2, "an image and its provenance")
	referrers := env.Crane(t.Context(), "ls", strings.TrimSuffix(ref, ":image"))
	assert.Contains(t, referrers.Stdout, "cache")
}
