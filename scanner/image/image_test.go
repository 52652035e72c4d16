package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/pkg/archive"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/image"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/rootfs"
	"github.com/example/microscanner-frontend/scanner/scan"
)

// entry is an entry of a layer. A text that starts with "-> " is a symbolic link,
// with "=> " a hard link; a name that ends with a slash is a folder.
type entry struct{ name, text string }

func pack(t testing.TB, entries []entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Mode: 0o755, Size: int64(len(e.text))}
		if target, ok := strings.CutPrefix(e.text, "-> "); ok {
			h.Typeflag, h.Linkname, h.Size, e.text = tar.TypeSymlink, target, 0, ""
		} else if target, ok := strings.CutPrefix(e.text, "=> "); ok {
			h.Typeflag, h.Linkname, h.Size, e.text = tar.TypeLink, target, 0, ""
		} else if strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		require.NoError(t, w.WriteHeader(h))
		_, err := io.WriteString(w, e.text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func layerOf(t testing.TB, text []byte) v1.Layer {
	t.Helper()
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil })
	require.NoError(t, err)
	return l
}

func imageOf(t testing.TB, layers ...[]byte) v1.Image {
	t.Helper()
	out := empty.Image
	for _, text := range layers {
		var err error
		out, err = mutate.AppendLayers(out, layerOf(t, text))
		require.NoError(t, err)
	}
	return onPlatform(t, out, "linux", "amd64")
}

func onPlatform(t testing.TB, i v1.Image, os, arch string) v1.Image {
	t.Helper()
	config, err := i.ConfigFile()
	require.NoError(t, err)
	config = config.DeepCopy()
	config.OS, config.Architecture = os, arch
	i, err = mutate.ConfigFile(i, config)
	require.NoError(t, err)
	return i
}

// serve starts a registry over HTTP, whose answers around may change, and gives
// its host.
func serve(t testing.TB, around func(http.Handler) http.Handler) string {
	t.Helper()
	h := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	if around != nil {
		h = around(h)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func push(t testing.TB, ref string, i v1.Image) string {
	t.Helper()
	r, err := name.ParseReference(ref)
	require.NoError(t, err)
	require.NoError(t, remote.Write(r, i))
	return ref
}

var noKeys = authn.NewMultiKeychain()

func options() image.Options { return image.Options{Keychain: noKeys} }

// read reads all platforms of an image that o asks for.
func read(t testing.TB, ref string, o image.Options) ([]*image.Image, []fs.FS, error) {
	t.Helper()
	ctx := context.Background()
	s, err := image.Open(ctx, ref, o)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	images, err := s.Images(ctx, o.Platforms)
	if err != nil {
		return nil, nil, err
	}
	var list []fs.FS
	for _, i := range images {
		fsys, err := i.Rootfs(ctx, scan.Paths(all.List()))
		if err != nil {
			return nil, nil, err
		}
		list = append(list, fsys)
	}
	return images, list, nil
}

// inventoryOf is what is installed, with the error as text.
func inventoryOf(fsys fs.FS) (inventory.Inventory, string) {
	inv, err := scan.Inventory(fsys, all.List())
	if err != nil {
		return inv, err.Error()
	}
	return inv, ""
}

// extract makes a directory of the layers, as containerd does.
func extract(t testing.TB, layers ...[]byte) fs.FS {
	t.Helper()
	dir := t.TempDir()
	for _, text := range layers {
		_, err := archive.Apply(context.Background(), dir, bytes.NewReader(text), archive.WithNoSameOwner())
		require.NoError(t, err)
	}
	fsys, err := rootfs.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, fsys.Close()) })
	return fsys
}

const (
	debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n"
	alpine = "PRETTY_NAME=\"Alpine Linux v3.20\"\nID=alpine\nVERSION_ID=3.20.3\n"
)

