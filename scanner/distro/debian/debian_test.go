package debian_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro/debian"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/feedtest"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/osrelease"
)

func TestRaspbian(t *testing.T) {
	os, ok := debian.Distro().Recognise(osrelease.Release{ID: "raspbian", IDLike: "debian", VersionID: "12", DebianVersion: "12.9", PrettyName: "Raspbian GNU/Linux 12 (bookworm)"})
	require.True(t, ok)
	assert.Equal(t, "debian 12", os.Distro+" "+os.Release)
	assert.Equal(t, "Raspbian GNU/Linux 12 (bookworm)", os.Pretty)
	assert.Equal(t, "Raspbian builds Debian's packages anew, some with changes of its own (+rpi1); Debian's advisories are applied as a best effort", os.Note)

	os, ok = debian.Distro().Recognise(osrelease.Release{ID: "raspbian", DebianVersion: "forky/sid"})
	require.True(t, ok)
	assert.Equal(t, "sid", os.Release)
	assert.Contains(t, os.Note, "as a best effort; Debian testing and unstable cannot be told apart; assessed as unstable")

	os, _ = debian.Distro().Recognise(osrelease.Release{ID: "raspbian"})
	assert.NotEmpty(t, os.Unclear)
	assert.Empty(t, os.Note)
}

// TestTrap08SidHasNoNumber: what states no number is unstable, or unclear, and
// never a release of its own.
func TestTrap08SidHasNoNumber(t *testing.T) {
	for _, tc := range []struct {
		release osrelease.Release
		note    string
	}{
		{osrelease.Release{ID: "debian", DebianVersion: "forky/sid"}, "Debian testing and unstable cannot be told apart; assessed as unstable"},
		{osrelease.Release{ID: "debian", PrettyName: "Debian GNU/Linux forky/sid"}, "Debian testing and unstable cannot be told apart; assessed as unstable"},
		{osrelease.Release{ID: "debian", DebianVersion: "bookworm/sid"}, "this is testing or unstable from before the release of Debian 12 (bookworm); assessed as unstable"},
		{osrelease.Release{DebianVersion: "wheezy/sid"}, "this is testing or unstable from before the release of Debian 7 (wheezy); assessed as unstable"},
	} {
		os, ok := debian.Distro().Recognise(tc.release)
		require.True(t, ok)
		assert.Equal(t, "sid", os.Release)
		assert.Equal(t, tc.note, os.Note)
	}
	os, ok := debian.Distro().Recognise(osrelease.Release{ID: "debian", PrettyName: "Distroless"})
	assert.True(t, ok)
	assert.NotEmpty(t, os.Unclear)
}

// TestReleaseFiles: every real release file, and what it is.
func TestReleaseFiles(t *testing.T) {
	for folder, want := range map[string]string{
		"debian-8": "8", "debian-10": "10", "debian-12": "12",
		"distroless-debian-9": "9", "distroless-debian-10": "10", "distroless-debian-11": "11",
		"grype-debian": "8", "grype-debian-sid": "sid", "grype-echo": "", "grype-raspbian": "9",
		"syft-debian/from-debian_version": "10", "syft-debian/from-os-release": "8", "syft-debian/with-point-release": "13",
		"ubuntu-11": "11", "ubuntu-12.10": "", "syft-ubuntu": "",
	} {
		r, err := osrelease.Read(os.DirFS(scantest.Shared(t, "rootfs/release-files/"+folder)))
		require.NoError(t, err)
		got, ok := debian.Distro().Recognise(r)
		assert.Equal(t, want != "", ok, folder)
		assert.Equal(t, want, got.Release, folder)
		assert.Empty(t, got.Unclear, folder)
	}
}

// TestTrap06UbuntuIsNotDebian: although it has a debian_version.
func TestTrap06UbuntuIsNotDebian(t *testing.T) {
	for _, r := range []osrelease.Release{
		{ID: "ubuntu", VersionID: "24.04", DebianVersion: "trixie/sid"},
		{ID: "kali", IDLike: "debian", DebianVersion: "kali-rolling"},
		{},
	} {
		_, ok := debian.Distro().Recognise(r)
		assert.False(t, ok, r)
	}
}

