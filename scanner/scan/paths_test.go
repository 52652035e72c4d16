package scan_test

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/rootfs"
	"github.com/example/microscanner-frontend/scanner/scan"
)

// recorder notes what is opened.
type recorder struct {
	fs.FS
	opened map[string]bool
}

func (r recorder) Open(name string) (fs.File, error) {
	r.opened[name] = true
	return r.FS.Open(name)
}

// TestPaths: whatever a scan opens is in the list of what it may open.
func TestPaths(t *testing.T) {
	dirs, err := filepath.Glob("testdata/*/rootfs")
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, dir := range dirs {
		requireListed(t, dir)
	}
	for _, files := range []map[string]string{
		{"etc/os-release": "ID=ubuntu\nVERSION_ID=22.04\n", "var/lib/dpkg/status": "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n", "etc/apt/sources.list.d/a.sources": ""},
		{"etc/lsb-release": "DISTRIB_ID=Ubuntu\n", "nix/store/x": "", "etc/arch-release": ""},
		{"etc/redhat-release": "x", "var/lib/dpkg/status.d/a": "Package: a\n", "var/lib/dpkg/updates/0001": ""},
		{},
	} {
		requireListed(t, scantest.Rootfs(t, files))
	}
}

func TestPathsOfRealImages(t *testing.T) {
	for _, dir := range rootfsFolders(t, scantest.Shared(t, "rootfs")) {
		requireListed(t, unpacked(t, dir))
	}
}

func requireListed(t *testing.T, dir string) {
	t.Helper()
	fsys, err := rootfs.Open(dir)
	require.NoError(t, err)
	defer func() { assert.NoError(t, fsys.Close()) }()
	r := recorder{fsys, map[string]bool{}}
	_, _ = scan.Inventory(r, all.List()) // whether it is of use does not matter
	list := scan.Paths(all.List())
	require.NotEmpty(t, r.opened)
	for name := range r.opened {
		assert.True(t, slices.Contains(list, name) || slices.Contains(list, name+"/") || slices.Contains(list, path.Dir(name)+"/"),
			"%s is opened in %s; add it to Reads of the distribution", name, dir)
	}
}
