package e2e

import (
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
)

// The predicate types of what builds attach.
const (
	vulnsPredicate      = "https://in-toto.io/attestation/vulns/v0.2"
	spdxPredicate       = "https://spdx.dev/Document"
	provenancePredicate = "https://slsa.dev/provenance/"
)

const attestArg = "MICROSCANNER_ATTEST=true"

// twoPlatforms is a context whose image has an OpenSSL of that version on both.
func twoPlatforms(t *testing.T, openssl string) string {
	t.Helper()
	return files(t, merge(map[string]string{
		"Dockerfile": "FROM scratch AS base\nCOPY rootfs/ /\nFROM base\nARG TARGETARCH\nCOPY bin/$TARGETARCH /bin/app\n",
		"bin/amd64":  "amd64", "bin/arm64": "arm64",
	}, in("rootfs", alpine(openssl))))
}

// attached are the statements of a pushed index: by the digest that each is about,
// then by predicate type.
func attached(t *testing.T, env *harness.Env, ref string) map[string]map[string][]json.RawMessage {
	t.Helper()
	index, err := env.Index(t.Context(), ref)
	require.NoError(t, err)
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	out := map[string]map[string][]json.RawMessage{}
	for _, d := range manifest.Manifests {
		about := d.Annotations["vnd.docker.reference.digest"]
		if d.Annotations["vnd.docker.reference.type"] != "attestation-manifest" {
			continue
		}
		out[about] = map[string][]json.RawMessage{}
		img, err := index.Image(d.Digest)
		require.NoError(t, err)
		list, err := img.Manifest()
		require.NoError(t, err)
		for _, l := range list.Layers {
			require.Equal(t, types.MediaType("application/vnd.in-toto+json"), l.MediaType)
			layer, err := img.LayerByDigest(l.Digest)
			require.NoError(t, err)
			content, err := layer.Compressed()
			require.NoError(t, err)
			text, err := io.ReadAll(content)
			require.NoError(t, err)
			require.NoError(t, content.Close())
			kind := l.Annotations["in-toto.io/predicate-type"]
			out[about][kind] = append(out[about][kind], text)
		}
	}
	return out
}

// kinds are the predicate types that are attached to one image, sorted, without
// the version of a provenance.
func kinds(statements map[string][]json.RawMessage) []string {
	var out []string
	for kind, list := range statements {
		if strings.HasPrefix(kind, provenancePredicate) {
			kind = provenancePredicate
		}
		for range list {
			out = append(out, kind)
		}
	}
	slices.Sort(out)
	return out
}

// verify runs "microscanner verify".
func verify(t *testing.T, env *harness.Env, args ...string) harness.Result {
	t.Helper()
	return env.Run(t.Context(), "", nil, append([]string{filepath.Join(env.Dir(), "microscanner"), "verify"}, args...)...)
}

// requireVerifies checks the exit code and the text of verify.
func requireVerifies(t *testing.T, env *harness.Env, code int, text string, args ...string) {
	t.Helper()
	r := verify(t, env, args...)
	require.Equal(t, code, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, text)
}

// TestAttestation attaches the scan to both platforms' images, whose manifests
// stay what they are, and has it decide.
func TestAttestation(t *testing.T) {
	env := start(t)
	dir := twoPlatforms(t, opensslMedium)
	platforms := []string{"linux/amd64", "linux/arm64"}
	plain, scanned, ref := imageName(t, env, "plain"), imageName(t, env, "scanned"), imageName(t, env, "attested")
	both := []string{"--platform", strings.Join(platforms, ","), "--provenance=false"}
	mustPush(t, env, dir, "", plain, both...)
	mustPush(t, env, dir, env.FrontendRef(), scanned, both...)
	requireSameDigest(t, env, plain, scanned)
	mustPush(t, env, dir, env.FrontendRef(), ref, append(both, "--build-arg", attestArg)...)
	requireSameImage(t, env, plain, ref, platforms...)

	statements := attached(t, env, ref)
	require.Len(t, statements, 2)
	for _, platform := range platforms {
		digest, err := image(t, env, ref, platform).Digest()
		require.NoError(t, err)
		require.Equal(t, []string{vulnsPredicate}, kinds(statements[digest.String()]))
		var s struct {
			Subject   []struct{ Name string }
			Predicate struct {
				Scanner struct {
					URI    string
					Result []struct{ ID string }
				}
			}
		}
		require.NoError(t, json.Unmarshal(statements[digest.String()][vulnsPredicate][0], &s))
		require.NotEmpty(t, s.Subject)
		assert.Contains(t, s.Subject[0].Name, "pkg:docker/")
		assert.Contains(t, s.Predicate.Scanner.URI, "microscanner-frontend@latest?digest=sha256:")
		require.Len(t, s.Predicate.Scanner.Result, 1)
		assert.Equal(t, "CVE-2024-9143", s.Predicate.Scanner.Result[0].ID)
	}

	requireVerifies(t, env, 0, "pass linux/arm64", ref, "--max-age", "1h")
	requireVerifies(t, env, 4, "fail linux/amd64", ref, "--fail-on", "medium")
	requireVerifies(t, env, 1, "its scanner was sha256:", ref, "--scanner-digest", "sha256:"+strings.Repeat("0", 64))
	requireVerifies(t, env, 1, "no scan by this program is attested", scanned)
}

