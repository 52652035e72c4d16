package image_test

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/image"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/internal/tlstest"
)

// TestRealImages: real root file systems of every format of package databases,
// packed in two layers, have what their directories have.
func TestRealImages(t *testing.T) {
	host := serve(t, nil)
	folders, err := os.ReadDir(scantest.Shared(t, "rootfs"))
	require.NoError(t, err)
	seen := 0
	for _, f := range folders {
		switch f.Name() {
		case "README.md", "fragments", "release-files":
			continue
		}
		t.Run(f.Name(), func(t *testing.T) {
			lower, upper := halves(t, scantest.Shared(t, "rootfs/"+f.Name()))
			ref := push(t, host+"/"+strings.ToLower(f.Name())+":1", imageOf(t, lower, upper))
			_, got, err := read(t, ref, options())
			require.NoError(t, err)
			inv, text := inventoryOf(got[0])
			want, wantText := inventoryOf(extract(t, lower, upper))
			require.Equal(t, wantText, text)
			require.Equal(t, want, inv)
			seen += len(inv.Packages)
		})
	}
	assert.Greater(t, seen, 1000)
}

// halves packs a folder in two layers. Databases that are compressed are
// unpacked.
func halves(t *testing.T, dir string) (lower, upper []byte) {
	t.Helper()
	var list [2][]entry
	n := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		require.NoError(t, err)
		e := entry{name: strings.TrimSuffix(rel, ".gz")}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			require.NoError(t, err)
			e.text = "-> " + target
		} else {
			text, err := os.ReadFile(path) //nolint:gosec // our own test data
			require.NoError(t, err)
			if e.name != rel {
				text = gunzip(t, text)
			}
			e.text = string(text)
		}
		list[n%2] = append(list[n%2], e)
		n++
		return nil
	}))
	return pack(t, list[0]), pack(t, list[1])
}

func TestPlaces(t *testing.T) {
	i := debianImage(t)
	digest, err := i.Digest()
	require.NoError(t, err)
	tag, err := name.NewTag("example.com/app:1")
	require.NoError(t, err)

	var saved bytes.Buffer
	require.NoError(t, tarball.Write(tag, i, &saved))
	dir := filepath.Join(t.TempDir(), "layout")
	path, err := layout.Write(dir, empty.Index)
	require.NoError(t, err)
	require.NoError(t, path.AppendImage(i))
	host := serve(t, nil)
	for what, tc := range map[string]struct {
		ref    string
		digest string
	}{
		"a registry":              {push(t, host+"/app:1", i), digest.String()},
		"a registry, by digest":   {host + "/app@" + digest.String(), digest.String()},
		"docker save":             {write(t, "image.tar", saved.Bytes()), ""},
		"docker save, compressed": {write(t, "image", gzipped(t, saved.Bytes())), ""},
		"an OCI layout":           {dir, digest.String()},
		"an OCI archive":          {write(t, "oci.tar", tarOf(t, dir)), digest.String()},
		"OCI archive, compressed": {write(t, "oci.tgz", gzipped(t, tarOf(t, dir))), digest.String()},
		"docker save, as of old":  {write(t, "old.tar", oldArchive(t, i)), ""},
	} {
		t.Run(what, func(t *testing.T) {
			got := requireDebian(t, tc.ref, options())
			assert.Equal(t, tc.digest, got.Digest)
			assert.Equal(t, "linux/amd64", got.Platform)
			assert.Equal(t, tc.ref, got.Reference)
			assert.Positive(t, got.Size())
		})
	}
}

// tarOf packs a directory.
func tarOf(t *testing.T, dir string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	require.NoError(t, w.AddFS(os.DirFS(dir)))
	require.NoError(t, w.Close())
	return out.Bytes()
}

// oldArchive is what Docker before version 25 saves: a folder for each layer, and
// a link for one that is there twice.
func oldArchive(t *testing.T, i v1.Image) []byte {
	t.Helper()
	layers, err := i.Layers()
	require.NoError(t, err)
	config, err := i.RawConfigFile()
	require.NoError(t, err)
	var entries []entry
	for n, l := range layers {
		r, err := l.Uncompressed()
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		entries = append(entries, entry{"id" + string(rune('0'+n)) + "/layer.tar", string(text)})
	}
	return pack(t, append(entries,
		entry{"id2/layer.tar", "-> ../id1/layer.tar"}, entry{"config.json", string(config)},
		entry{"manifest.json", `[{"Config":"config.json","RepoTags":["app:1"],"Layers":["id0/layer.tar","id2/layer.tar"]}]`}))
}

