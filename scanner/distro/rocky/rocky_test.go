package rocky_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/rocky"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/feedtest"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
)

// affected makes what a record says of a package.
func affected(name, product, fixed string) string {
	return `{"package":{"ecosystem":"Rocky Linux:8","name":"` + name + `","purl":"pkg:rpm/rocky-linux/` + name + `?distro=` + product + `&epoch=0"},
		"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"` + fixed + `"}]}]}`
}

func record(title string, packages ...string) string {
	return `{"id":"RLSA-2024:1","summary":"` + title + `","upstream":["CVE-2024-0001"],"affected":[` + strings.Join(packages, ",") + `]}`
}

func importFeed(t testing.TB, location string) (got []string, stats feed.Stats, err error) {
	t.Helper()
	src, err := feed.NewSource(location, feed.Options{})
	require.NoError(t, err)
	stats, err = rocky.Distro().Feeds[0].Records(context.Background(), src, func(r advisory.Record) error {
		r.Normalize()
		require.NoError(t, r.Validate())
		assert.Equal(t, "rocky", r.Distro)
		// The names are those of source packages.
		assert.Equal(t, advisory.Source, r.Kind)
		got = append(got, strings.Join([]string{r.Release, r.Package, r.Module, r.ID, r.Fixed, r.Severity.String(), strings.Join(r.Aliases, ",")}, " "))
		return nil
	})
	return got, stats, err
}

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "RLSA-2024:1.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestImport(t *testing.T) {
	const modular = "1-1.module+el8.3.0+74+855e3f5d"
	got, stats, err := importFeed(t, write(t, record("Important: m:1 update",
		affected("kernel", "rocky-linux-8", "0:4.18.0-1.el8"),
		affected("kernel", "rocky-linux-8-sig-cloud", "0:4.18.0-2.el8.cloud"),
		affected("m", "rocky-linux-8-x86-64", "0:"+modular),
	)))
	require.NoError(t, err)
	assert.Equal(t, []string{
		"8 kernel  CVE-2024-0001 4.18.0-1.el8 high RLSA-2024:1",
		"8 m m:1 CVE-2024-0001 " + modular + " high RLSA-2024:1",
	}, got)
	assert.Equal(t, feed.Stats{Rows: 2}, stats)
}

func TestDistro(t *testing.T) {
	d := rocky.Distro()
	os, ok := d.Recognise(osrelease.Release{Lines: []osrelease.Line{{Path: "etc/rocky-release", Text: "Rocky Linux release 9.4 (Blue Onyx)", Name: "rocky linux", Version: "9.4"}}})
	require.True(t, ok)
	assert.Equal(t, inventory.OS{Distro: "rocky", Release: "9", Version: "9.4", Pretty: "Rocky Linux release 9.4 (Blue Onyx)", Path: "etc/rocky-release"}, os)
	for vendor, want := range map[string]bool{"Rocky": false, "Rocky Enterprise Software Foundation": false, "Fedora Project": true} {
		_, foreign := d.Rules.Foreign(&os, &inventory.Package{Vendor: vendor})
		assert.Equal(t, want, foreign, vendor)
	}
	l, ok := d.Lifecycle("9")
	assert.True(t, ok)
	assert.Equal(t, "2032-05-31", l.End.Format(time.DateOnly))
}

func TestRealReleaseFiles(t *testing.T) {
	r, err := osrelease.Read(os.DirFS(scantest.Shared(t, "rootfs/release-files/grype-rockylinux")))
	require.NoError(t, err)
	os, ok := rocky.Distro().Recognise(r)
	assert.True(t, ok)
	assert.Equal(t, "8", os.Release)
}

func TestHostileServer(t *testing.T) {
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create("RLSA-2024:1.json")
	require.NoError(t, err)
	_, err = io.WriteString(w, record("Low: kernel update", affected("kernel", "rocky-linux-8", "0:1-1.el8")))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	feedtest.Hostile(t, rocky.Distro().Feeds[0], map[string][]byte{"/all.zip": archive.Bytes()}, "/all.zip")
}

// TestSharedSamples reads what other projects keep of the feed.
func TestSharedSamples(t *testing.T) {
	z, err := zip.OpenReader(scantest.Shared(t, "rocky/errata-osv-samples.zip"))
	require.NoError(t, err)
	defer func() { assert.NoError(t, z.Close()) }()
	dir := t.TempDir()
	for _, f := range z.File {
		if !strings.Contains(f.Name, "/rocky/osv/testdata/") || f.FileInfo().IsDir() {
			continue
		}
		r, err := f.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(f.Name)), text, 0o600))
	}
	got, stats, err := importFeed(t, dir)
	require.NoError(t, err)
	assert.Zero(t, stats.Malformed, stats.Problems)
	assert.Contains(t, got, "8 kernel  CVE-2024-40906 4.18.0-553.53.1.el8_10 high RLSA-2025:8056")
	for _, row := range got {
		assert.NotContains(t, row, ".cloud", "a package of a special interest group")
		assert.Equal(t, strings.Contains(row, ".module+el"), strings.Contains(row, " javapackages-tools:201801 "), row)
	}
	got, _, err = importFeed(t, filepath.Join(dir, "all.zip"))
	require.NoError(t, err)
	assert.Len(t, got, 1, "bcel; the other one is of a special interest group")
}
