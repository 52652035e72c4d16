package scan_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/rootfs"
	"github.com/example/microscanner-frontend/scanner/scan"
)

// TestRecogniseRealImages has every folder of real release files, and of real
// images, with what the scanner makes of it: distribution, release, and for an
// image its number of packages; or the sentence that refuses it.
func TestRecogniseRealImages(t *testing.T) {
	root := scantest.Shared(t, "rootfs")
	var lines []string
	for _, dir := range rootfsFolders(t, root) {
		name, err := filepath.Rel(root, dir)
		require.NoError(t, err)
		lines = append(lines, name+": "+recogniseFolder(t, dir, !strings.HasPrefix(name, "release-files/")))
	}
	got := strings.Join(lines, "\n") + "\n"
	const path = "testdata/recognised.txt"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// rootfsFolders lists the folders that hold a root file system, or a part.
func rootfsFolders(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if d.Name() == "fragments" {
			return fs.SkipDir
		}
		entries, err := os.ReadDir(path)
		if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return slices.Contains([]string{"etc", "lib", "usr", "var"}, e.Name()) }) {
			out = append(out, path)
			return fs.SkipDir
		}
		return err
	}))
	return out
}

// recogniseFolder names the distribution and the release of a folder, or says
// why there is none.
func recogniseFolder(t *testing.T, dir string, image bool) string {
	t.Helper()
	fsys, err := rootfs.Open(unpacked(t, dir))
	require.NoError(t, err)
	defer func() { assert.NoError(t, fsys.Close()) }()
	release, err := osrelease.Read(fsys)
	require.NoError(t, err)
	var got []string
	for _, d := range all.List() {
		if os, ok := d.Recognise(release); ok {
			if os.Unclear != "" {
				return "refused: " + os.Unclear
			}
			got = append(got, strings.TrimSpace(os.Distro+" "+os.Release))
		}
	}
	require.LessOrEqual(t, len(got), 1, "%q", got)
	if len(got) == 1 && !image {
		return got[0]
	}
	inv, err := scan.Inventory(fsys, all.List())
	switch {
	case err != nil:
		return "error: " + err.Error()
	case inv.Unsupported != "":
		return "refused: " + inv.Unsupported
	case inv.NoPackages:
		return "nothing"
	}
	assert.Empty(t, inv.Problems)
	return fmt.Sprintf("%s, %d packages", got[0], len(inv.Packages))
}

// unpacked copies a folder, and unpacks the databases that are compressed.
func unpacked(t *testing.T, dir string) string {
	t.Helper()
	out := t.TempDir()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		to := filepath.Join(out, strings.TrimSuffix(rel, ".gz"))
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.MkdirAll(to, 0o750)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			require.NoError(t, err)
			return os.Symlink(target, to) //nolint:gosec // our own test data
		}
		return copyFile(path, to)
	}))
	return out
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	var r io.Reader = in
	if strings.HasSuffix(from, ".gz") {
		if r, err = gzip.NewReader(in); err != nil {
			return err
		}
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, r); err != nil { //nolint:gosec // our own test data
		return err
	}
	return out.Close()
}
