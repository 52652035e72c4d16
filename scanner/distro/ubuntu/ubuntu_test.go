package ubuntu_test

import (
	"context"
	"encoding/csv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/ubuntu"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
)

// importPath runs an importer on a path. All that it gives must be valid.
func importPath(t testing.TB, importer feed.Importer, path string) ([]advisory.Record, feed.Stats, error) {
	t.Helper()
	src, err := feed.NewSource(path, feed.Options{})
	require.NoError(t, err)
	var records []advisory.Record
	stats, err := importer(context.Background(), src, func(r advisory.Record) error {
		records = append(records, r)
		return nil
	})
	return records, stats, err
}

// importText runs an importer on a document.
func importText(t testing.TB, importer feed.Importer, name, text string) ([]advisory.Record, feed.Stats, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return importPath(t, importer, path)
}

// said are records as "release package status fixed".
func said(records []advisory.Record) []string {
	out := []string{}
	for _, r := range records {
		text := r.Release + " " + r.Package + " " + string(r.Status)
		if r.Fixed != "" {
			text += " " + r.Fixed
		}
		out = append(out, text)
	}
	return out
}

func TestRecognise(t *testing.T) {
	for _, tc := range []struct {
		release osrelease.Release
		want    string
	}{
		{osrelease.Release{ID: "ubuntu", VersionID: "24.04", DebianVersion: "trixie/sid"}, "24.04"},
		{osrelease.Release{ID: "ubuntu", VersionID: "12.04.5"}, "12.04"},
		{osrelease.Release{ID: "ubuntu", VersionID: "27.04"}, "27.04"}, // not known yet, and never taken for an older one
		{osrelease.Release{ID: "ubuntu", VersionID: ""}, ""},
		{osrelease.Release{ID: "ubuntu", VersionID: "24"}, ""},
		{osrelease.Release{ID: "ubuntu", VersionID: "rolling.04"}, ""},
		{osrelease.Release{ID: "ubuntu", VersionID: "024.04"}, ""},
	} {
		os, ok := ubuntu.Distro().Recognise(tc.release)
		require.True(t, ok)
		assert.Equal(t, tc.want, os.Release, tc.release)
		assert.Equal(t, tc.want == "", os.Unclear != "", tc.release)
	}
	for _, r := range []osrelease.Release{{}, {ID: "debian", VersionID: "12"}, {ID: "linuxmint", IDLike: "ubuntu debian", VersionID: "22"}} {
		_, ok := ubuntu.Distro().Recognise(r)
		assert.False(t, ok)
	}
}

// TestTrap06UbuntuHasADebianVersion: the file of Debian names no Debian here.
func TestTrap06UbuntuHasADebianVersion(t *testing.T) {
	for _, name := range []string{"ubuntu-12.04", "ubuntu-14.04", "ubuntu-22.04"} {
		r, err := osrelease.Read(os.DirFS(scantest.Shared(t, "rootfs/"+name)))
		require.NoError(t, err)
		assert.Contains(t, r.DebianVersion, "/sid", name)
		got, ok := ubuntu.Distro().Recognise(r)
		assert.True(t, ok, name)
		assert.Equal(t, name, got.Distro+"-"+got.Release)
	}
}

func TestReleaseFiles(t *testing.T) {
	folders, err := filepath.Glob(scantest.Shared(t, "rootfs/release-files") + "/ubuntu-*")
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	for _, folder := range folders {
		r, err := osrelease.Read(os.DirFS(folder))
		require.NoError(t, err)
		name := filepath.Base(folder)
		got, ok := ubuntu.Distro().Recognise(r)
		if name == "ubuntu-11" { // a Debian, in spite of its name
			assert.False(t, ok)
			continue
		}
		assert.True(t, ok, name)
		assert.Equal(t, name, "ubuntu-"+got.Release)
		_, known := ubuntu.Distro().Lifecycle(got.Release)
		assert.True(t, known, name)
	}
}

func TestLifecycle(t *testing.T) {
	lifecycle := ubuntu.Distro().Lifecycle
	l, ok := lifecycle("22.04")
	assert.True(t, ok)
	assert.Equal(t, "2027-06-01 2032-04-21 Ubuntu Pro", l.End.Format("2006-01-02")+" "+l.Extended.Format("2006-01-02")+" "+l.ExtendedName)
	l, ok = lifecycle("19.10")
	assert.True(t, ok)
	assert.Equal(t, "2020-07-17", l.End.Format("2006-01-02"))
	assert.True(t, l.Extended.IsZero())
	assert.Empty(t, l.ExtendedName)
	_, ok = lifecycle("27.04")
	assert.False(t, ok)
}

