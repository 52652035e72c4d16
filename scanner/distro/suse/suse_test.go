package suse_test

import (
	"archive/zip"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro/suse"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/osrelease"
)

func recognise(t *testing.T, dir string) (inventory.OS, bool) {
	t.Helper()
	r, err := osrelease.Read(os.DirFS(dir))
	require.NoError(t, err)
	return suse.Distro().Recognise(r)
}

func TestRecognise(t *testing.T) {
	for name, c := range map[string]struct{ file, text, release, cpe string }{
		"SLES":       {"etc/os-release", "ID=sles\nVERSION_ID=15.5\nCPE_NAME=cpe:/o:suse:sles:15:sp5\n", "15.5", "cpe:/o:suse:sles:15:sp5"},
		"first":      {"etc/os-release", "ID=sles\nVERSION_ID=15\n", "15.0", "cpe:/o:suse:sles:15"},
		"12":         {"etc/os-release", "ID=sles\nVERSION_ID=12.5\n", "12.5", "cpe:/o:suse:sles:12:sp5"},
		"16":         {"etc/os-release", "ID=sles\nVERSION_ID=16.0\nCPE_NAME=cpe:/o:suse:sles:16:16.0:server\n", "16.0", "cpe:/o:suse:sles:16.0"},
		"SAP":        {"etc/os-release", "ID=sles\nVERSION_ID=15.5\nCPE_NAME=cpe:/o:suse:sles_sap:15:sp5\n", "15.5", "cpe:/o:suse:sles_sap:15:sp5"},
		"SLED":       {"etc/os-release", "ID=sled\nVERSION_ID=15.5\n", "15.5", "cpe:/o:suse:sled:15:sp5"},
		"Leap":       {"etc/os-release", "ID=opensuse-leap\nVERSION_ID=15.5\n", "15.5", "cpe:/o:opensuse:leap:15.5"},
		"Leap 42":    {"etc/os-release", "ID=opensuse\nVERSION_ID=42.3\n", "42.3", "cpe:/o:opensuse:leap:42.3"},
		"Tumbleweed": {"etc/os-release", "ID=opensuse-tumbleweed\nVERSION_ID=20240101\n", "tumbleweed", "cpe:/o:opensuse:tumbleweed"},
		"old":        {"etc/os-release", "ID=opensuse\nNAME=\"openSUSE Tumbleweed\"\nVERSION_ID=20170101\n", "tumbleweed", "cpe:/o:opensuse:tumbleweed"},
		"Micro 5":    {"etc/os-release", "ID=sle-micro\nVERSION_ID=5.5\n", "5.5", "cpe:/o:suse:sle-micro:5.5"},
		"Micro 6":    {"etc/os-release", "ID=sl-micro\nVERSION_ID=6.0\n", "6.0", "cpe:/o:suse:sle-micro:6.0"},
		"Rancher":    {"etc/os-release", "ID=sle-micro-rancher\nVERSION_ID=5.4\n", "5.4", "cpe:/o:suse:sle-micro:5.4"},
		"SLE 11":     {"etc/SuSE-release", "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n", "11.4", "cpe:/o:suse:sles:11:sp4"},
		"no number":  {"etc/os-release", "ID=sles\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			os, ok := recognise(t, scantest.Rootfs(t, map[string]string{c.file: c.text}))
			require.True(t, ok)
			assert.Equal(t, c.release, os.Release)
			assert.Equal(t, c.file, os.Path)
			if c.release == "" {
				assert.Contains(t, os.Unclear, "state no number")
				return
			}
			assert.Equal(t, []string{c.cpe}, os.CPEs)
			_, known := suse.Distro().Lifecycle(os.Release)
			assert.True(t, known)
		})
	}
	for _, text := range []string{"ID=debian\n", "", "ID=opensuse-kubic\nID_LIKE=suse\n"} {
		_, ok := recognise(t, scantest.Rootfs(t, map[string]string{"etc/os-release": text}))
		assert.False(t, ok, text)
	}
	for folder, cpe := range map[string]string{"release-files/grype-sles": "cpe:/o:suse:sles:15:sp2", "sle-15-bci": "cpe:/o:suse:sles:15:sp2", "release-files/grype-opensuse-leap": "cpe:/o:opensuse:leap:15.2"} {
		os, ok := recognise(t, scantest.Shared(t, "rootfs/"+folder))
		require.True(t, ok)
		assert.Equal(t, []string{cpe}, os.CPEs)
		assert.Equal(t, "15.2", os.Release)
	}
}

