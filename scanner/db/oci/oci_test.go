package oci_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/db/oci"
	"github.com/example/microscanner-frontend/scanner/version"
)

// counting is a registry that counts the blobs that are uploaded to it.
type counting struct {
	http.Handler
	uploads int
	// refuse answers a request instead of the registry, if it is set.
	refuse func(w http.ResponseWriter, r *http.Request) bool
}

func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.refuse != nil && c.refuse(w, r) {
		return
	}
	if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/") {
		c.uploads++
	}
	c.Handler.ServeHTTP(w, r)
}

// serve starts a registry and gives the name of an image there.
func serve(t testing.TB) (*counting, string) {
	t.Helper()
	c := &counting{Handler: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, strings.TrimPrefix(server.URL, "http://") + "/db:latest"
}

// database makes one of Debian 11 and 12, in which Debian 12 has a fix.
func database(t testing.TB, built time.Time, fix string) string {
	t.Helper()
	b := db.NewBuilder(db.BuilderOptions{Built: built, Scheme: func(string) (version.Scheme, bool) { return version.Deb, true }})
	for release, version := range map[string]string{"11": "1", "12": fix} {
		require.NoError(t, b.Add(advisory.Record{
			ID: "CVE-2024-0001", Distro: "debian", Release: release, Package: "openssl",
			Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: version, Description: "A flaw",
		}))
	}
	require.NoError(t, b.AddRepository("baseos", []string{"cpe:/o:x:9"}))
	dir := filepath.Join(t.TempDir(), "db")
	_, err := b.Write(context.Background(), dir)
	require.NoError(t, err)
	return dir
}

var noKeys = authn.NewMultiKeychain()

func push(t testing.TB, dir, ref string) oci.Pushed {
	t.Helper()
	pushed, err := oci.Push(context.Background(), dir, ref, oci.Options{Keychain: noKeys})
	require.NoError(t, err)
	return pushed
}

func pull(dir, ref string) (oci.Pulled, error) {
	return oci.Pull(context.Background(), ref, dir, oci.Options{Keychain: noKeys})
}

func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(text)
	}
	return out
}

func TestPushAndPull(t *testing.T) {
	_, ref := serve(t)
	dir := database(t, day(1), "2")
	pushed := push(t, dir, ref)
	assert.Equal(t, 5, pushed.Layers)
	assert.Positive(t, pushed.Bytes)
	assert.Regexp(t, `/db@sha256:[0-9a-f]{64}$`, pushed.Reference)

	got := filepath.Join(t.TempDir(), "new", "db")
	pulled, err := pull(got, ref)
	require.NoError(t, err)
	assert.Equal(t, pushed.Reference, pulled.Reference)
	assert.Equal(t, pushed.Meta, pulled.Meta)
	assert.Equal(t, contents(t, dir), contents(t, got))
	info, err := os.Stat(filepath.Join(got, "debian-12.sst"))
	require.NoError(t, err)
	assert.Equal(t, day(1), info.ModTime().UTC())

	// By digest, over the database that is there.
	push(t, database(t, day(2), "3"), ref)
	pulled, err = pull(got, ref)
	require.NoError(t, err)
	assert.Equal(t, day(2), pulled.Meta.Built)
	_, err = pull(got, pushed.Reference)
	require.NoError(t, err)
	assert.Equal(t, contents(t, dir), contents(t, got))
}

// Of a database that is like the one before but for one release, only that
// release and the metadata are uploaded. With the configuration that is three.
func TestOnlyWhatChangedIsUploaded(t *testing.T) {
	c, ref := serve(t)
	uploads := func(dir string) int {
		c.uploads = 0
		push(t, dir, ref)
		return c.uploads
	}
	first := database(t, day(1), "2")
	assert.Equal(t, 6, uploads(first), "five files and the configuration")
	assert.Equal(t, 0, uploads(first), "the same again")
	assert.Equal(t, 2, uploads(database(t, day(2), "2")), "built again")
	assert.Equal(t, 3, uploads(database(t, day(3), "3")), "another fix in Debian 12")
}

