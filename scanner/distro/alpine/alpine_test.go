package alpine_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/alpine"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
)

// TestTrap02OriginNames has the kind of names that advisories use: those of
// origins, not of installed packages.
func TestTrap02OriginNames(t *testing.T) {
	assert.Equal(t, []advisory.Kind{advisory.Source}, alpine.Distro().Rules.Kinds)
	c := pkgdb.NewCollector()
	found, err := alpine.Distro().Read(fstest.MapFS{"lib/apk/db/installed": {Data: []byte("P:libcrypto3\nV:3.3.1-r0\no:openssl\n")}}, c)
	require.NoError(t, err)
	require.True(t, found)
	require.Len(t, c.Packages(), 1)
	assert.Equal(t, "openssl", c.Packages()[0].SourceName)
}

func TestTrap09EdgeIsNoBranch(t *testing.T) {
	for version, want := range map[string]string{
		"3.24.0_alpha20251224": "edge", "3.19_alpha20230901": "edge", "3.3_git20151201": "edge", "edge": "edge",
		"3.10.0_rc4": "3.10", "3.20.3": "3.20",
	} {
		os, ok := alpine.Distro().Recognise(osrelease.Release{ID: "alpine", VersionID: version})
		require.True(t, ok)
		assert.Equal(t, want, os.Release, version)
	}
}

// TestTrap10BranchesAreNoFractions has 3.10 after 3.9: in the lifecycle, and in
// what the feed says of a branch without community repository.
func TestTrap10BranchesAreNoFractions(t *testing.T) {
	of := alpine.Distro().Lifecycle
	nine, ok := of("3.9")
	require.True(t, ok)
	ten, ok := of("3.10")
	require.True(t, ok)
	assert.True(t, nine.End.Before(ten.End))

	for branch, missing := range map[string]int{"v3.2": 0, "v2.7": 0, "v3.3": 1, "v3.9": 1, "v3.10": 1, "v3.20": 1} {
		_, stats, err := importAll(t, tree(t, map[string]string{"main.json": doc(branch, "p", `{"1-r0":["CVE-2019-1111"]}`)}))
		require.NoError(t, err)
		assert.Equal(t, missing, stats.Malformed, branch)
	}
}

// TestTrap29SuffixesOfApk and TestTrap30NoRevision compare as the matcher does.
func TestTrap29SuffixesOfApk(t *testing.T) {
	requireOrder(t, "1.2.3_rc1", "1.2.3", "1.2.3_git20230101", "1.2.3_p1", "1.2.3.1")
}

func TestTrap30NoRevision(t *testing.T) {
	requireOrder(t, "1.2.3", "1.2.3-r0", "1.2.3-r9", "1.2.3-r10")
}

func requireOrder(t *testing.T, versions ...string) {
	t.Helper()
	for i := range versions[1:] {
		order, err := alpine.Distro().Rules.Scheme.Compare(versions[i], versions[i+1])
		require.NoError(t, err)
		assert.Negative(t, order, "%s must be older than %s", versions[i], versions[i+1])
	}
}

func TestTrap42ForeignMaintainers(t *testing.T) {
	for maintainer, want := range map[string]string{
		"NGINX Packaging <nginx-packaging@f5.com>": "nginx.org",
		"NGINX Packaging <nginx@nginx.com>":        "nginx.org",
		"wolfi":                                    "Wolfi",
		"Natanael Copa <ncopa@alpinelinux.org>":    "",
		"Jakub Jirutka <jakub@jirutka.cz>":         "",
		"":                                         "",
	} {
		vendor, foreign := alpine.Distro().Rules.Foreign(nil, &inventory.Package{Name: "nginx", Vendor: maintainer})
		assert.Equal(t, want, vendor, maintainer)
		assert.Equal(t, want != "", foreign, maintainer)
	}
}

func TestHeaders(t *testing.T) {
	for name, want := range map[string]bool{"linux-headers": true, "linux-lts-dev": true, "linux-lts": false, "linux-pam": false} {
		assert.Equal(t, want, alpine.Distro().Rules.Headers(&inventory.Package{Name: name}), name)
	}
}

func TestLifecycle(t *testing.T) {
	of := alpine.Distro().Lifecycle
	for release, want := range map[string]string{"3.3": "2017-11-01", "3.20": "2026-04-01", "3.23": "2027-11-01"} {
		l, ok := of(release)
		require.True(t, ok, release)
		assert.Equal(t, want, l.End.Format(time.DateOnly), release)
	}
	edge, ok := of("edge")
	assert.True(t, ok)
	assert.Zero(t, edge)
	_, ok = of("4.0")
	assert.False(t, ok)
}

// TestInspect has images whose packages may come from other branches.
func TestInspect(t *testing.T) {
	const place = "etc/apk/repositories"
	for text, want := range map[string]string{
		"": "",
		"https://dl-cdn.alpinelinux.org/alpine/v3.20/main\nhttps://dl-cdn.alpinelinux.org/alpine/v3.20/community\n":    "",
		"# https://dl-cdn.alpinelinux.org/alpine/edge/testing\n/media/cdrom/apks\nhttps://example.org/x\n":             "",
		"https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n@testing http://mirror.example/alpine/edge/testing/":        "edge/testing",
		"https://a.example/alpine/edge/main\nhttps://a.example/alpine/edge/community\nhttps://a.example/alpine/v3.9/x": "3.9, edge",
	} {
		os := inventory.OS{Distro: "alpine", Release: "3.20"}
		require.NoError(t, alpine.Distro().Inspect(fstest.MapFS{place: {Data: []byte(text)}}, &os, nil), text)
		if want == "" {
			assert.Empty(t, os.Note, text)
			continue
		}
		assert.Equal(t, place+" also names "+want+"; the advisories of Alpine 3.20 are applied to all packages", os.Note)
	}
	os := inventory.OS{Distro: "alpine", Release: "3.20"}
	require.NoError(t, alpine.Distro().Inspect(fstest.MapFS{}, &os, nil))
	assert.Empty(t, os.Note)
	err := alpine.Distro().Inspect(fstest.MapFS{place: {Data: make([]byte, 65<<10)}}, &os, nil)
	assert.ErrorContains(t, err, "etc/apk/repositories: it is larger than")
}
