package verify

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/attest"
	"github.com/example/microscanner-frontend/scanner/image"
	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

const scannerDigest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// scanned is when the scans of reporttest ended, to a second or two.
func scanned() time.Time { return time.Date(2026, 1, 2, 3, 4, 7, 6, time.UTC) }

// statement is what BuildKit attaches to the manifest with that digest.
func statement(t testing.TB, r *report.Report, digest string) []byte {
	t.Helper()
	predicate, err := attest.Predicate(r, attest.Scanner{Digest: scannerDigest}, "")
	require.NoError(t, err)
	return fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","predicateType":%q,"subject":[{"name":"app","digest":{"sha256":%q}}],"predicate":%s}`,
		attest.PredicateType, strings.TrimPrefix(digest, "sha256:"), predicate)
}

// attestation is the manifest of statements about another one, and its place in
// an index.
func attestation(t *testing.T, about v1.Hash, statements ...[]byte) mutate.IndexAddendum {
	t.Helper()
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	for _, s := range statements {
		var err error
		img, err = mutate.Append(img, mutate.Addendum{
			Layer:       static.NewLayer(s, "application/vnd.in-toto+json"),
			Annotations: map[string]string{"in-toto.io/predicate-type": attest.PredicateType},
		})
		require.NoError(t, err)
	}
	return mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
		Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"},
		Annotations: map[string]string{
			"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": about.String(),
		},
	}}
}

// platformImage is an image, and its place in an index.
func platformImage(t *testing.T, architecture string) (v1.Hash, mutate.IndexAddendum) {
	t.Helper()
	img, err := mutate.ConfigFile(mutate.MediaType(empty.Image, types.OCIManifestSchema1), &v1.ConfigFile{OS: "linux", Architecture: architecture})
	require.NoError(t, err)
	digest, err := img.Digest()
	require.NoError(t, err)
	return digest, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}}}
}

func index(parts ...mutate.IndexAddendum) v1.ImageIndex {
	return mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), parts...)
}

// results verifies all platforms of an image.
func results(t *testing.T, ref string, o Options) ([]Result, error) {
	t.Helper()
	source, err := image.Open(t.Context(), ref, image.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, source.Close()) }()
	images, err := source.Images(t.Context(), []string{image.AllPlatforms})
	if err != nil {
		return nil, err
	}
	return Images(t.Context(), images, o)
}

func options() Options {
	return Options{Policy: policy.Default(), Now: scanned().Add(time.Hour)}
}

// TestPlaces finds attestations in a registry and in a layout, of each platform.
func TestPlaces(t *testing.T) {
	amd64, one := platformImage(t, "amd64")
	arm64, two := platformImage(t, "arm64")
	all := index(one, two, attestation(t, amd64, statement(t, reporttest.Clean(), amd64.String())), attestation(t, arm64, statement(t, reporttest.Sample(), arm64.String())))

	server := httptest.NewServer(registry.New())
	defer server.Close()
	ref := strings.TrimPrefix(server.URL, "http://") + "/app:1"
	tag, err := name.NewTag(ref)
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(tag, all))
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	require.NoError(t, err)
	require.NoError(t, path.AppendIndex(all))

	for _, place := range []string{ref, dir} {
		got, err := results(t, place, options())
		require.NoError(t, err)
		require.Len(t, got, 2)
		assert.Equal(t, "linux/amd64", got[0].Platform)
		assert.True(t, got[0].Verdict.Pass)
		assert.Equal(t, arm64.String(), got[1].Digest)
		assert.Equal(t, policy.ExitGate, got[1].Verdict.ExitCode)
	}
}

// TestOnePlatformWithout: one of two platforms was never scanned.
func TestOnePlatformWithout(t *testing.T) {
	amd64, one := platformImage(t, "amd64")
	_, two := platformImage(t, "arm64")
	dir := filepath.Join(t.TempDir(), "layout")
	path, err := layout.Write(dir, empty.Index)
	require.NoError(t, err)
	require.NoError(t, path.AppendIndex(index(one, two, attestation(t, amd64, statement(t, reporttest.Clean(), amd64.String())))))
	_, err = results(t, dir, options())
	require.ErrorIs(t, err, ErrNoAttestation)
	require.ErrorContains(t, err, "for linux/arm64 cannot be verified")
}

