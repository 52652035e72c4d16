package image_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
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
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/tlstest"
)

func zstandard(t testing.TB, text []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return w.EncodeAll(text, nil)
}

// rawImage has layers as they are, compressed or not.
func rawImage(t testing.TB, layers ...[]byte) v1.Image {
	t.Helper()
	out := empty.Image
	for _, text := range layers {
		var err error
		out, err = mutate.Append(out, mutate.Addendum{Layer: static.NewLayer(text, types.OCILayer), MediaType: types.OCILayer})
		require.NoError(t, err)
	}
	return onPlatform(t, out, "linux", "amd64")
}

func TestCompressions(t *testing.T) {
	host := serve(t, nil)
	text := pack(t, []entry{{"etc/os-release", debian}, {"var/lib/dpkg/status", dpkg("a")}})
	for what, layer := range map[string][]byte{
		"none": text, "gzip": gzipped(t, text), "zstd": zstandard(t, text),
		"zstd of pzstd":     append([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00size"), zstandard(t, text)...),
		"gzip in two parts": append(gzipped(t, text[:1000]), gzipped(t, text[1000:])...),
	} {
		t.Run(what, func(t *testing.T) { requireDebian(t, push(t, host+"/app:1", rawImage(t, layer)), options()) })
	}
}

// TestHostileLayers: each is refused with a sentence, and none takes the memory
// or the time that it asks for.
func TestHostileLayers(t *testing.T) {
	host := serve(t, nil)
	good := pack(t, []entry{{"etc/os-release", debian}, {"var/lib/dpkg/status", dpkg("a")}})
	for what, tc := range map[string]struct {
		layer []byte
		want  string
	}{
		"ends too early":         {good[:550], "it ends too early"},
		"ends too early, gzip":   {gzipped(t, good)[:100], "it ends too early"},
		"no archive":             {[]byte(strings.Repeat("hello ", 1000)), "invalid tar header"},
		"a long name":            {pack(t, []entry{{strings.Repeat("n", 5000), "x"}}), "a name longer than 4096 bytes"},
		"a long link":            {pack(t, []entry{{"x", "-> " + strings.Repeat("n", 5000)}}), "a name longer than 4096 bytes"},
		"a hard link to nothing": {pack(t, []entry{{"var/lib/dpkg/status", "=> etc/os-release"}}), "var/lib/dpkg/status is a hard link to etc/os-release, which is no file before it in its layer"},
		"a whiteout of no name":  {pack(t, []entry{{"var/lib/dpkg/.wh.", ""}}), "var/lib/dpkg/.wh. is a whiteout of no name"},
		"of its own folder":      {pack(t, []entry{{"var/lib/dpkg/.wh..", ""}}), "is a whiteout of no name"},
		"of the folder above":    {pack(t, []entry{{"var/lib/dpkg/.wh...", ""}}), "is a whiteout of no name"},
		"links in a circle":      {pack(t, []entry{{"a", "-> b"}, {"b", "-> a"}, {"a/x", "y"}}), "leads through too many symbolic links"},
	} {
		t.Run(what, func(t *testing.T) {
			_, _, err := read(t, push(t, host+"/app:1", rawImage(t, tc.layer)), options())
			require.ErrorContains(t, err, tc.want)
			assert.ErrorContains(t, err, "layer 1 of 1, sha256:")
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

// bomb writes an archive with n files of that size, all zero.
func bomb(t *testing.T, names func(int) string, n int, size int64) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	require.NoError(t, err)
	w := tar.NewWriter(z)
	for i := range n {
		require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: names(i), Size: size, Mode: 0o644}))
		_, err := io.CopyN(w, zeros{}, size)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	return out.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestBombs(t *testing.T) {
	host := serve(t, nil)
	status := func(i int) string { return fmt.Sprintf("var/lib/dpkg/status.d/%d", i) }
	_, _, err := read(t, push(t, host+"/app:1", rawImage(t, bomb(t, status, 10, 64<<20))), options())
	require.ErrorContains(t, err, "the package databases and links of the image are larger than the limit of 512 MiB")

	// What nobody reads is gone over, and a database above the limit is not kept.
	large := bomb(t, func(int) string { return "var/lib/dpkg/status" }, 1, 200<<20)
	_, got, err := read(t, push(t, host+"/app:1", rawImage(t, pack(t, []entry{{"etc/os-release", debian}}), large)), options())
	require.NoError(t, err)
	_, text := inventoryOf(got[0])
	assert.Equal(t, "the package database var/lib/dpkg/status is larger than the limit of 131072 KiB", text)
}

// TestMazes: folders without end, and links that multiply, end in an answer.
func TestMazes(t *testing.T) {
	host := serve(t, nil)
	base := []entry{{"etc/os-release", debian}, {"var/lib/dpkg/status", dpkg("a")}}
	deep := append([]entry{{strings.Repeat("d/", 200) + "status", "x"}}, base...)
	requireDebian(t, push(t, host+"/deep:1", imageOf(t, pack(t, deep))), options())
	_, _, err := read(t, push(t, host+"/deep:1", imageOf(t, pack(t, []entry{{strings.Repeat("d/", 300), ""}}))), options())
	require.ErrorContains(t, err, "it has a file in more than 256 folders")
	deep = nil
	for i := range 6000 {
		deep = append(deep, entry{fmt.Sprint(i) + strings.Repeat("/d", 200) + "/status", ""})
	}
	_, _, err = read(t, push(t, host+"/deep:1", imageOf(t, pack(t, deep))), options())
	require.ErrorContains(t, err, "are larger than the limit of 512 MiB")

	var layers [][]byte
	for range 40 {
		var links []entry
		for i := range 30 {
			links = append(links, entry{fmt.Sprintf("l%d", i), fmt.Sprintf("-> l%d/../l%d/x", (i+1)%30, (i+len(layers))%30)})
		}
		layers = append(layers, pack(t, append(links, entry{"var", "-> l0/l1/l2"})))
	}
	started := time.Now()
	_, _, err = read(t, push(t, host+"/maze:1", imageOf(t, layers...)), options())
	if err != nil {
		assert.ErrorContains(t, err, "the links of the image lead to more than")
	}
	t.Log(err, time.Since(started))

	var many []entry
	for i := range 12_000 {
		many = append(many, entry{fmt.Sprintf("var/lib/dpkg/status.d/%d", i), ""})
	}
	_, got, err := read(t, push(t, host+"/many:1", imageOf(t, pack(t, append(many, base...)))), options())
	require.NoError(t, err)
	_, text := inventoryOf(got[0])
	assert.Equal(t, "the package database var/lib/dpkg/status.d holds more than the limit of 10000 files", text)
}

// TestWrongDigests: a registry or a layout that gives other content.
func TestWrongDigests(t *testing.T) {
	wrong := ""
	host := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && wrong != "" && strings.Contains(r.URL.Path, wrong) {
				_, _ = w.Write(pack(t, []entry{{"etc/os-release", alpine}}))
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	i := debianImage(t)
	ref := push(t, host+"/app:1", i)
	layers, err := i.Layers()
	require.NoError(t, err)
	digest, err := layers[1].Digest()
	require.NoError(t, err)
	wrong = "/blobs/" + digest.String()
	_, _, err = read(t, ref, options())
	require.ErrorContains(t, err, digest.Hex)
	require.ErrorContains(t, err, "layer 2 of 2")

	dir := filepath.Join(t.TempDir(), "layout")
	path, err := layout.Write(dir, empty.Index)
	require.NoError(t, err)
	require.NoError(t, path.AppendImage(i))
	for _, text := range [][]byte{nil, pack(t, []entry{{"etc/os-release", alpine}}), gzipped(t, pack(t, []entry{{"x", "y"}}))} {
		replaceFile(t, filepath.Join(dir, "blobs", "sha256", digest.Hex), text)
		_, _, err = read(t, dir, options())
		require.ErrorContains(t, err, "layer 2 of 2")
	}

	// In an archive of docker save, the configuration has the digests.
	saved := oldArchive(t, i)
	saved = bytes.ReplaceAll(saved, []byte("Version: 1.0-1"), []byte("Version: 1.0-2"))
	_, _, err = read(t, write(t, "old.tar", saved), options())
	require.ErrorContains(t, err, "its content does not have the digest sha256:")
}

func TestTransport(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	server, err := tlstest.Server(registry.New(), ca, time.Now().Add(time.Hour))
	require.NoError(t, err)
	t.Cleanup(server.Close)
	_, _, err = read(t, strings.TrimPrefix(server.URL, "https://")+"/app:1", options())
	require.ErrorContains(t, err, "is not trusted: give its CA with --ca-file")

	// On Linux, 0.0.0.0 is this machine by a name that does not look like it.
	ref := push(t, serve(t, nil)+"/app:1", debianImage(t))
	there := strings.Replace(ref, "127.0.0.1", "0.0.0.0", 1)
	_, _, err = read(t, there, options())
	require.ErrorContains(t, err, "talks HTTP without TLS: allow that with --plain-http 0.0.0.0:")
	o := options()
	o.PlainHTTP = []string{strings.TrimSuffix(there, "/app:1")}
	requireDebian(t, there, o)
}

// TestOnlyWhatIsListed: what was not kept cannot be taken for something that is
// not there.
func TestOnlyWhatIsListed(t *testing.T) {
	_, got, err := read(t, push(t, serve(t, nil)+"/app:1", debianImage(t)), options())
	require.NoError(t, err)
	_, err = got[0].Open("etc/passwd")
	require.ErrorContains(t, err, "the list of what scans read lacks it")
	assert.NotErrorIs(t, err, fs.ErrNotExist)
	_, err = got[0].Open("etc/arch-release")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = got[0].Open("../etc/os-release")
	assert.ErrorIs(t, err, fs.ErrInvalid)
}

// TestTwiceIsReadOnce: the same layer in two places, and hidden databases.
func TestTwiceIsReadOnce(t *testing.T) {
	gets := 0
	host := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
				gets++
			}
			next.ServeHTTP(w, r)
		})
	})
	l := pack(t, []entry{{"etc/os-release", debian}, {"var/lib/dpkg/status", dpkg("a")}})
	i := imageOf(t, l, l, l)
	r, err := name.ParseReference(host + "/app:1")
	require.NoError(t, err)
	require.NoError(t, remote.Write(r, i))
	gets = 0
	requireDebian(t, r.Name(), options())
	assert.Equal(t, 2, gets, "the configuration and one layer")
}

