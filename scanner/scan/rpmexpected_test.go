package scan_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/rpmexpect"
	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
	"github.com/example/microscanner-frontend/scanner/scan"
)

// vendors has a vendor that each distribution takes for its own. The packages
// of one distribution are compared with the advisories of another here: there
// are real advisories for all, but real package databases for few.
func vendors() map[string]string {
	return map[string]string{"rhel": "Red Hat, Inc.", "centos": "CentOS", "alma": "AlmaLinux", "rocky": "Rocky Enterprise Software Foundation"}
}

func rpmDatabases() []string {
	return []string{"centos-5", "centos-6", "centos-7", "centos-8-modular", "rhel-8-ubi-s390x", "fedora-35", "mariner-2.0", "sle-15-bci"}
}

// TestFindings holds the scanner's findings against those of the real rpm: all
// fixes of four distributions, each with every real package database.
func TestExpectedByRPM(t *testing.T) {
	shared := scantest.Shared(t, "redhat")
	if _, err := exec.LookPath("rpm"); err != nil {
		t.Skip("needs rpm 4.16 or later; hack/deps installs it")
	}
	data := filepath.Dir(shared)
	for _, major := range []string{"5", "6", "7"} {
		for distro, name := range map[string]string{"rhel": "redhat/rhsa-", "centos": "centos/cesa-"} {
			fixes, err := rpmexpect.Cyberwatch(filepath.Join(data, name+major+".jsonl.gz"))
			require.NoError(t, err)
			compare(t, data, distro, major, fixes, scantest.Database(t, recordsOf(distro, major, fixes)...))
		}
	}
	rocky, err := rpmexpect.CIQ(filepath.Join(data, "rocky/advisories.jsonl.gz"))
	require.NoError(t, err)
	archive := filepath.Join(data, "almalinux/osv-all.zip")
	alma, err := rpmexpect.Alma(archive)
	require.NoError(t, err)
	imported := scantest.DatabaseFromFeed(t, "alma", archive)
	for _, major := range []string{"8", "9", "10"} {
		compare(t, data, "rocky", major, rocky[major], scantest.Database(t, recordsOf("rocky", major, rocky[major])...))
		compare(t, data, "alma", major, alma[major], imported)
	}
}

// records are the fixes in the project's own form.
func recordsOf(distro, release string, fixes []rpmexpect.Fix) []advisory.Record {
	seen := map[rpmexpect.Fix]bool{}
	var out []advisory.Record
	for _, f := range fixes {
		if seen[f] || f.Stream == "?" {
			continue
		}
		seen[f] = true
		r := advisory.Record{
			ID: f.CVE, Distro: distro, Release: release, Package: f.Name, Kind: advisory.Binary,
			Status: advisory.StatusFixed, Fixed: f.EVR, Module: f.Stream,
		}
		if f.Arch != "" {
			r.Arches = []string{f.Arch}
		}
		if r.Validate() == nil {
			out = append(out, r)
		}
	}
	return out
}

func compare(t *testing.T, data, distro, release string, fixes []rpmexpect.Fix, dir string) {
	t.Helper()
	database, err := db.Open(dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, database.Close()) }()
	total := 0
	for _, name := range rpmDatabases() {
		root := filepath.Join(data, "rootfs", name)
		installed, err := rpmexpect.ReadInstalled(filepath.Join(root, "expected-packages.tsv.gz"))
		require.NoError(t, err)
		order, err := rpmexpect.Order(t.Context(), rpmexpect.Versions(installed, fixes))
		require.NoError(t, err)
		want := []string{}
		for _, f := range rpmexpect.Find(installed, fixes, order) {
			want = append(want, f.String())
		}
		total += len(want)
		got := findingsIn(t, root, distro, release, database)
		missing, extra := without(want, got), without(got, want)
		assert.Empty(t, missing, "%s %s with %s: missing of %d", distro, release, name, len(want))
		assert.Empty(t, extra, "%s %s with %s: too many", distro, release, name)
	}
	t.Logf("%s %s: %d fixes, %d findings in %d package databases", distro, release, len(fixes), total, len(rpmDatabases()))
	require.NotZero(t, total)
}

func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool {
		_, found := slices.BinarySearch(other, s)
		return found
	})
}

// findings are those of the scanner, sorted.
func findingsIn(t *testing.T, root, distro, release string, database *db.DB) []string {
	t.Helper()
	inv := inventory.Inventory{OS: inventory.OS{Distro: distro, Release: release}, Packages: installedIn(t, root)}
	for i := range inv.Packages {
		inv.Packages[i].Vendor = vendors()[distro]
	}
	result, err := scan.Match(&inv, database, scan.Options{Distros: all.List(), Now: scantest.Built})
	require.NoError(t, err)
	require.Empty(t, inv.Unsupported)
	require.Empty(t, result.Problems)
	require.Empty(t, result.Foreign)
	out := []string{}
	for _, s := range result.Subjects {
		for _, n := range s.Packages {
			p := &inv.Packages[n]
			for i := range s.Findings {
				f := &s.Findings[i]
				out = append(out, fmt.Sprintf("%s\t%s\t%s\t%s\t%s", p.Name, p.Version, p.Arch, f.ID, f.Fixed))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// packages reads a real package database, which lies there compressed.
func installedIn(t *testing.T, root string) []inventory.Package {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, path := range rpm.Paths() {
		f, err := os.Open(filepath.Join(root, path) + ".gz")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		require.NoError(t, err)
		z, err := gzip.NewReader(f)
		require.NoError(t, err)
		text, err := io.ReadAll(z)
		require.NoError(t, errors.Join(err, f.Close()))
		fsys[path] = &fstest.MapFile{Data: text}
	}
	c := pkgdb.NewCollector()
	found, err := rpm.Read(fsys, c)
	require.NoError(t, err)
	require.True(t, found)
	require.Empty(t, c.Problems())
	return c.Packages()
}