// TestAttestationOfOnePlatform makes an index of what is a manifest without it,
// also of an image with nothing in it, and in a layout.
func TestAttestationOfOnePlatform(t *testing.T) {
	env := start(t)
	for name, dockerfile := range map[string]string{"file": "FROM scratch\nCOPY Dockerfile /app\n", "empty": "FROM scratch\nLABEL nothing=here\n"} {
		dir := files(t, map[string]string{"Dockerfile": dockerfile})
		plain, ref := imageName(t, env, "plain"+name), imageName(t, env, name)
		mustPush(t, env, dir, "", plain, "--provenance=false")
		mustPush(t, env, dir, env.FrontendRef(), ref, "--provenance=false", "--build-arg", attestArg)
		requireSameImage(t, env, plain, ref)
		requireVerifies(t, env, 0, "pass linux/amd64", ref)
	}
	dir := twoPlatforms(t, opensslClean)
	for _, output := range []string{"type=oci,dest=unnamed.tar", "type=oci,name=app,dest=oci.tar", "type=oci,name=app,tar=false,dest=layout", "type=docker,name=app,dest=docker.tar"} {
		r := env.Buildx(t.Context(), dir, nil, "build", "--provenance=false", "--build-arg", "BUILDKIT_SYNTAX="+env.FrontendRef(),
			"--build-arg", attestArg, "--output", output, ".")
		require.Zero(t, r.ExitCode, r.Combined)
		_, dest, _ := strings.Cut(output, "dest=")
		if !strings.Contains(output, "name=") {
			requireVerifies(t, env, 1, "its attestation names no image", filepath.Join(dir, dest))
			continue
		}
		requireVerifies(t, env, 0, "pass linux/amd64", filepath.Join(dir, dest))
	}
	r := env.Buildx(t.Context(), dir, nil, "build", "--provenance=false", "--build-arg", "BUILDKIT_SYNTAX="+env.FrontendRef(),
		"--build-arg", attestArg, "--output", "files", ".")
	require.Zero(t, r.ExitCode, r.Combined)
	require.FileExists(t, filepath.Join(dir, "files", "vulnerabilities.intoto.json"))
}

// spdxDocument is what the tests read of one.
type spdxDocument struct {
	SPDXVersion string
	Packages    []struct{ Name, VersionInfo string }
}

// requirePackages checks that an SBOM lists the packages of alpine.
func requirePackages(t *testing.T, statement json.RawMessage, openssl string) {
	t.Helper()
	var s struct{ Predicate spdxDocument }
	require.NoError(t, json.Unmarshal(statement, &s))
	require.Equal(t, "SPDX-2.3", s.Predicate.SPDXVersion)
	found := map[string]string{}
	for _, p := range s.Predicate.Packages {
		found[p.Name] = p.VersionInfo
	}
	for name, version := range map[string]string{"musl": "1.2.5-r0", "libcrypto3": openssl, "libssl3": openssl, "alpine-baselayout": "3.6.5-r0"} {
		require.Equal(t, version, found[name], name)
	}
}

// TestEveryAttestationAtOnce: provenance, an SBOM made by our image, and the scan,
// with BuildKit's own frontend and with ours.
func TestEveryAttestationAtOnce(t *testing.T) {
	env := start(t)
	dir := twoPlatforms(t, opensslClean)
	args := []string{"--platform", "linux/amd64,linux/arm64", "--attest", "type=sbom,generator=" + env.FrontendRef(), "--attest", "type=provenance,mode=max"}
	plain, ref := imageName(t, env, "plain"), imageName(t, env, "attested")
	mustPush(t, env, dir, "", plain, args...)
	mustPush(t, env, dir, env.FrontendRef(), ref, append(args, "--build-arg", attestArg)...)
	requireSameImage(t, env, plain, ref, "linux/amd64", "linux/arm64")
	for name, want := range map[string][]string{
		plain: {provenancePredicate, spdxPredicate},
		ref:   {vulnsPredicate, provenancePredicate, spdxPredicate},
	} {
		statements := attached(t, env, name)
		require.Len(t, statements, 2, name)
		for _, list := range statements {
			require.Equal(t, want, kinds(list), name)
			requirePackages(t, list[spdxPredicate][0], opensslClean)
		}
	}
	requireVerifies(t, env, 0, "pass linux/amd64", ref)
}

// TestSBOMOfStages: what BUILDKIT_SBOM_SCAN_STAGE asks for is scanned too.
func TestSBOMOfStages(t *testing.T) {
	env := start(t)
	dir := files(t, merge(map[string]string{
		"Dockerfile": "ARG BUILDKIT_SBOM_SCAN_STAGE=true\nFROM scratch AS base\nARG BUILDKIT_SBOM_SCAN_STAGE=true\nCOPY rootfs/ /\nFROM scratch\nCOPY --from=base /etc/ /copied/\n",
	}, in("rootfs", alpine(opensslHigh))))
	ref := imageName(t, env, "it")
	mustPush(t, env, dir, "", ref, "--provenance=false", "--attest", "type=sbom,generator="+env.FrontendRef())
	for _, list := range attached(t, env, ref) {
		require.Len(t, list[spdxPredicate], 2)
		requirePackages(t, list[spdxPredicate][1], opensslHigh)
	}
}

// TestSBOMOfBrokenDatabase: a list that lacks packages is none.
func TestSBOMOfBrokenDatabase(t *testing.T) {
	env := start(t)
	broken := bookworm([3]string{"tar", "tar", "1.34"})
	broken["var/lib/dpkg/status"] += "Package: a\nStatus: install ok installed\nArchitecture: amd64\n\n"
	dir := files(t, merge(map[string]string{"Dockerfile": "FROM scratch\nCOPY rootfs/ /\n"}, in("rootfs", broken)))
	r := push(t, env, dir, "", imageName(t, env, "it"), "--attest", "type=sbom,generator="+env.FrontendRef())
	require.NotZero(t, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, "the list of packages would not be complete: var/lib/dpkg/status")
}