func TestNames(t *testing.T) {
	i := debianImage(t)
	dir := filepath.Join(t.TempDir(), "layout")
	path, err := layout.Write(dir, empty.Index)
	require.NoError(t, err)
	for _, n := range []string{"one", "two"} {
		require.NoError(t, path.AppendImage(i, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": n})))
	}
	var saved bytes.Buffer
	one, err := name.NewTag("one:1")
	require.NoError(t, err)
	two, err := name.NewTag("two:1")
	require.NoError(t, err)
	require.NoError(t, tarball.MultiWrite(map[name.Tag]v1.Image{one: i, two: mutate.MediaType(onPlatform(t, i, "linux", "s390x"), types.OCIManifestSchema1)}, &saved))
	docker := write(t, "docker.tar", saved.Bytes())
	for _, ref := range []string{dir, docker} {
		_, _, err = read(t, ref, options())
		require.ErrorContains(t, err, "has several images: name one of them with --name: ")
		o := options()
		o.Name = "none"
		_, _, err = read(t, ref, o)
		require.ErrorContains(t, err, "has no image none; it has: ")
	}
	o := options()
	o.Name = "two"
	requireDebian(t, dir, o)
	o.Name = "two:1"
	assert.Equal(t, "linux/s390x", requireDebian(t, docker, o).Platform)
}

// platformIndex has an image for each platform, and an attestation.
func platformIndex(t *testing.T) v1.ImageIndex {
	index := v1.ImageIndex(empty.Index)
	for _, p := range []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}, {OS: "linux", Architecture: "arm", Variant: "v7"}, {OS: "unknown", Architecture: "unknown"}} {
		packages := pack(t, []entry{{"etc/os-release", debian}, {"var/lib/dpkg/status", dpkg(p.Architecture)}})
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: onPlatform(t, imageOf(t, packages), p.OS, p.Architecture), Descriptor: v1.Descriptor{Platform: &p}})
	}
	return index
}

func TestPlatforms(t *testing.T) {
	host := serve(t, nil)
	ref, err := name.ParseReference(host + "/app:1")
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(ref, platformIndex(t)))
	for _, tc := range []struct {
		wanted []string
		got    []string
		err    string
	}{
		{[]string{"linux/amd64"}, []string{"linux/amd64"}, ""},
		{[]string{"linux/arm64", "amd64"}, []string{"linux/arm64", "linux/amd64"}, ""},
		{[]string{"linux/arm/v7"}, []string{"linux/arm/v7"}, ""},
		{[]string{"all"}, []string{"linux/amd64", "linux/arm64", "linux/arm/v7"}, ""},
		{[]string{"linux/s390x"}, nil, "has no image for linux/s390x; choose with --platform: linux/amd64, linux/arm64, linux/arm/v7"},
		{[]string{"l/i/n/u/x"}, nil, `"l/i/n/u/x" is no platform such as linux/arm64`},
	} {
		o := options()
		o.Platforms = tc.wanted
		images, list, err := read(t, ref.Name(), o)
		if tc.err != "" {
			require.ErrorContains(t, err, tc.err)
			continue
		}
		require.NoError(t, err)
		var got []string
		for n, i := range images {
			got = append(got, i.Platform)
			inv, text := inventoryOf(list[n])
			require.Empty(t, text)
			assert.Contains(t, i.Platform, inv.Packages[0].Name)
		}
		assert.Equal(t, tc.got, got)
	}
	// Of an image without an index, the platform is what it says itself.
	o := options()
	single := push(t, host+"/single:1", onPlatform(t, debianImage(t), "linux", "riscv64"))
	assert.Equal(t, "linux/riscv64", requireDebian(t, single, o).Platform)
	o.Platforms = []string{"linux/amd64"}
	_, _, err = read(t, single, o)
	require.ErrorContains(t, err, "has no image for linux/amd64; choose with --platform: linux/riscv64")
}

type keys struct{ authn.Authenticator }

func (k keys) Resolve(authn.Resource) (authn.Authenticator, error) { return k.Authenticator, nil }

func TestCredentials(t *testing.T) {
	locked := false
	host := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, password, _ := r.BasicAuth(); locked && password != "right" {
				w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	ref := push(t, host+"/app:1", debianImage(t))
	locked = true
	_, _, err := read(t, ref, options())
	require.ErrorContains(t, err, host+` does not allow to read app: log in with "docker login `+host+`"`)
	o := options()
	o.Keychain = keys{authn.FromConfig(authn.AuthConfig{Username: "u", Password: "wrong-secret"})}
	_, _, err = read(t, ref, o)
	require.ErrorContains(t, err, "does not allow to read")
	assert.NotContains(t, err.Error(), "wrong-secret")
	o.Keychain = keys{authn.FromConfig(authn.AuthConfig{Username: "u", Password: "right"})}
	requireDebian(t, ref, o)
}

// TestBearer: a token is fetched with the password, and used.
func TestBearer(t *testing.T) {
	locked := false
	host := ""
	host = serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, password, _ := r.BasicAuth()
			switch {
			case r.URL.Path == "/token" && password == "right":
				_, _ = io.WriteString(w, `{"token":"bearer-token"}`)
			case locked && r.Header.Get("Authorization") != "Bearer bearer-token":
				w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+host+`/token",service="x"`)
				w.WriteHeader(http.StatusUnauthorized)
			default:
				next.ServeHTTP(w, r)
			}
		})
	})
	ref := push(t, host+"/app:1", debianImage(t))
	locked = true
	_, _, err := read(t, ref, options())
	require.ErrorContains(t, err, "does not allow to read app")
	o := options()
	o.Keychain = keys{authn.FromConfig(authn.AuthConfig{Username: "u", Password: "right"})}
	requireDebian(t, ref, o)
}