func dpkg(names ...string) string {
	var out strings.Builder
	for _, n := range names {
		out.WriteString("Package: " + n + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n\n")
	}
	return out.String()
}

// TestLayers: an image has what its directory has after containerd extracted it.
func TestLayers(t *testing.T) {
	base := []entry{{"etc/os-release", debian}, {"var/lib/dpkg/", ""}, {"var/lib/dpkg/status", dpkg("a", "b")}}
	status := "var/lib/dpkg/status"
	for name, tc := range map[string]struct {
		layers [][]entry
		want   string // names of packages, or the start of an error
	}{
		"one layer":         {[][]entry{base}, "a b"},
		"an upper layer":    {[][]entry{base, {{status, dpkg("c")}}}, "c"},
		"dots in names":     {[][]entry{{{"./etc/os-release", debian}, {"./var//lib/./dpkg/status", dpkg("a")}}}, "a"},
		"absolute names":    {[][]entry{{{"/etc/os-release", debian}, {"/var/lib/dpkg/status", dpkg("a")}}}, "a"},
		"a whiteout":        {[][]entry{base, {{"var/lib/dpkg/.wh.status", ""}}}, "the image is Debian"},
		"a folder's":        {[][]entry{base, {{"var/.wh.lib", ""}}}, "the image is Debian"},
		"whiteout and back": {[][]entry{base, {{"var/.wh.lib", ""}}, {{status, dpkg("d")}}}, "d"},
		"whiteout and folder in one layer": {[][]entry{base, {
			{"var/lib/dpkg/status.d/x", dpkg("x")}}, {{"var/lib/.wh.dpkg", ""}, {"var/lib/dpkg/", ""}, {status, dpkg("e")}}}, "e"},
		"distroless": {[][]entry{base, {{"var/lib/dpkg/.wh.status", ""}, {"var/lib/dpkg/status.d/base", dpkg("base")}},
			{{"var/lib/dpkg/status.d/tz", dpkg("tz")}, {"var/lib/dpkg/status.d/tz.md5sums", "x"}}}, "base tz"},
		"an opaque folder": {[][]entry{base, {{"var/lib/dpkg/status.d/x", dpkg("x")}},
			{{"var/lib/dpkg/status.d/.wh..wh..opq", ""}, {"var/lib/dpkg/status.d/y", dpkg("y")}}}, "a b y"},
		"an opaque folder above": {[][]entry{base, {{"var/lib/.wh..wh..opq", ""}, {status, dpkg("z")}}}, "z"},
		"a link to the file":     {[][]entry{{{"etc/os-release", debian}, {status, "-> ../../../data/packages"}, {"data/packages", dpkg("f")}}}, "f"},
		"a link to the folder": {[][]entry{{{"etc/os-release", debian}, {"data/x/status", dpkg("g")}},
			{{"var/lib/dpkg", "-> /data/x"}}}, "g"},
		"a folder is replaced by a link": {[][]entry{base, {{"srv/dpkg/status", dpkg("h")}},
			{{"var/lib/.wh.dpkg", ""}, {"var/lib/dpkg", "-> ../../srv/dpkg"}}}, "h"},
		"a link above":                     {[][]entry{{{"etc/os-release", debian}, {"var", "-> mnt/other"}, {"mnt/other/lib/dpkg/status.d/i", dpkg("i")}}}, "i"},
		"a link inside the folder":         {[][]entry{base, {{"var/lib/dpkg/status.d/j", "-> /opt/j"}, {"opt/j", dpkg("j")}}}, "a b j"},
		"through a link of the same layer": {[][]entry{{{"etc/os-release", debian}, {"var/lib/dpkg/", ""}, {"x", "-> var/lib"}, {"x/dpkg/status", dpkg("k")}}}, "k"},
		"a hard link":                      {[][]entry{base, {{"opt/l", dpkg("l")}, {status, "=> opt/l"}}}, "l"},
		"a hard link to a kept":            {[][]entry{base, {{"var/lib/dpkg/status", dpkg("m")}, {"var/lib/dpkg/status.d/m", "=> var/lib/dpkg/status"}}}, "m"},
		"a folder behind a hard link":      {[][]entry{{{"etc/os-release", debian}, {"data/x", ""}, {"a", "-> data"}, {"b", "=> a"}, {"b/packages", dpkg("u")}, {status, "-> /data/packages"}}}, "u"},
		"a chain of hard links":            {[][]entry{base, {{"opt/1", dpkg("n")}, {"opt/2", "=> opt/1"}, {status, "=> opt/2"}}}, "n"},
		"a hard link whose file goes":      {[][]entry{base, {{"opt/1", dpkg("o")}, {status, "=> opt/1"}}, {{"opt/.wh.1", ""}}}, "o"},
		"a file twice":                     {[][]entry{{{"etc/os-release", debian}, {status, dpkg("p")}, {status, dpkg("q")}}}, "q"},
		"a loop of links":                  {[][]entry{{{"etc/os-release", debian}, {status, "-> status"}}}, "the package database var/lib/dpkg/status leads through too many"},
		"a link to nothing":                {[][]entry{{{"etc/os-release", debian}, {status, "-> /nothing"}}}, "the package database var/lib/dpkg/status cannot be read"},
		"a file above":                     {[][]entry{{{"etc/os-release", debian}, {"var/lib", "x"}}}, "the package database var/lib/dpkg"},
		"a link out":                       {[][]entry{{{"etc/os-release", debian}, {status, "-> ../../../../../../s"}, {"s", dpkg("r")}}}, "r"},
		"release behind a link":            {[][]entry{{{"etc/os-release", "-> ../usr/lib/os-release"}, {"usr/lib/os-release", alpine}, {"lib", "-> usr/lib"}, {"usr/lib/apk/db/installed", "P:musl\nV:1.2.5-r0\nA:x86_64\n\n"}}}, "musl"},
		"release in a store":               {[][]entry{{{"etc/os-release", "-> /nix/store/x/release"}, {status, dpkg("s")}}, {{"nix/store/x/release", debian}}}, "the image is Debian GNU/Linux 12 (bookworm), but it also"},
		"ostree's root":                    {[][]entry{{{"root", "-> var/roothome"}, {"etc/os-release", debian}, {status, dpkg("t")}, {"var/roothome/buildinfo/content_manifests/a.json", "{}"}}}, "t"},
	} {
		t.Run(name, func(t *testing.T) {
			var layers [][]byte
			for _, l := range tc.layers {
				layers = append(layers, pack(t, l))
			}
			host := serve(t, nil)
			_, got, err := read(t, push(t, host+"/app:1", imageOf(t, layers...)), options())
			require.NoError(t, err)
			require.Len(t, got, 1)
			inv, text := inventoryOf(got[0])
			want, wantText := inventoryOf(extract(t, layers...))
			assert.Equal(t, wantText, text)
			assert.Equal(t, want, inv)
			found := text + inv.Unsupported
			if found == "" {
				var names []string
				for _, p := range inv.Packages {
					names = append(names, p.Name)
				}
				found = strings.Join(names, " ")
			}
			assert.True(t, strings.HasPrefix(found, tc.want), found)
		})
	}
}

// TestUpperFolderHidesLink: in overlayfs, unlike in what containerd extracts to
// one directory, a folder of an upper layer hides a link below it.
func TestUpperFolderHidesLink(t *testing.T) {
	base := pack(t, []entry{{"etc/os-release", debian}, {"data/status", dpkg("hidden")}, {"var/lib/dpkg", "-> /data"}})
	host := serve(t, nil)
	for what, upper := range map[string][]entry{
		"a file that matters": {{"var/lib/dpkg/status", dpkg("seen")}},
		"another":             {{"var/lib/dpkg/other", "x"}, {"usr/lib/dpkg/status", dpkg("seen")}},
	} {
		_, got, err := read(t, push(t, host+"/app:1", imageOf(t, base, pack(t, upper))), options())
		require.NoError(t, err)
		inv, text := inventoryOf(got[0])
		require.Empty(t, text, what)
		require.Len(t, inv.Packages, 1)
		assert.Equal(t, "seen", inv.Packages[0].Name, what)
	}
}

func debianImage(t testing.TB) v1.Image {
	return imageOf(t, pack(t, []entry{{"etc/os-release", debian}}), pack(t, []entry{{"var/lib/dpkg/status", dpkg("a")}}))
}

func requireDebian(t *testing.T, ref string, o image.Options) *image.Image {
	t.Helper()
	images, got, err := read(t, ref, o)
	require.NoError(t, err)
	require.Len(t, got, 1)
	inv, text := inventoryOf(got[0])
	require.Empty(t, text)
	require.Len(t, inv.Packages, 1)
	return images[0]
}

func write(t *testing.T, name string, text []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}

func gzipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func gunzip(t *testing.T, text []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(text))
	require.NoError(t, err)
	out, err := io.ReadAll(r)
	require.NoError(t, err)
	return out
}

func replaceFile(t *testing.T, name string, text []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, text, 0o600))
}
