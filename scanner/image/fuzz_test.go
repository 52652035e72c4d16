package image_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/image"
	"github.com/example/microscanner-frontend/scanner/scan"
)

// FuzzLayers: two layers of any bytes give an error or a root file system in
// which all that may be opened can be asked for.
func FuzzLayers(f *testing.F) {
	base := pack(f, []entry{{"etc/os-release", debian}, {"var/lib/dpkg/", ""}, {"var/lib/dpkg/status", dpkg("a")}})
	for _, l := range [][]entry{
		{{"var/lib/.wh.dpkg", ""}, {"var/lib/dpkg", "-> ../../srv"}, {"srv/status", dpkg("b")}},
		{{"x", dpkg("c")}, {"var/lib/dpkg/status", "=> x"}, {"var/.wh..wh..opq", ""}},
		{{"lib", "-> usr/lib"}, {"lib/os-release", "-> ../../etc/os-release"}, {"var", "-> ."}},
	} {
		f.Add(base, pack(f, l))
	}
	paths := scan.Paths(all.List())
	f.Fuzz(func(t *testing.T, lower, upper []byte) {
		fsys, err := image.FromMemory(lower, upper).Rootfs(context.Background(), paths)
		if err != nil {
			return
		}
		for _, p := range paths {
			name := strings.TrimSuffix(p, "/")
			file, err := fsys.Open(name)
			if err != nil {
				require.NotContains(t, err.Error(), "was not kept")
				continue
			}
			info, err := file.Stat()
			require.NoError(t, err)
			if info.IsDir() {
				continue
			}
			text, err := fs.ReadFile(fsys, name)
			require.NoError(t, err)
			require.Len(t, text, int(info.Size()))
		}
		_, _ = scan.Inventory(fsys, all.List())
	})
}

// FuzzArchive: any file is an image or is refused.
func FuzzArchive(f *testing.F) {
	f.Add(pack(f, []entry{{"oci-layout", "{}"}, {"index.json", `{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}]}`}, {"blobs/sha256/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "{}"}}))
	f.Add(pack(f, []entry{{"manifest.json", `[{"Config":"c","Layers":["l"]}]`}, {"c", `{"os":"linux","rootfs":{"diff_ids":["sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"]}}`}, {"l", "-> c"}}))
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(t.TempDir(), "image")
		require.NoError(t, os.WriteFile(name, text, 0o600))
		s, err := image.Open(context.Background(), name, options())
		if err != nil {
			return
		}
		images, err := s.Images(context.Background(), []string{image.AllPlatforms})
		for _, i := range images {
			_, e := i.Rootfs(context.Background(), scan.Paths(all.List()))
			err = errors.Join(err, e)
		}
		require.NoError(t, s.Close())
		_ = err
	})
}