func TestMirror(t *testing.T) {
	mirror, own := serve(t, nil), serve(t, nil)
	var notices []string
	o := options()
	o.Notice = func(text string) { notices = append(notices, text) }
	push(t, mirror+"/hub/library/debian:12", debianImage(t))
	o.Mirrors = []string{mirror + "/hub"}
	assert.Equal(t, "debian:12", requireDebian(t, "debian:12", o).Reference)
	assert.Empty(t, notices)

	push(t, own+"/team/app:1", debianImage(t))
	o.Mirrors = []string{mirror + "/hub", own + "=" + mirror + "/team-mirror"}
	requireDebian(t, own+"/team/app:1", o)
	require.Len(t, notices, 1)
	assert.Contains(t, notices[0], "the mirror does not have it, so its own registry is asked: "+mirror+" has no such image")

	o.Mirrors = []string{"="}
	_, _, err := read(t, "debian:12", o)
	require.ErrorContains(t, err, `the mirror "=" is not of the form`)
}

func TestCertificates(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	server, err := tlstest.Server(registry.New(), ca, time.Now().Add(time.Hour))
	require.NoError(t, err)
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "https://")
	ref, err := name.ParseReference(host + "/app:1")
	require.NoError(t, err)
	require.NoError(t, remote.Write(ref, debianImage(t), remote.WithTransport(server.Client().Transport)))

	o := options()
	o.CAFile = ca
	requireDebian(t, ref.Name(), o)
	o.CAFile = filepath.Join(t.TempDir(), "none")
	_, _, err = read(t, ref.Name(), o)
	require.ErrorContains(t, err, "cannot read the CA certificates")
}

// TestMistakes: what users get wrong is said in a sentence.
func TestMistakes(t *testing.T) {
	host := serve(t, nil)
	dir := t.TempDir()
	artifact := mutate.ConfigMediaType(debianImage(t), "application/vnd.cncf.helm.config.v1+json")
	withLayer := func(mediaType types.MediaType, urls ...string) v1.Image {
		l := layerOf(t, pack(t, []entry{{"x", "y"}}))
		i, err := mutate.Append(empty.Image, mutate.Addendum{Layer: l, MediaType: mediaType, URLs: urls})
		require.NoError(t, err)
		return onPlatform(t, i, "linux", "amd64")
	}
	for what, tc := range map[string]struct{ ref, want string }{
		"no such image":     {host + "/none:1", host + " has no such image"},
		"no such file":      {"./none.tar", "cannot read the image ./none.tar: no such file or directory"},
		"no name":           {"UPPER", `"UPPER" is neither a file nor the name of an image`},
		"a plain directory": {dir, "is no OCI layout: it has no file oci-layout; the command rootfs scans"},
		"a plain file":      {write(t, "x.tar", []byte("hello")), "is no archive of an image"},
		"another archive":   {write(t, "y.tar", pack(t, []entry{{"a", "b"}})), `it has neither index.json of an OCI layout nor manifest.json of "docker save"`},
		"too many layers":   {write(t, "many.tar", pack(t, []entry{{"c", "{}"}, {"manifest.json", `[{"Config":"c","Layers":["x"` + strings.Repeat(`,"x"`, 1000) + `]}]`}})), "it has 1001 layers, more than 1000"},
		"a Helm chart":      {push(t, host+"/chart:1", artifact), `is no image but an artifact with a configuration of the type "application/vnd.cncf.helm.config.v1+json"`},
		"encrypted":         {push(t, host+"/enc:1", withLayer("application/vnd.oci.image.layer.v1.tar+gzip+encrypted")), "is encrypted: decrypt the image before the scan"},
		"foreign":           {push(t, host+"/win:1", withLayer(types.DockerLayer, "https://example.com/layer")), "a foreign layer, as Windows has"},
		"no layer":          {push(t, host+"/odd:1", withLayer("application/json")), `is of the type "application/json", which is no layer of a root file system`},
	} {
		t.Run(what, func(t *testing.T) {
			_, _, err := read(t, tc.ref, options())
			require.ErrorContains(t, err, tc.want)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
	_, _, err := read(t, "registry.invalid.example:1/app", image.Options{Keychain: noKeys})
	require.Error(t, err)
}

// TestSchema1 refuses the oldest format of manifests.
func TestSchema1(t *testing.T) {
	host := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", string(types.DockerManifestSchema1Signed))
			_, _ = io.WriteString(w, `{"schemaVersion":1}`)
		})
	})
	_, _, err := read(t, host+"/old:1", options())
	require.ErrorContains(t, err, "schema 1")
}