func TestImage(t *testing.T) {
	_, ref := serve(t)
	dir := database(t, day(1), "2")
	pushed := push(t, dir, ref)
	r, err := name.ParseReference(ref)
	require.NoError(t, err)
	image, err := remote.Image(r)
	require.NoError(t, err)
	manifest, err := image.Manifest()
	require.NoError(t, err)
	assert.Equal(t, "application/vnd.oci.image.manifest.v1+json", string(manifest.MediaType))
	assert.Equal(t, "application/vnd.oci.image.config.v1+json", string(manifest.Config.MediaType))
	for _, l := range manifest.Layers {
		assert.Equal(t, "application/vnd.oci.image.layer.v1.tar+gzip", string(l.MediaType))
	}
	assert.Equal(t, map[string]string{
		"org.opencontainers.image.title":   "MicroScanner advisory database",
		"org.opencontainers.image.created": "2026-01-01T00:00:00Z",
		oci.AnnotationDigest:               pushed.Meta.Digest,
	}, manifest.Annotations)
	config, err := image.ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, "linux", config.OS)
	assert.Equal(t, "amd64", config.Architecture)
	assert.Equal(t, day(1), config.Created.UTC())
	assert.Len(t, config.RootFS.DiffIDs, len(manifest.Layers))

	// The files are at the root, those of the releases first, and everybody may
	// read them.
	layers, err := image.Layers()
	require.NoError(t, err)
	var names []string
	for _, l := range layers {
		content, err := l.Uncompressed()
		require.NoError(t, err)
		archive := tar.NewReader(content)
		h, err := archive.Next()
		require.NoError(t, err)
		names = append(names, h.Name)
		assert.Equal(t, tar.Header{
			Typeflag: tar.TypeReg, Name: h.Name, Size: h.Size, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
		}, *h)
		_, err = archive.Next()
		require.ErrorIs(t, err, io.EOF)
	}
	assert.Equal(t, []string{"debian-11.sst", "debian-12.sst", "details.sst", "repositories.sst", "metadata.json"}, names)
}

func TestPushRefuses(t *testing.T) {
	c, ref := serve(t)
	dir := database(t, day(1), "2")
	try := func(dir, ref string) error {
		_, err := oci.Push(context.Background(), dir, ref, oci.Options{Keychain: noKeys})
		return err
	}
	assert.ErrorContains(t, try(dir, "UPPER/case"), `"UPPER/case" is not the name and tag of an image`)
	assert.ErrorContains(t, try(dir, ref+"@sha256:"+strings.Repeat("0", 64)), "is not the name and tag of an image")
	assert.ErrorIs(t, try(t.TempDir(), ref), db.ErrNoDatabase)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "debian-12.sst"), []byte("x"), 0o600))
	assert.ErrorIs(t, try(dir, ref), db.ErrCorrupt)
	assert.Zero(t, c.uploads)

	c.refuse = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	assert.ErrorContains(t, try(database(t, day(1), "2"), ref), `does not allow it: log in with "docker login 127.0.0.1:`)
}

// The password that the user logged in with is sent, and never said.
func TestCredentials(t *testing.T) {
	c, ref := serve(t)
	c.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		if _, password, _ := r.BasicAuth(); password == "right" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	dir := database(t, day(1), "2")
	keys := func(password string) oci.Options {
		return oci.Options{Keychain: keychain{authn.FromConfig(authn.AuthConfig{Username: "user", Password: password})}}
	}
	_, err := oci.Push(context.Background(), dir, ref, keys("wrong-secret"))
	require.ErrorContains(t, err, "does not allow it")
	assert.NotContains(t, err.Error(), "wrong-secret")
	_, err = oci.Push(context.Background(), dir, ref, keys("right"))
	require.NoError(t, err)
	_, err = oci.Pull(context.Background(), ref, filepath.Join(t.TempDir(), "db"), keys("right"))
	require.NoError(t, err)
}

type keychain struct{ authn.Authenticator }

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) { return k.Authenticator, nil }

// member is an entry of a layer.
type member struct {
	header tar.Header
	text   string
}

func regular(name, text string) member {
	return member{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o4777, Uid: 1234}, text}
}

// archive makes a layer.
func archive(t testing.TB, members []member) []byte {
	t.Helper()
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	for _, m := range members {
		m.header.Size = int64(len(m.text))
		require.NoError(t, w.WriteHeader(&m.header))
		_, err := io.WriteString(w, m.text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return layer.Bytes()
}

// pushMembers uploads an image of one layer.
func pushMembers(t testing.TB, ref string, members []member) {
	t.Helper()
	pushLayer(t, ref, archive(t, members))
}

func pushLayer(t testing.TB, ref string, layer []byte) {
	t.Helper()
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer)), nil })
	require.NoError(t, err)
	image, err := mutate.AppendLayers(empty.Image, l)
	require.NoError(t, err)
	r, err := name.ParseReference(ref)
	require.NoError(t, err)
	require.NoError(t, remote.Write(r, image))
}