// TestTypeOfEntries: the type of an entry is what builders take it for, whatever
// its mode says.
func TestTypeOfEntries(t *testing.T) {
	for _, mode := range []int64{0o040755, 0o120777, 0o020644, 0o100644} {
		var layer bytes.Buffer
		w := tar.NewWriter(&layer)
		for name, text := range map[string]string{"etc/os-release": debian, "var/lib/dpkg/status": dpkg("a")} {
			require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(text))}))
			_, err := io.WriteString(w, text)
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		requireDebian(t, push(t, serve(t, nil)+"/app:1", rawImage(t, layer.Bytes())), options())
	}
}

// TestTwoInOne: what one program takes for an index and another for an image
// could show each of them another image.
func TestTwoInOne(t *testing.T) {
	text := pack(t, []entry{{"etc/os-release", debian}, {"var/lib/dpkg/status", dpkg("a")}})
	i := rawImage(t, text)
	manifest, err := i.RawManifest()
	require.NoError(t, err)
	index, err := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: i}).RawManifest()
	require.NoError(t, err)
	both := func(a, b []byte, without ...string) []byte {
		var m, n map[string]any
		require.NoError(t, json.Unmarshal(a, &m))
		require.NoError(t, json.Unmarshal(b, &n))
		for key, value := range n {
			if _, ok := m[key]; !ok {
				m[key] = value
			}
		}
		for _, key := range without {
			delete(m, key)
		}
		out, err := json.Marshal(m)
		require.NoError(t, err)
		return out
	}
	for what, answer := range map[string]struct {
		kind types.MediaType
		text []byte
	}{
		"a manifest with manifests": {types.OCIManifestSchema1, both(manifest, index, "mediaType")},
		"an index with layers":      {types.OCIImageIndex, both(index, manifest, "mediaType")},
		"a manifest named an index": {types.OCIImageIndex, manifest},
		"an index named a manifest": {types.OCIManifestSchema1, index},
	} {
		t.Run(what, func(t *testing.T) {
			host := serve(t, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !strings.HasSuffix(r.URL.Path, "/manifests/two") {
						h.ServeHTTP(w, r)
						return
					}
					w.Header().Set("Content-Type", string(answer.kind))
					_, _ = w.Write(answer.text)
				})
			})
			push(t, host+"/app:1", i)
			_, _, err := read(t, host+"/app:two", options())
			require.ErrorContains(t, err, "can be read as an index and as the manifest of an image, so it is refused")
		})
	}
}

// TestIndexBomb: a few indexes that list each other many times over.
func TestIndexBomb(t *testing.T) {
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	require.NoError(t, err)
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
	for range 3 {
		text, err := json.Marshal(index)
		require.NoError(t, err)
		digest, size, err := v1.SHA256(bytes.NewReader(text))
		require.NoError(t, err)
		require.NoError(t, path.WriteBlob(digest, io.NopCloser(bytes.NewReader(text))))
		child := v1.Descriptor{MediaType: types.OCIImageIndex, Digest: digest, Size: size}
		index.Manifests = slices.Repeat([]v1.Descriptor{child}, 30)
	}
	text, err := json.Marshal(index)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "index.json"), text, 0o600))
	_, _, err = read(t, dir, options())
	require.ErrorContains(t, err, "has more than 100 indexes in it")
}