// TestLifecycleIsThatOfDistroInfo compares with the real table, line by line.
func TestLifecycleIsThatOfDistroInfo(t *testing.T) {
	f, err := os.Open(scantest.Shared(t, "eol/ubuntu.csv"))
	require.NoError(t, err)
	defer f.Close()
	table := csv.NewReader(f)
	table.FieldsPerRecord = -1 // the last columns may be missing
	rows, err := table.ReadAll()
	require.NoError(t, err)
	for _, values := range rows[1:] {
		row := map[string]string{}
		for i, value := range values {
			row[rows[0][i]] = value
		}
		number, _, _ := strings.Cut(row["version"], " ")
		l, ok := ubuntu.Distro().Lifecycle(number)
		require.True(t, ok, row)
		end := row["eol-server"]
		if end == "" {
			end = row["eol"]
		}
		assert.Equal(t, end, l.End.Format("2006-01-02"), row)
		if row["eol-esm"] == "" {
			assert.True(t, l.Extended.IsZero(), row)
			continue
		}
		assert.Equal(t, row["eol-esm"], l.Extended.Format("2006-01-02"), row)
	}
}

func TestInspect(t *testing.T) {
	for folder, want := range map[string]bool{
		"ubuntu_esm_apt": true, "ubuntu_esm_deb822": true, "ubuntu_esm_status": true, "ubuntu_esm_infra_only": true,
		"ubuntu_esm_disabled": false, "ubuntu_esm_malformed": false, "ubuntu_fips_only": false, "ubuntu_plain": false,
	} {
		fsys := os.DirFS(scantest.Shared(t, "rootfs/fragments/ubuntu-pro-and-rhel-eus/"+folder))
		assert.Equal(t, want, pro(t, fsys), folder)
	}
}

func pro(t *testing.T, fsys fs.FS, versions ...string) bool {
	t.Helper()
	var found inventory.OS
	var packages []inventory.Package
	for _, v := range versions {
		packages = append(packages, inventory.Package{Version: v})
	}
	require.NoError(t, ubuntu.Distro().Inspect(fsys, &found, packages))
	return found.Pro
}

func TestInspectFiles(t *testing.T) {
	const dir = "etc/apt/sources.list.d/"
	const infra = "https://esm.ubuntu.com/infra/ubuntu"
	for _, tc := range []struct {
		name, text string
		want       bool
	}{
		{"etc/apt/sources.list", "deb [arch=amd64 signed-by=/k] " + infra + " xenial-infra-security main\n", true},
		{"etc/apt/sources.list", "deb https://bearer:secret@esm.ubuntu.com/apps/ubuntu xenial-apps-security main\n", true},
		{"etc/apt/sources.list", "deb-src " + infra + " xenial-infra-security main\n", false},
		{"etc/apt/sources.list", "deb http://archive.ubuntu.com/ubuntu jammy main # " + infra + "\n", false},
		{"etc/apt/sources.list", "deb https://esm.ubuntu.com/fips/ubuntu xenial main\n", false},
		{"etc/apt/sources.list", "deb https://example.com/?esm.ubuntu.com/infra/ x main\n", false},
		{dir + "a.list", "deb " + infra + " x main\n", true},
		{dir + "a.list.save", "deb " + infra + " x main\n", false},
		{dir + "a.sources", "Types: deb\nURIs:\n " + infra + "\nSuites: x\n", true},
		{dir + "a.sources", "Types: deb\nURIs: http://archive.ubuntu.com/ubuntu\n\nTypes: deb-src deb\nURIs: " + infra + "\n", true},
		{dir + "a.sources", "Types: deb\nEnabled: no\nURIs: " + infra + "\n", false},
		{dir + "a.sources", "Types: deb-src\nURIs: " + infra + "\n", false},
		{dir + "a.sources", "#Types: deb\n#URIs: " + infra + "\n", false},
		{"var/lib/ubuntu-advantage/status.json", `{"services":[{"name":"esm-apps","status":"enabled"}]}`, true},
		{"var/lib/ubuntu-advantage/status.json", `{"services":[{"name":"realtime-kernel","status":"enabled"}]}`, false},
		{"var/lib/ubuntu-advantage/status.json", `{"services":{}}`, false},
	} {
		assert.Equal(t, tc.want, pro(t, fstest.MapFS{tc.name: {Data: []byte(tc.text)}}), "%s: %s", tc.name, tc.text)
	}
	none := fstest.MapFS{}
	assert.True(t, pro(t, none, "1.0-1", "2.23-0ubuntu11.3+esm1"))
	assert.True(t, pro(t, none, "1:2.4.7+dfsg-2ubuntu2.1~esm4"))
	assert.False(t, pro(t, none, "1.0-1esm1", "1.0+esm1-1", "1.0-1"))
}

func TestInspectDoesNotGuess(t *testing.T) {
	var found inventory.OS
	err := ubuntu.Distro().Inspect(fstest.MapFS{"etc/apt/sources.list": {Data: make([]byte, 300<<10)}}, &found, nil)
	assert.EqualError(t, err, "whether the image gets the updates of Ubuntu Pro: etc/apt/sources.list is larger than the limit of 256 KiB")
	err = ubuntu.Distro().Inspect(fstest.MapFS{"etc/apt/sources.list.d": {Data: []byte("x")}}, &found, nil)
	assert.ErrorContains(t, err, "the sources of apt: etc/apt/sources.list.d")
}
