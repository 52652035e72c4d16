package wolfi_test

import (
	"archive/zip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/wolfi"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/feedtest"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
)

func security(members, secfixes string) string {
	return `{"apkurl":"",` + members + `"packages":[{"pkg":{"name":"openssl","secfixes":` + secfixes + `}}]}`
}

const header = `"reponame":"os",`

func importText(t testing.TB, text string) (got []string, stats feed.Stats, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "security.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	src, err := feed.NewSource(path, feed.Options{})
	require.NoError(t, err)
	stats, err = wolfi.Distro().Feeds[0].Records(context.Background(), src, func(r advisory.Record) error {
		r.Normalize()
		require.NoError(t, r.Validate())
		assert.Equal(t, "wolfi", r.Distro)
		assert.Empty(t, r.Release)
		assert.Equal(t, advisory.Source, r.Kind)
		got = append(got, strings.Join([]string{r.Package, r.ID, string(r.Status), r.Fixed}, " "))
		return nil
	})
	return got, stats, err
}

func TestImport(t *testing.T) {
	got, stats, err := importText(t, security(header, `{"0":["CVE-2024-0001"],"3.1-r2":["CVE-2024-0002","GHSA-aaaa-bbbb-cccc"]}`))
	require.NoError(t, err)
	assert.Equal(t, []string{
		"openssl CVE-2024-0001 not-affected ", "openssl CVE-2024-0002 fixed 3.1-r2", "openssl GHSA-aaaa-bbbb-cccc fixed 3.1-r2",
	}, got)
	assert.Equal(t, feed.Stats{Rows: 3}, stats)
}

func TestImportRefuses(t *testing.T) {
	const fixes = `{"1-r0":["CVE-2024-0001"]}`
	for text, want := range map[string]string{
		security(`"reponame":"chainguard",`, fixes):        `it is for the repository "os"`,
		security(``, fixes):                                `it is for the repository "os"`,
		security(`"distroversion":"v3.20",`+header, fixes): `it is for the repository "os"`,
		security(header, `{}`):                             "no advisory is in it",
		`[]`:                                               "this is not a document of secdb",
		`<html>`:                                           "not JSON",
	} {
		_, _, err := importText(t, text)
		assert.ErrorContains(t, err, want, text)
	}
}

// TestTrap11RollingHasNoRelease has a VERSION_ID that is the version of a
// package.
func TestTrap11RollingHasNoRelease(t *testing.T) {
	d := wolfi.Distro()
	for _, version := range []string{"20230201", "20220914", ""} {
		os, ok := d.Recognise(osrelease.Release{ID: "wolfi", VersionID: version, Name: "Wolfi", Path: "etc/os-release"})
		require.True(t, ok)
		assert.Equal(t, inventory.OS{Distro: "wolfi", Version: version, Pretty: strings.TrimSpace("Wolfi " + version), Path: "etc/os-release"}, os)
	}
	for _, id := range []string{"alpine", "chainguard", ""} {
		_, ok := d.Recognise(osrelease.Release{ID: id, IDLike: "wolfi", AlpineRelease: "3.20.0"})
		assert.False(t, ok, id)
	}
	assert.Nil(t, d.Lifecycle)
}

func TestHostileServer(t *testing.T) {
	feedtest.Hostile(t, wolfi.Distro().Feeds[0], map[string][]byte{
		"/security.json": []byte(security(header, `{"1-r0":["CVE-2024-0001"]}`)),
	}, "/security.json")
}

// TestSharedSamples reads what other projects keep of the feed.
func TestSharedSamples(t *testing.T) {
	z, err := zip.OpenReader(scantest.Shared(t, "wolfi/feeds-samples.zip"))
	require.NoError(t, err)
	defer func() { assert.NoError(t, z.Close()) }()
	documents := 0
	for _, f := range z.File {
		if !strings.Contains(f.Name, "/wolfi/") || filepath.Base(f.Name) != "security.json" {
			continue
		}
		documents++
		r, err := f.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		got, stats, err := importText(t, string(text))
		require.NoError(t, err, f.Name)
		assert.NotEmpty(t, got, f.Name)
		assert.Zero(t, stats.Malformed, f.Name)
	}
	assert.Equal(t, 2, documents)
}
