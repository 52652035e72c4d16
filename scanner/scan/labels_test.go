package scan_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/labels"
	"github.com/example/microscanner-frontend/hack/rpmexpect"
	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/rootfs"
	"github.com/example/microscanner-frontend/scanner/scan"
)

// TestLabels holds the findings against the verdicts of people, and prints
// precision and recall. docs/labels.md explains the disagreements.
func TestLabels(t *testing.T) {
	list, err := labels.Read(scantest.Shared(t, "labels/vulnerability-match-labels.jsonl.gz"))
	require.NoError(t, err)
	data := filepath.Dir(scantest.Shared(t, "labels"))
	cesa, err := rpmexpect.Cyberwatch(filepath.Join(data, "centos/cesa-6.jsonl.gz"))
	require.NoError(t, err)
	database := scantest.Open(t, scantest.DatabaseFromFeeds(t, map[string]string{
		"debian":             filepath.Join(data, "debian/tracker-shape-from-dsa-dla.json.gz"),
		"debian-elts":        filepath.Join(data, "debian/elts-osv.zip"),
		"ubuntu-cve-tracker": filepath.Join(data, "ubuntu/uct-2020-06.jsonl.gz"),
		"alpine":             filepath.Join(data, "alpine/secdb-json"),
		"alma":               filepath.Join(data, "almalinux/osv-all.zip"),
	}, recordsOf("centos", "6", cesa)...))
	sources := sourcesOf(t, filepath.Join(data, "rootfs"))

	var total labels.Counts
	perDistro := map[string]*labels.Counts{}
	var disagreements []labels.Disagreement
	for _, image := range labels.Images() {
		c, wrong := judge(t, image, image.Of(list), sources, database)
		require.NoError(t, labels.Write(os.Stdout, image.Distro+" "+image.Release+" "+image.Digest, c))
		total.Add(c)
		if perDistro[image.Distro] == nil {
			perDistro[image.Distro] = &labels.Counts{}
		}
		perDistro[image.Distro].Add(c)
		disagreements = append(disagreements, wrong...)
	}
	for _, d := range []string{"alma", "alpine", "centos", "debian", "ubuntu"} {
		require.NoError(t, labels.Write(os.Stdout, d, *perDistro[d]))
	}
	require.NoError(t, labels.Write(os.Stdout, "all", total))
	for _, d := range disagreements {
		t.Logf("%s %s %s: %s %s %s %s", d.Distro, d.Release, d.Digest, d.Verdict, d.Package, d.Version, d.CVE)
	}
	assert.GreaterOrEqual(t, total.Precision(), 0.99)
	assert.GreaterOrEqual(t, total.KnownRecall(), 0.995)
}

// judge scans what the labels say is in an image.
func judge(t *testing.T, image labels.Image, list []labels.Label, sources map[string]string, database *db.DB) (labels.Counts, []labels.Disagreement) {
	t.Helper()
	require.NotEmpty(t, list, image.Digest)
	d, ok := distro.ByID(all.List(), image.Distro)
	require.True(t, ok)
	inv := inventory.Inventory{OS: inventory.OS{Distro: image.Distro, Release: image.Release}}
	for _, l := range list {
		p := inventory.Package{
			Name: l.Package, Version: l.Version, SourceName: l.Package, SourceVersion: l.Version, Vendor: vendors()[image.Distro],
		}
		if s := sources[image.Distro+" "+l.Package]; s != "" {
			p.SourceName = s
		}
		if p.Name == "bsdutils" { // the epoch is the binary package's alone
			p.SourceVersion = strings.TrimPrefix(p.Version, "1:")
		}
		inv.Packages = append(inv.Packages, p)
	}
	result, err := scan.Match(&inv, database, scan.Options{Distros: all.List(), Now: scantest.Built})
	require.NoError(t, err)
	found := map[labels.Match]bool{}
	for _, s := range result.Subjects {
		for i := range s.Findings {
			for _, n := range s.Packages {
				p := &inv.Packages[n]
				found[labels.Match{Package: p.Name, Version: p.Version, ID: s.Findings[i].ID}] = true
			}
		}
	}
	known := knownIDs(t, &inv, d, database)
	return labels.Judge(image, list,
		func(m labels.Match) bool { return found[m] },
		func(m labels.Match) bool { return known[labels.Match{Package: m.Package, ID: m.ID}] },
	)
}

// knownIDs are the ids that the database has on the packages of an inventory,
// at any version.
func knownIDs(t *testing.T, inv *inventory.Inventory, d distro.Distro, database *db.DB) map[labels.Match]bool {
	t.Helper()
	release, err := database.Release(inv.OS.Distro, inv.OS.Release)
	require.NoError(t, err)
	defer func() { require.NoError(t, release.Close()) }()
	known := map[labels.Match]bool{}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		name := p.SourceName
		if slices.Contains(d.Rules.Kinds, advisory.Binary) {
			name = p.Name
		}
		rows, err := release.Select(d.Rules.Kinds[0], name, func(string) (bool, error) { return true, nil })
		require.NoError(t, err)
		for n := range rows {
			if rows[n].Status == advisory.StatusUnderInvestigation {
				continue
			}
			known[labels.Match{Package: p.Name, ID: rows[n].ID}] = true
		}
	}
	return known
}

// sourcesOf gives the source packages of binary packages, by distribution and
// name, as the real package databases have them. The labels name none.
func sourcesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	roots, err := filepath.Glob(filepath.Join(dir, "*-*"))
	require.NoError(t, err)
	for _, root := range roots {
		id, _, _ := strings.Cut(filepath.Base(root), "-")
		d, ok := distro.ByID(all.List(), id)
		if !ok || !slices.Contains([]string{"debian", "ubuntu", "alpine"}, id) {
			continue
		}
		fsys, err := rootfs.Open(root)
		require.NoError(t, err)
		c := pkgdb.NewCollector()
		_, err = d.Read(fsys, c)
		require.NoError(t, err)
		require.NoError(t, fsys.Close())
		for _, p := range c.Packages() {
			out[id+" "+p.Name] = p.SourceName
		}
	}
	return out
}
