package rhel_test

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro/rhel"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/feedtest"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
)

const fixture = "../../feed/csaf/redhat/testdata/vex.json"

// site is Red Hat's folder of VEX documents with one of them in its archive.
func site(t *testing.T) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile(fixture)
	require.NoError(t, err)
	var packed bytes.Buffer
	z, err := zstd.NewWriter(&packed)
	require.NoError(t, err)
	w := tar.NewWriter(z)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "2030/cve-2030-0001.json", Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))}))
	_, err = w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	return map[string][]byte{
		"/archive_latest.txt":          []byte("csaf_vex_2030-06-15.tar.zst\n"),
		"/csaf_vex_2030-06-15.tar.zst": packed.Bytes(),
		"/changes.csv":                 []byte("\"2030/cve-2030-0009.json\",\"2030-06-16T00:00:00+00:00\"\n"),
		"/deletions.csv":               []byte("\"2030/cve-2030-0008.json\",\"2030-06-16T00:00:00+00:00\"\n"),
		"/2030/cve-2030-0009.json":     bytes.ReplaceAll(text, []byte("CVE-2030-0001"), []byte("CVE-2030-0009")),
	}
}

func TestHostileVEX(t *testing.T) {
	for _, name := range []string{"/csaf_vex_2030-06-15.tar.zst", "/changes.csv", "/2030/cve-2030-0009.json"} {
		t.Run(name, func(t *testing.T) { feedtest.Hostile(t, rhel.Distro().Feeds[0], site(t), name) })
	}
}

const table = `{"data": {
	"rhel-9-for-x86_64-baseos-rpms": {"cpes": ["cpe:/o:redhat:enterprise_linux:9::baseos"], "repo_relative_urls": ["content/dist"]},
	"rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2": {"cpes": ["cpe:/o:redhat:rhel_eus:9.2::baseos"]},
	"empty": {"cpes": null}
}, "more": [1]}`

func TestHostileRepositories(t *testing.T) {
	feedtest.Hostile(t, rhel.Distro().Feeds[1], map[string][]byte{"/repository-to-cpe.json": []byte(table)}, "/repository-to-cpe.json")
}

func repositories(t testing.TB, path string) (map[string][]string, feed.Stats, error) {
	t.Helper()
	src, err := feed.NewSource(path, feed.Options{})
	require.NoError(t, err)
	out := map[string][]string{}
	stats, err := rhel.ImportRepositories(context.Background(), src, func(id string, cpes []string) error {
		out[id] = cpes
		return nil
	})
	return out, stats, err
}

func TestImportRepositories(t *testing.T) {
	write := func(text string) string {
		path := t.TempDir() + "/table.json"
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	got, stats, err := repositories(t, write(table))
	require.NoError(t, err)
	assert.Equal(t, 3, stats.Rows)
	assert.Equal(t, []string{
		"cpe:/o:redhat:enterprise_linux:9.0", "cpe:/o:redhat:enterprise_linux:9.1", "cpe:/o:redhat:enterprise_linux:9.2",
		"cpe:/o:redhat:rhel_eus:9.2", "cpe:/o:redhat:rhel_eus:9.2::baseos",
	}, got["rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2"])

	_, stats, err = repositories(t, write(`{"data": {"a": {"cpes": ["cpe:/a:b"]}, "b": {"cpes": 1}, "c": []}}`))
	require.NoError(t, err)
	assert.Equal(t, 2, stats.Malformed)
	for _, bad := range []string{`{}`, `[]`, `{"data": []}`, `{"data": {}} x`, `{"data": {"a"`} {
		_, _, err := repositories(t, write(bad))
		require.Error(t, err, bad)
	}
}

func TestImportRepositoriesReal(t *testing.T) {
	for name, rows := range map[string]int{"repository-to-cpe.json.gz": 10590, "repository-to-cpe-older.json.gz": 8564} {
		got, stats, err := repositories(t, scantest.Shared(t, "redhat/"+name))
		require.NoError(t, err)
		assert.Equal(t, rows, stats.Rows)
		assert.Zero(t, stats.Malformed)
		assert.Contains(t, got["rhel-8-for-x86_64-appstream-rpms"], "cpe:/a:redhat:enterprise_linux:8::appstream")
	}
}

func FuzzRepositories(f *testing.F) {
	f.Add([]byte(table))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := t.TempDir() + "/table.json"
		require.NoError(t, os.WriteFile(path, text, 0o600))
		got, stats, err := repositories(t, path)
		if err == nil {
			require.GreaterOrEqual(t, stats.Rows, len(got))
		}
	})
}

// findings matches one package with the records of the fixture, as the status of
// the finding and the version that fixes it.
func findings(t *testing.T, os inventory.OS, p inventory.Package) (string, string) {
	t.Helper()
	database := scantest.Open(t, scantest.DatabaseFromFeed(t, "rhel", fixture))
	release, err := database.Release("rhel", os.Release)
	require.NoError(t, err)
	p.Format, p.Vendor = inventory.FormatRpm, "Red Hat, Inc."
	inv := &inventory.Inventory{OS: os, Packages: []inventory.Package{p}}
	result, err := match.Match(inv, rhel.Distro().Rules, release, match.Options{})
	require.NoError(t, err)
	require.Empty(t, result.Problems)
	if len(result.Subjects) == 0 {
		return "", ""
	}
	require.Len(t, result.Subjects, 1)
	require.Len(t, result.Subjects[0].Findings, 1)
	f := result.Subjects[0].Findings[0]
	return string(f.Status), f.Fixed
}

