package scan_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/rootfs"
	"github.com/example/microscanner-frontend/scanner/scan"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// BenchmarkRootfs scans a root file system of the size of a fat Debian image:
// 522 packages of 300 sources, 25 advisories each, of which about every third
// source has one to ten that apply.
func BenchmarkRootfs(b *testing.B) {
	dir, records := fatImage()
	root := scantest.Rootfs(b, dir)
	database := scantest.Open(b, scantest.Database(b, records...))
	b.ReportAllocs()
	for b.Loop() {
		r := scanRootfs(b, root, database)
		require.NotEmpty(b, r.Resources)
		require.NoError(b, report.WriteJSON(io.Discard, r))
	}
}

// BenchmarkUnreadableVersions assesses as many packages as there can be, each
// with a problem of its own.
func BenchmarkUnreadableVersions(b *testing.B) {
	record := advisory.Record{ID: "CVE-2024-0001", Distro: "debian", Release: "12", Package: "a", Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: "2"}
	database := scantest.Open(b, scantest.Database(b, record))
	packages := make([]inventory.Package, 0, inventory.MaxPackages)
	for i := range inventory.MaxPackages {
		version := fmt.Sprintf("x%06d:1", i)
		packages = append(packages, inventory.Package{Format: inventory.FormatDpkg, Name: "a", Version: version, SourceName: "a", SourceVersion: version, Vendor: "Debian"})
	}
	for b.Loop() {
		inv := inventory.Inventory{OS: inventory.OS{Distro: "debian", Release: "12"}, Packages: packages}
		result, err := scan.Match(&inv, database, scan.Options{Distros: all.List(), Now: time.Now})
		require.NoError(b, err)
		require.Len(b, result.Problems, inventory.MaxPackages)
	}
}

func fatImage() (files map[string]string, records []advisory.Record) {
	const packages, sources = 522, 300
	var status strings.Builder
	for i := range packages {
		fmt.Fprintf(&status, "Package: lib-package-%d\nStatus: install ok installed\nPriority: optional\nArchitecture: amd64\n"+
			"Source: source-%d\nVersion: 1:1.%d-2+deb12u1\nMaintainer: Debian Maintainers <maintainers@example.org>\nDescription: %s\n %s\n\n",
			i, i%sources, i%sources, strings.Repeat("words ", 10), strings.Repeat("more words ", 50))
	}
	for i := range sources {
		for n := range 25 {
			r := advisory.Record{
				ID: fmt.Sprintf("CVE-2024-%d", 10000+100*i+n), Distro: "debian", Release: "12",
				Package: fmt.Sprintf("source-%d", i), Kind: advisory.Source, Status: advisory.StatusFixed,
				Fixed: fmt.Sprintf("1:0.%d-1", n), Severity: severity.Medium, Description: strings.Repeat("A hole was found. ", 20),
			}
			if i%3 == 0 && n <= i%10 {
				r.Fixed = fmt.Sprintf("1:1.%d-2+deb12u2", i)
			}
			records = append(records, r)
		}
	}
	return map[string]string{
		"etc/os-release":      "ID=debian\nVERSION_ID=12\n",
		"var/lib/dpkg/status": status.String(),
	}, records
}

// BenchmarkInventory is the part of it that does not depend on advisories.
func BenchmarkInventory(b *testing.B) {
	files, _ := fatImage()
	fsys, err := rootfs.Open(scantest.Rootfs(b, files))
	require.NoError(b, err)
	defer fsys.Close()
	b.ReportAllocs()
	for b.Loop() {
		inv, err := scan.Inventory(fsys, all.List())
		require.NoError(b, err)
		require.Len(b, inv.Packages, 522)
	}
}
