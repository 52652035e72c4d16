// Package oracle supports Oracle Linux: releases by their major version.
package oracle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/internal/rebuild"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
	"github.com/example/microscanner-frontend/scanner/version"
)

// ID is the distribution's key in advisory records.
const ID = "oracle"

// Distro describes Oracle Linux.
func Distro() distro.Distro {
	return distro.Distro{
		ID:        ID,
		Name:      "Oracle Linux",
		Recognise: recognise,
		Databases: rpm.Paths(),
		Reads:     rpm.Reads(),
		Read:      rpm.Read,
		Rules: match.Rules{
			Kinds: []advisory.Kind{advisory.Binary}, Scheme: version.Rpm,
			Foreign: foreign, Applies: applies, Headers: rebuild.Headers,
		},
		Lifecycle: lifecycle,
		Feeds: []feed.Feed{
			{Name: ID, URL: "https://linux.oracle.com/security/oval/com.oracle.elsa-all.xml.bz2", Records: Import},
		},
	}
}

// recognise takes a root file system that calls itself Oracle Linux. Its files
// come before redhat-release, in which Oracle writes the name of Red Hat's.
func recognise(r osrelease.Release) (inventory.OS, bool) {
	os := inventory.OS{Distro: ID, Version: r.VersionID, Pretty: r.Pretty(), Path: r.Path}
	line, ok := releaseLine(r)
	switch {
	case r.ID == "ol":
		os.Version = cmp.Or(os.Version, line.Version)
	case ok && (r.ID == "" || r.ID == "rhel"):
		os.Version, os.Pretty, os.Path = line.Version, line.Text, line.Path
	default:
		return inventory.OS{}, false
	}
	release := major(os.Version)
	switch {
	case release == "" || strings.Trim(release, "0123456789") != "":
		os.Unclear = "it cannot be told which release of Oracle Linux the image is: its release files state no number"
	case ok && major(line.Version) != release:
		os.Unclear = fmt.Sprintf("it cannot be told which release of Oracle Linux the image is: %s says VERSION_ID=%q, and %s says %q", r.Path, r.VersionID, line.Path, line.Text)
	default:
		os.Release, os.CPEs = release, products(release)
	}
	return os, true
}

// major is the release in the number of a minor one: 9 of "9.4".
func major(version string) string {
	number, _, _ := strings.Cut(version, ".")
	return number
}

// releaseLine finds the line of Oracle's own files. Early releases of Oracle
// Linux 5 were called Enterprise Linux.
func releaseLine(r osrelease.Release) (osrelease.Line, bool) {
	names := []string{"oracle linux server", "enterprise linux enterprise linux server"}
	for _, line := range r.Lines {
		if slices.Contains(names, line.Name) {
			return line, true
		}
	}
	return osrelease.Line{}, false
}

// foreign tells the packages that Oracle did not build. Those of EPEL that
// Oracle rebuilds for its own repositories are Oracle's.
func foreign(_ *inventory.OS, p *inventory.Package) (string, bool) {
	return p.Vendor, p.Vendor != "" && !strings.HasPrefix(p.Vendor, "Oracle")
}

// applies compares only builds of one flavour.
func applies(p *inventory.Package, a *db.Advisory) bool {
	return a.Fixed == "" || flavourOf(p.Version) == flavourOf(a.Fixed)
}

// lifecycle has the ends of Premier Support and of Extended Support
// (https://www.oracle.com/a/ocom/docs/elsp-lifetime-069338.pdf).
func lifecycle(release string) (distro.Lifecycle, bool) {
	months := map[string][2]string{
		"5":  {"2017-06", "2020-11"},
		"6":  {"2021-03", "2024-12"},
		"7":  {"2024-12", "2028-06"},
		"8":  {"2029-07", "2032-07"},
		"9":  {"2032-06", "2035-06"},
		"10": {"2035-06", "2038-06"},
	}
	ends, ok := months[release]
	if !ok {
		return distro.Lifecycle{}, false
	}
	return distro.Lifecycle{End: lastDay(ends[0]), Extended: lastDay(ends[1]), ExtendedName: "Oracle Linux Extended Support"}, true
}

// lastDay is the last day of a month, "2006-01".
func lastDay(month string) time.Time {
	first, err := time.Parse("2006-01", month)
	if err != nil {
		panic(fmt.Sprintf("the table of lifecycles has %q", month)) // A test reads all of it.
	}
	return first.AddDate(0, 1, -1)
}