func TestLifecycle(t *testing.T) {
	l, ok := debian.Distro().Lifecycle("10")
	require.True(t, ok)
	assert.Equal(t, "2024-06-30 2029-06-30 Extended LTS (Freexian)", l.End.Format("2006-01-02")+" "+l.Extended.Format("2006-01-02")+" "+l.ExtendedName)
	for _, release := range []string{"sid", "14"} {
		l, ok = debian.Distro().Lifecycle(release)
		assert.True(t, ok)
		assert.True(t, l.End.IsZero() && l.Extended.IsZero() && l.ExtendedName == "", release)
	}
	_, ok = debian.Distro().Lifecycle("16")
	assert.False(t, ok)
}

// TestLifecycleIsThatOfDistroInfo compares with the real table, line by line.
func TestLifecycleIsThatOfDistroInfo(t *testing.T) {
	f, err := os.Open(scantest.Shared(t, "eol/debian.csv"))
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
		number := row["version"]
		if number == "" {
			continue // sid, experimental
		}
		for _, whole := range []string{"4", "5", "6"} { // major is all there is
			if number == whole+".0" {
				number = whole
			}
		}
		l, ok := debian.Distro().Lifecycle(number)
		require.True(t, ok, row)
		end := row["eol-lts"]
		if end == "" {
			end = row["eol"]
		}
		assert.Equal(t, end == "", l.End.IsZero(), row)
		if end != "" {
			assert.Equal(t, end, l.End.Format("2006-01-02"), row)
		}
		assert.Equal(t, row["eol-elts"] == "", l.Extended.IsZero(), row)
		if row["eol-elts"] != "" {
			assert.Equal(t, row["eol-elts"], l.Extended.Format("2006-01-02"), row)
		}
	}
}

func named(t *testing.T, name string) feed.Feed {
	t.Helper()
	for _, f := range debian.Distro().Feeds {
		if f.Name == name {
			return f
		}
	}
	t.Fatal(name)
	return feed.Feed{}
}

// TestHostileServers runs the importers against servers that go wrong.
func TestHostileServers(t *testing.T) {
	const list = "[27 Mar 2023] DSA-5000-1 foo - security update\n\t{CVE-2023-0001}\n\t[bullseye] - foo 1\n"
	t.Run("lists", func(t *testing.T) {
		feedtest.Hostile(t, named(t, "debian-dsa"), map[string][]byte{"/list": []byte(list)}, "/list", feedtest.CutUnseen())
	})
	t.Run("elts", func(t *testing.T) {
		feedtest.Hostile(t, named(t, "debian-elts"), map[string][]byte{"/HEAD.tar.gz": archive(t, "x-main/advisories/ELA-1-1.json", extendedRecord)}, "/HEAD.tar.gz")
	})
}

// TestSamples reads what other projects cut from the real feeds, and in part
// made worse.
func TestSamples(t *testing.T) {
	for name, tc := range map[string]struct{ feed, problem string }{
		"vuln-list-update/debian/tracker/testdata/happy/data/DSA/list":                  {"debian-dsa", ""},
		"vuln-list-update/debian/tracker/testdata/happy/data/DLA/list":                  {"debian-dla", "list:4: the line is not of the form \"[day] DSA-number source - title\""},
		"vuls-data-update/pkg/fetch/debian/tracker/api/testdata/fixtures/advisory.json": {"debian", ""},
		"vunnel/tests/unit/providers/debian/test-fixtures/input/debian.json":            {"debian", "debian.json: chromium-browser/CVE-2022-0358: its members are not what the tracker writes"},
	} {
		path := filepath.Join(t.TempDir(), filepath.Base(name))
		require.NoError(t, os.WriteFile(path, zipMember(t, scantest.Shared(t, "debian/feeds-samples.zip"), name), 0o600))
		records, stats, err := importWith(t, named(t, tc.feed).Records, path)
		require.NoError(t, err, name)
		assert.NotEmpty(t, records, name)
		var problems []string
		for _, p := range stats.Problems {
			if !strings.Contains(p.Reason, "there is no release") {
				problems = append(problems, p.String())
			}
		}
		assert.Equal(t, tc.problem, strings.Join(problems, "\n"), name)
		for _, r := range records {
			r.Normalize()
			assert.NoError(t, r.Validate())
		}
	}
}
