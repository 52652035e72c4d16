package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
)

// neutral is a name for the frontend image that holds nothing of ours, so that
// a trace of us in an image cannot hide behind the name by which the user
// called us, which BuildKit itself writes into the provenance.
const neutral = "neutral"

// traces are texts that are in our programs, stages, reports and databases.
var traces = []string{"microscanner", "MICROSCANNER", "scan_started", "vulnerability_summary", "ACME-2026-1", "s3cr3t-t0ken"}

func TestNothingOfUsInTheResult(t *testing.T) {
	env := start(t)
	frontend := env.Ref(neutral)
	copied := env.Crane(t.Context(), "copy", env.FrontendRef(), frontend)
	require.Zero(t, copied.ExitCode, copied.Combined)
	base := debianImage(t, env, clean)
	dir := files(t, map[string]string{
		"Dockerfile": "FROM " + base + " AS build\nRUN --mount=type=secret,id=token test -s /run/secrets/token && echo built > /built\nFROM " + base + "\nCOPY --from=build /built /\nRUN echo more > /more\n",
	})
	ref, cache, token := imageName(t, env, "it"), t.TempDir(), filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("s3cr3t-t0ken"), 0o600))
	r := env.Buildx(t.Context(), dir, nil, "build", "--output", "type=registry,name="+ref,
		"--build-arg", "BUILDKIT_SYNTAX="+frontend,
		"--secret", "id=token,src="+token,
		"--provenance=mode=max", "--cache-to", "type=local,mode=max,dest="+cache, ".")
	require.Zero(t, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, scanStep)

	index, err := env.Index(t.Context(), ref)
	require.NoError(t, err)
	texts := map[string][]byte{}
	collectIndex(t, index, texts)
	require.GreaterOrEqual(t, len(texts), 6, "index, two manifests, two configs, layers, provenance")
	provenance := 0
	for _, text := range texts {
		if bytes.Contains(text, []byte("https://slsa.dev/provenance/")) && bytes.Contains(text, []byte("buildDefinition")) {
			provenance++
		}
	}
	require.NotZero(t, provenance, "the provenance was not looked at")

	require.NoError(t, filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		dt, err := os.ReadFile(path) //nolint:gosec // BuildKit's cache export
		texts[strings.TrimPrefix(path, cache)] = inflate(t, dt)
		return err
	}))
	for name, text := range texts {
		for _, trace := range traces {
			require.NotContains(t, string(text), trace, "in %s", name)
		}
	}
	require.NotContains(t, r.Combined, "s3cr3t-t0ken")
}

// collectIndex gathers everything that an image index leads to, unpacked.
func collectIndex(t *testing.T, index v1.ImageIndex, texts map[string][]byte) {
	t.Helper()
	raw, err := index.RawManifest()
	require.NoError(t, err)
	texts["index"] = raw
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	for _, desc := range manifest.Manifests {
		require.NotEqual(t, types.OCIImageIndex, desc.MediaType)
		img, err := index.Image(desc.Digest)
		require.NoError(t, err)
		raw, err := img.RawManifest()
		require.NoError(t, err)
		texts["manifest "+desc.Digest.String()] = raw
		config, err := img.RawConfigFile()
		require.NoError(t, err)
		texts["config "+desc.Digest.String()] = config
		layers, err := img.Layers()
		require.NoError(t, err)
		for _, l := range layers {
			dgst, err := l.Digest()
			require.NoError(t, err)
			rc, err := l.Compressed()
			require.NoError(t, err)
			dt, err := io.ReadAll(rc)
			require.NoError(t, err)
			texts["blob "+dgst.String()] = inflate(t, dt)
		}
	}
}

// inflate unpacks a blob, if it is packed.
func inflate(t *testing.T, dt []byte) []byte {
	t.Helper()
	switch {
	case bytes.HasPrefix(dt, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(bytes.NewReader(dt))
		require.NoError(t, err)
		out, err := io.ReadAll(z)
		require.NoError(t, err)
		return out
	case bytes.HasPrefix(dt, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(bytes.NewReader(dt))
		require.NoError(t, err)
		defer z.Close()
		out, err := io.ReadAll(z)
		require.NoError(t, err)
		return out
	}
	return dt
}

// TestMaterials: the provenance has the materials of the build and the frontend
// that was asked for, and nothing that the scan brought with it. A database
// that the build names itself is one of them: BuildKit lists every image that a
// frontend reads.
func TestMaterials(t *testing.T) {
	env := start(t)
	base := debianImage(t, env, clean)
	upstream, err := env.BuildUpstreamFrontend(t.Context())
	require.NoError(t, err)
	dir := files(t, map[string]string{"Dockerfile": "FROM " + base + "\nRUN true\n"})
	theirs, ours := imageName(t, env, "theirs"), imageName(t, env, "ours")
	mustPush(t, env, dir, upstream, theirs, "--provenance=mode=max")
	mustPush(t, env, dir, env.FrontendRef(), ours, "--provenance=mode=max")
	frontend := strings.NewReplacer("/upstream-frontend@", "/FRONTEND@", "/microscanner-frontend@", "/FRONTEND@")
	var want, got []string
	for _, m := range materials(t, env, theirs) {
		want = append(want, frontend.Replace(m))
	}
	for _, m := range materials(t, env, ours) {
		got = append(got, frontend.Replace(m))
	}
	require.ElementsMatch(t, want, got)
}

// materials lists the URIs of the resolved dependencies in an image's provenance.
func materials(t *testing.T, env *harness.Env, ref string) []string {
	t.Helper()
	index, err := env.Index(t.Context(), ref)
	require.NoError(t, err)
	texts := map[string][]byte{}
	collectIndex(t, index, texts)
	var uris []string
	found := false
	for _, text := range texts {
		var st struct {
			Predicate struct {
				BuildDefinition *struct {
					ResolvedDependencies []struct{ URI string }
				}
				Materials []struct{ URI string }
			}
		}
		if json.Unmarshal(text, &st) != nil || st.Predicate.BuildDefinition == nil && st.Predicate.Materials == nil {
			continue
		}
		found = true
		if st.Predicate.BuildDefinition != nil {
			st.Predicate.Materials = append(st.Predicate.Materials, st.Predicate.BuildDefinition.ResolvedDependencies...)
		}
		for _, m := range st.Predicate.Materials {
			uris = append(uris, m.URI)
		}
	}
	require.True(t, found, "the image has no provenance")
	require.NotEmpty(t, uris, "the frontend's image, at least")
	return uris
}