func TestPullRefuses(t *testing.T) {
	_, ref := serve(t)
	good := contents(t, database(t, day(1), "2"))
	for name, c := range map[string]struct {
		change func(files map[string]string) []member // more entries
		want   string
	}{
		"an unknown file":  {func(map[string]string) []member { return []member{regular("readme.txt", "x")} }, `"readme.txt" is no file of an advisory database`},
		"an unknown table": {func(map[string]string) []member { return []member{regular("debian-13.sst", "x")} }, "the metadata does not know the file"},
		"a path above":     {func(map[string]string) []member { return []member{regular("../debian-13.sst", "x")} }, "the metadata does not know the file"},
		"a path below":     {func(map[string]string) []member { return []member{regular("a/b.sst", "x")} }, `"a/b.sst" is no file`},
		"a whiteout":       {func(map[string]string) []member { return []member{regular(".wh.debian-12.sst", "")} }, "is no file"},
		"a file twice":     {func(f map[string]string) []member { return []member{regular("./metadata.json", f["metadata.json"])} }, "is there twice"},
		"a link": {func(map[string]string) []member {
			return []member{{tar.Header{Typeflag: tar.TypeSymlink, Name: "x.sst", Linkname: "/etc/passwd"}, ""}}
		}, "is no file"},
		"a device": {func(map[string]string) []member {
			return []member{{tar.Header{Typeflag: tar.TypeChar, Name: "x.sst"}, ""}}
		}, "is no file"},
		"a folder": {func(map[string]string) []member {
			return []member{{tar.Header{Typeflag: tar.TypeDir, Name: "x.sst/"}, ""}}
		}, "is no file"},
		"no metadata":       {func(f map[string]string) []member { delete(f, "metadata.json"); return nil }, "the image holds no advisory database"},
		"a release missing": {func(f map[string]string) []member { delete(f, "debian-12.sst"); return nil }, "debian-12.sst"},
		"another content": {func(f map[string]string) []member {
			f["debian-12.sst"] = strings.ToUpper(f["debian-12.sst"])
			return nil
		}, "the digest is wrong"},
		"metadata of another": {func(f map[string]string) []member { f["metadata.json"] = "{}"; return nil }, "schema version 0"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for k, v := range good {
				files[k] = v
			}
			more := c.change(files)
			var members []member
			for file, text := range files {
				members = append(members, regular(file, text))
			}
			pushMembers(t, ref, append(members, more...))
			parent := t.TempDir()
			_, err := pull(filepath.Join(parent, "db"), ref)
			assert.ErrorContains(t, err, c.want)
			entries, err := os.ReadDir(parent)
			require.NoError(t, err)
			assert.Empty(t, entries, "nothing is left behind")
		})
	}
}

// An image that was made in another way, all files in one layer, is a database
// too. What its archive says of owners and modes is not taken over.
func TestPullOfAnotherMaker(t *testing.T) {
	_, ref := serve(t)
	want := contents(t, database(t, day(1), "2"))
	members := []member{{tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755}, ""}}
	for file, text := range want {
		members = append(members, regular("./"+file, text))
	}
	pushMembers(t, ref, members)
	dir := filepath.Join(t.TempDir(), "db")
	_, err := pull(dir, ref)
	require.NoError(t, err)
	assert.Equal(t, want, contents(t, dir))
	info, err := os.Stat(filepath.Join(dir, "metadata.json"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o644), info.Mode())
}

func TestPullKeepsWhatIsThere(t *testing.T) {
	c, ref := serve(t)
	old := database(t, day(1), "2")
	want := contents(t, old)
	_, err := pull(old, ref)
	require.ErrorContains(t, err, "has no such image")
	assert.Equal(t, want, contents(t, old))

	push(t, database(t, day(2), "3"), ref)
	// A registry that cuts blobs off, or sends others.
	for _, damage := range []func([]byte) []byte{
		func(b []byte) []byte { return b[:len(b)/2] },
		bytes.ToUpper,
	} {
		c.refuse = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
				return false
			}
			answer := httptest.NewRecorder()
			c.Handler.ServeHTTP(answer, r)
			w.WriteHeader(answer.Code)
			_, err := w.Write(damage(answer.Body.Bytes()))
			return assert.NoError(t, err)
		}
		_, err = pull(old, ref)
		require.Error(t, err)
		assert.Equal(t, want, contents(t, old))
		c.refuse = nil
	}

	thesis := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(thesis, "thesis.txt"), []byte("x"), 0o600))
	_, err = pull(thesis, ref)
	assert.ErrorContains(t, err, "neither empty nor an advisory database")
	assert.Equal(t, map[string]string{"thesis.txt": "x"}, contents(t, thesis))
}

func TestPullThatIsEnded(t *testing.T) {
	_, ref := serve(t)
	push(t, database(t, day(1), "2"), ref)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	parent := t.TempDir()
	_, err := oci.Pull(ctx, ref, filepath.Join(parent, "db"), oci.Options{Keychain: noKeys})
	assert.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, contents(t, parent))
}

// A layer that unpacks to more than its files, or to entries without end, is
// given up before it has been read.
func TestPullOfABomb(t *testing.T) {
	_, ref := serve(t)
	folder := member{tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755}, ""}
	var members []member
	for range 5000 {
		members = append(members, folder)
	}
	pushMembers(t, ref, members)
	_, err := pull(filepath.Join(t.TempDir(), "db"), ref)
	assert.ErrorContains(t, err, "more than 4096 files")

	for file, text := range contents(t, database(t, day(1), "2")) {
		members = append(members, regular(file, text))
	}
	pushLayer(t, ref, append(archive(t, members[5000:]), make([]byte, 64<<20)...))
	_, err = pull(filepath.Join(t.TempDir(), "db"), ref)
	assert.ErrorContains(t, err, "after the end of its archive")
}