// TestHiddenImage: an image that passes for an attestation or an artifact would be
// run all the same.
func TestHiddenImage(t *testing.T) {
	marked := map[string]string{"vnd.docker.reference.type": "attestation-manifest"}
	amd64, one := platformImage(t, "amd64")
	for name, tc := range map[string]struct {
		hidden v1.Descriptor
		want   string
	}{
		"platform, annotation":    {v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}, Annotations: marked}, "for linux/arm64 cannot be verified"},
		"no platform, annotation": {v1.Descriptor{Annotations: marked}, "for linux/arm64 cannot be verified"},
		"no system, annotation":   {v1.Descriptor{Platform: &v1.Platform{Architecture: "arm64"}, Annotations: marked}, "for an unknown platform cannot be verified"},
		"platform, another type":  {v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}, MediaType: "application/x"}, `is of the type "application/x", which is no image`},
	} {
		t.Run(name, func(t *testing.T) {
			_, two := platformImage(t, "arm64")
			if two.Descriptor = tc.hidden; tc.hidden.MediaType != "" {
				two.Add = static.NewLayer([]byte("{}"), tc.hidden.MediaType)
			}
			dir := filepath.Join(t.TempDir(), "layout")
			path, err := layout.Write(dir, empty.Index)
			require.NoError(t, err)
			require.NoError(t, path.AppendIndex(index(one, two, attestation(t, amd64, statement(t, reporttest.Clean(), amd64.String())))))
			_, err = results(t, dir, options())
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestDecide(t *testing.T) {
	const digest = "sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
	clean, bad := statement(t, reporttest.Clean(), digest), statement(t, reporttest.Sample(), digest)
	foreign := bytes.Replace(clean, []byte(attest.ExtensionType), []byte("https://example.com/other"), 1)
	for name, tc := range map[string]struct {
		statements [][]byte
		change     func(*Options)
		code       int
		err        string
	}{
		"clean":              {statements: [][]byte{clean}},
		"findings":           {statements: [][]byte{bad}, code: policy.ExitGate},
		"findings allowed":   {statements: [][]byte{bad}, change: func(o *Options) { o.Policy.FailOn = policy.Never }},
		"another scanner's":  {statements: [][]byte{foreign, clean}},
		"only another's":     {statements: [][]byte{foreign}, err: "no scan by this program is attested"},
		"none":               {err: "no scan by this program is attested; build it with attest=true"},
		"two":                {statements: [][]byte{clean, clean}, err: "more than one attestation"},
		"of another image":   {statements: [][]byte{statement(t, reporttest.Clean(), scannerDigest)}, err: "is about another image"},
		"of no image":        {statements: [][]byte{bytes.Replace(clean, []byte(`"subject":[`), []byte(`"subject":[],"x":[`), 1)}, err: "names no image"},
		"damaged":            {statements: [][]byte{clean[:100]}, err: "not the JSON"},
		"damaged beside one": {statements: [][]byte{clean, []byte("{")}, err: "not the JSON"},
		"young enough":       {statements: [][]byte{clean}, change: func(o *Options) { o.MaxAge = 2 * time.Hour }},
		"too old":            {statements: [][]byte{clean}, change: func(o *Options) { o.MaxAge = 30 * time.Minute }, err: "longer ago than 30m"},
		"future":             {statements: [][]byte{clean}, change: func(o *Options) { o.Now = scanned().Add(-time.Hour) }, err: "in the future"},
		"clocks differ":      {statements: [][]byte{clean}, change: func(o *Options) { o.Now = scanned().Add(-time.Minute) }},
		"this scanner":       {statements: [][]byte{clean}, change: func(o *Options) { o.ScannerDigests = []string{scannerDigest} }},
		"not this scanner":   {statements: [][]byte{clean}, change: func(o *Options) { o.ScannerDigests = []string{digest} }, err: "its scanner was " + scannerDigest},
		"not this policy":    {statements: [][]byte{clean}, change: func(o *Options) { o.PolicyDigests = []string{digest} }, err: "it was built under the policy sha256:"},
		"suppressed count":   {statements: [][]byte{bad}, change: func(o *Options) { o.CountSuppressed = true }, code: policy.ExitGate},
		"incomplete":         {statements: [][]byte{statement(t, reporttest.Broken(), digest)}, code: policy.ExitError},
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			if tc.change != nil {
				tc.change(&o)
			}
			got, err := decide(tc.statements, digest, o)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.code, got.Verdict.ExitCode, got.Verdict.Reason)
		})
	}
}

// TestTooManyStatements: an index cannot make us read without end.
func TestTooManyStatements(t *testing.T) {
	amd64, one := platformImage(t, "amd64")
	var many [][]byte
	for n := range 20 {
		many = append(many, fmt.Appendf(nil, "{}%*s", n, ""))
	}
	dir := filepath.Join(t.TempDir(), "layout")
	path, err := layout.Write(dir, empty.Index)
	require.NoError(t, err)
	require.NoError(t, path.AppendIndex(index(one, attestation(t, amd64, many...))))
	_, err = results(t, dir, options())
	require.ErrorContains(t, err, "more than 16")
}

// TestInterrupted ends where its caller ends it.
func TestInterrupted(t *testing.T) {
	amd64, one := platformImage(t, "amd64")
	server := httptest.NewServer(registry.New())
	defer server.Close()
	tag, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/app:1")
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(tag, index(one, attestation(t, amd64, statement(t, reporttest.Clean(), amd64.String())))))
	source, err := image.Open(t.Context(), tag.String(), image.Options{})
	require.NoError(t, err)
	images, err := source.Images(t.Context(), []string{image.AllPlatforms})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Images(ctx, images, options())
	require.ErrorIs(t, err, context.Canceled)
}