func TestRules(t *testing.T) {
	rules := suse.Distro().Rules
	for vendor, want := range map[string]bool{
		"SUSE LLC <https://www.suse.com/>": false, "openSUSE": false, "SUSE Linux Products GmbH": false, "": false,
		"obs://build.opensuse.org/home:somebody": true, "NVIDIA": true,
	} {
		_, foreign := rules.Foreign(nil, &inventory.Package{Vendor: vendor})
		assert.Equal(t, want, foreign, vendor)
	}
	for name, want := range map[string]bool{"linux-glibc-devel": true, "kernel-devel": true, "kernel-default-devel": true, "kernel-devel-azure": true, "kernelshark-devel": false, "kernel-default": false, "glibc-devel": false} {
		assert.Equal(t, want, rules.Headers(&inventory.Package{Name: name}), name)
	}
}

func pkg(name, version string) inventory.Package {
	return inventory.Package{Format: inventory.FormatRpm, Name: name, Version: version, Arch: "x86_64", SourceName: name, SourceVersion: version}
}

// Products of one number have packages of one name: each has its own fixes, and
// those of long-term support are for images that have it.
func TestProductsOfOneNumber(t *testing.T) {
	var d doc
	d.define("CVE-2024-0001", "", d.or(
		d.and("sles-release ==15.5", "tar <0:2-1"), d.and("openSUSE-release ==15.5", "tar <0:3-1"), d.and("sled-release ==15.5", "tar >0:0-0"),
	))
	d.define("CVE-2024-0002", "", d.or(d.and("sles-ltss-release ==15.5", "tar <0:4-1")))
	dir := t.TempDir()
	database := scantest.Open(t, scantest.DatabaseFromFeed(t, suse.ID, write(t, dir, "x.xml", d.String())))
	advisories, err := database.Release(suse.ID, "15.5")
	require.NoError(t, err)
	defer func() { assert.NoError(t, advisories.Close()) }()
	ltss := pkg("sles-ltss-release", "15.5-150500.3.1")
	for _, c := range []struct {
		id       string
		packages []inventory.Package
		want     []string
	}{
		{"sles", []inventory.Package{pkg("tar", "1-1")}, []string{"CVE-2024-0001 2-1"}},
		{"sles", []inventory.Package{pkg("tar", "2-1")}, nil},
		{"opensuse-leap", []inventory.Package{pkg("tar", "2-1")}, []string{"CVE-2024-0001 3-1"}},
		{"sled", []inventory.Package{pkg("tar", "9-1")}, []string{"CVE-2024-0001 "}},
		{"sles", []inventory.Package{pkg("tar", "3-1"), ltss}, []string{"CVE-2024-0002 4-1"}},
		{"sles", []inventory.Package{pkg("tar", "3-1"), pkg("sle-module-basesystem-release", "15.5-1")}, nil},
		// The release package of another release says nothing of this one.
		{"sles", []inventory.Package{pkg("tar", "3-1"), pkg("sles-ltss-release", "15.4-1")}, nil},
	} {
		linux, ok := recognise(t, scantest.Rootfs(t, map[string]string{"etc/os-release": "VERSION_ID=15.5\nID=" + c.id}))
		require.True(t, ok)
		require.NoError(t, suse.Distro().Inspect(nil, &linux, c.packages))
		assert.Equal(t, len(c.packages) == 2 && c.packages[1].Name == ltss.Name && c.packages[1].Version == ltss.Version, linux.Pro)
		result, err := match.Match(&inventory.Inventory{OS: linux, Packages: c.packages}, suse.Distro().Rules, advisories, match.Options{})
		require.NoError(t, err)
		var got []string
		for _, s := range result.Subjects {
			for _, f := range s.Findings {
				got = append(got, f.ID+" "+f.Fixed)
			}
		}
		assert.Equal(t, c.want, got, "%s %s", c.id, c.packages[0].Version)
	}
}

// The real documents are cut to a few definitions, most without all their
// tests: what is there must be read.
func TestRealDocuments(t *testing.T) {
	z, err := zip.OpenReader(scantest.Shared(t, "suse/oval.zip"))
	require.NoError(t, err)
	defer func() { require.NoError(t, z.Close()) }()
	want := map[string]string{
		"opensuse.leap.15.2.xml.gz":              "15.2 fastjar fixed 0.98-lp152.4.3.1 i586,x86_64 opensuse:leap:15.2",
		"opensuse.tumbleweed.xml.gz":             "tumbleweed tar fixed 1.34-2.2  opensuse:tumbleweed",
		"suse.linux.enterprise.server.10.xml.gz": "10.0 krb5-server fixed 1.4.3-19.49.53.1  suse:sles:10",
	}
	dir := t.TempDir()
	for _, f := range z.File {
		fact := want[path.Base(f.Name)]
		if fact == "" {
			continue
		}
		r, err := f.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		records, stats, err := importAll(t, write(t, dir, path.Base(f.Name), string(text)))
		require.NoError(t, err)
		got := lines(records)
		assert.True(t, slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, fact) }), "%s: %s", f.Name, strings.Join(got[:min(3, len(got))], "\n"))
		for _, p := range stats.Problems {
			assert.Regexp(t, "there is no test|which is not there", p.Reason)
		}
		delete(want, path.Base(f.Name))
	}
	assert.Empty(t, want)
}