var _ match.Advisories = (*db.Release)(nil)

func openssl(version string) inventory.Package {
	return inventory.Package{Name: "openssl", Version: "1:" + version, Arch: "x86_64", SourceName: "openssl", SourceVersion: version}
}

// Repositories of a release, in the form that the database gives.
func mainline() inventory.OS {
	return inventory.OS{Distro: "rhel", Release: "8", CPEs: []string{"cpe:/a:redhat:enterprise_linux:8::appstream", "cpe:/o:redhat:enterprise_linux:8::baseos"}}
}

func extended(minor string) inventory.OS {
	return inventory.OS{Distro: "rhel", Release: "8", CPEs: []string{"cpe:/o:redhat:enterprise_linux:8.0", "cpe:/o:redhat:enterprise_linux:8." + minor, "cpe:/o:redhat:rhel_eus:8." + minor + "::baseos"}}
}

// TestTrap20LowestFix: the update for a minor release is no fix of the mainline
// package, though its version may be lower, nor the reverse.
func TestTrap20LowestFix(t *testing.T) {
	for name, tt := range map[string]struct {
		os     inventory.OS
		p      inventory.Package
		status string
		fixed  string
	}{
		"mainline, with the fix of 8.4 only": {mainline(), openssl("1.1.1g-16.el8_4"), "fixed", "1:1.1.1k-6.el8_6"},
		"mainline, with its fix":             {mainline(), openssl("1.1.1k-6.el8_6"), "", ""},
		"8.4, without the fix":               {extended("4"), openssl("1.1.1g-15.el8_4"), "fixed", "1:1.1.1g-16.el8_4"},
		"8.4, with its fix":                  {extended("4"), openssl("1.1.1g-16.el8_4"), "", ""},
		"8.6, before the fix of the base":    {extended("6"), openssl("1.1.1k-5.el8_5"), "fixed", "1:1.1.1k-6.el8_6"},
	} {
		status, fixed := findings(t, tt.os, tt.p)
		assert.Equal(t, tt.status, status, name)
		assert.Equal(t, tt.fixed, fixed, name)
	}
}

// TestTrap16EpochOfSource: a source package has the epoch of its binaries.
func TestTrap16EpochOfSource(t *testing.T) {
	records := map[string]advisory.Record{}
	src, err := feed.NewSource("../../feed/csaf/redhat/testdata/vex-feed.json", feed.Options{})
	require.NoError(t, err)
	_, err = rhel.Distro().Feeds[0].Records(context.Background(), src, func(r advisory.Record) error {
		records[string(r.Kind)+" "+r.Package+" "+r.Release] = r
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, "1:0.79-8.1.el9", records["source perl-FCGI 9"].Fixed)
	release, err := scantest.Open(t, scantest.Database(t, records["source perl-FCGI 9"])).Release("rhel", "9")
	require.NoError(t, err)
	for version, want := range map[string]int{"0.79-8.1.el9": 0, "0.79-8.el9": 1} {
		inv := &inventory.Inventory{OS: inventory.OS{Release: "9", CPEs: []string{"cpe:/a:redhat:enterprise_linux:9::appstream"}}, Packages: []inventory.Package{
			{Format: inventory.FormatRpm, Name: "perl-FCGI", Version: "1:" + version, Arch: "x86_64", SourceName: "perl-FCGI", SourceVersion: version},
		}}
		result, err := match.Match(inv, rhel.Distro().Rules, release, match.Options{})
		require.NoError(t, err)
		assert.Len(t, result.Subjects, want, version)
	}
}

// Before what only Extended Life-cycle Support has fixed, everybody has it.
func TestWithoutELS(t *testing.T) {
	bind := inventory.Package{Name: "bind", Version: "32:9.11.4-26.P2.el7_9.16", Arch: "x86_64", SourceName: "bind", SourceVersion: "9.11.4-26.P2.el7_9.16"}
	base := inventory.OS{Distro: "rhel", Release: "7", CPEs: []string{"cpe:/o:redhat:enterprise_linux:7::server"}}
	els := inventory.OS{Distro: "rhel", Release: "7", CPEs: []string{"cpe:/o:redhat:enterprise_linux:7::server", "cpe:/o:redhat:rhel_els:7"}}
	status, _ := findings(t, base, bind)
	assert.Equal(t, "end-of-life", status)
	status, fixed := findings(t, els, bind)
	assert.Equal(t, "fixed", status)
	assert.Equal(t, "32:9.11.4-26.P2.el7_9.17", fixed)
	bind.Version, bind.SourceVersion = "32:9.11.4-26.P2.el7_9.17", "9.11.4-26.P2.el7_9.17"
	status, _ = findings(t, els, bind)
	assert.Empty(t, status)
}
