package e2e

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestInlineCache: the cache that travels in the image's config is that of a
// plain build.
func TestInlineCache(t *testing.T) {
	env := start(t)
	dir := files(t, map[string]string{"Dockerfile": "FROM " + debianImage(t, env, clean) + "\nRUN echo inline > /inline\nCOPY a /a\n", "a": "inline"})
	plain, scanned := imageName(t, env, "plain"), imageName(t, env, "scanned")
	mustPush(t, env, dir, "", plain, "--provenance=false", "--cache-to", "type=inline")
	mustPush(t, env, dir, env.FrontendRef(), scanned, "--provenance=false", "--cache-to", "type=inline")
	requireSameDigest(t, env, plain, scanned)
	config, err := image(t, env, scanned, "linux/amd64").RawConfigFile()
	require.NoError(t, err)
	require.Contains(t, string(config), "moby.buildkit.cache.v0")
}

// TestRegistryCache: what a scanned build exports serves another builder.
func TestRegistryCache(t *testing.T) {
	env := start(t)
	dir := files(t, map[string]string{"Dockerfile": "FROM " + debianImage(t, env, clean) + " AS build\nRUN cat /proc/sys/kernel/random/uuid > /etc/once\nFROM scratch\nCOPY --from=build /etc/once /etc/once\n"})
	cache, one, two := imageName(t, env, "cache"), imageName(t, env, "one"), imageName(t, env, "two")
	mustPush(t, env, dir, env.FrontendRef(), one, "--provenance=false", "--cache-to", "type=registry,mode=max,ref="+cache)
	other := startOwn(t) // it has nothing in its cache
	r := mustPush(t, other, dir, env.FrontendRef(), two, "--provenance=false", "--cache-from", "type=registry,ref="+cache)
	require.Contains(t, r.Combined, scanStep)
	require.False(t, cached(r.Combined, scanStep), r.Combined)
	requireSameImage(t, env, one, two)
}

// TestSBOM builds with a generator of the test's own, as BuildKit's protocol
// for them asks: the attestation is there, and the image is the plain one.
func TestSBOM(t *testing.T) {
	env := start(t)
	generator := imageName(t, env, "generator")
	dir := files(t, map[string]string{
		"Dockerfile": "FROM " + debianImage(t, env, clean) + "\nCOPY --chmod=0755 generate /generate\nENTRYPOINT [\"/generate\"]\n",
		"generate": `#!/bin/sh
cat > "$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json" <<EOT
{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document", "subject": [],
 "predicate": {"spdxVersion": "SPDX-2.3", "files": "$(ls "$BUILDKIT_SCAN_SOURCE" | tr '\n' ' ')"}}
EOT
`,
	})
	mustPush(t, env, dir, "", generator)
	dir = files(t, merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(opensslClean))))
	plain, scanned := imageName(t, env, "plain"), imageName(t, env, "scanned")
	mustPush(t, env, dir, "", plain, "--sbom=generator="+generator)
	mustPush(t, env, dir, env.FrontendRef(), scanned, "--sbom=generator="+generator)
	requireSameImage(t, env, plain, scanned)
	index, err := env.Index(t.Context(), scanned)
	require.NoError(t, err)
	texts := map[string][]byte{}
	collectIndex(t, index, texts)
	sboms := 0
	for _, text := range texts {
		if bytes.Contains(text, []byte(`"predicateType":"https://spdx.dev/Document"`)) && bytes.Contains(text, []byte("etc lib")) {
			sboms++
		}
	}
	require.Equal(t, 1, sboms, "the SBOM is attached once")
}
