package debian_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/debian"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

// formOf gives the name of the feed that a path given as Debian's is.
func formOf(t testing.TB, path string) (string, error) {
	t.Helper()
	f, ok := distro.FeedByName([]distro.Distro{debian.Distro()}, debian.ID)
	require.True(t, ok)
	src, err := feed.NewSource(path, feed.Options{})
	require.NoError(t, err)
	found, err := f.Form(t.Context(), src)
	return found.Name, err
}

func TestForm(t *testing.T) {
	for name, tc := range map[string]struct{ file, text, want string }{
		"tracker":           {"a", `{"openssl":{"CVE-2024-0001":{"releases":{}}}}`, "debian"},
		"tracker, indented": {"a.txt", "\n {\n \"openssl\": {", "debian"},
		"DSA":               {"list", "[27 Mar 2023] DSA-5379-1 dino-im - security update\n", "debian-dsa"},
		"DLA":               {"a.json", "[01 Apr 2023] DLA-3380-1 firmware-nonfree - security update\n", "debian-dsa"},
		"a record":          {"a", extendedRecord, "debian-elts"},
		"records in a tar":  {"a", string(archive(t, "x/ELA-1-1.json", extendedRecord)), "debian-elts"},
		"a directory":       {"d/ELA-1-1.json", extendedRecord, "debian-elts"},
		"empty":             {"a", "", ""},
		"a page":            {"a", "<html>", ""},
		"an array":          {"a", "[1]", ""},
		"another archive":   {"a", string(archive(t, "list", "[27 Mar 2023] DSA-5379-1 dino-im\n")), ""},
	} {
		path := filepath.Join(t.TempDir(), tc.file)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(tc.text), 0o600))
		if dir := filepath.Dir(path); filepath.Base(dir) == "d" {
			path = dir
		}
		got, err := formOf(t, path)
		assert.Equal(t, tc.want, got, name)
		if tc.want == "" {
			assert.ErrorContains(t, err, filepath.Base(path)+": it is not known as something of Debian; that would be the JSON of the security tracker, ", name)
		} else {
			assert.NoError(t, err, name)
		}
	}
	_, err := formOf(t, filepath.Join(t.TempDir(), "none"))
	assert.ErrorContains(t, err, "none: no such file or directory")
}

func TestFormsOfShared(t *testing.T) {
	for path, want := range map[string]string{
		"debian/tracker-shape-from-dsa-dla.json.gz": "debian", "debian/dsa-list.txt.gz": "debian-dsa", "debian/dla-list.txt.gz": "debian-dsa", "debian/elts-osv.zip": "debian-elts",
	} {
		got, err := formOf(t, scantest.Shared(t, path))
		require.NoError(t, err)
		assert.Equal(t, want, got, path)
	}
}
