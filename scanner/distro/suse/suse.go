// Package suse supports SUSE Linux Enterprise Server and Desktop, SUSE's Micro,
// and openSUSE. A release is the version with the service pack, "15.5", or
// "tumbleweed"; products of one version are told apart by their CPEs.
package suse

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
	"github.com/example/microscanner-frontend/scanner/version"
)

// ID is the distribution's key in advisory records.
const ID = "suse"

// Distro describes SUSE.
func Distro() distro.Distro {
	return distro.Distro{
		ID:        ID,
		Name:      "SUSE",
		Recognise: recognise,
		Databases: rpm.Paths(),
		Reads:     rpm.Reads(),
		Read:      rpm.Read,
		Inspect:   inspect,
		Rules: match.Rules{
			Kinds: []advisory.Kind{advisory.Binary}, Scheme: version.Rpm,
			Foreign: foreign, Headers: headers,
		},
		Lifecycle: lifecycle,
		Feeds: []feed.Feed{
			{Name: ID, URL: "https://ftp.suse.com/pub/projects/security/oval/", Records: Import},
		},
	}
}

// recognise takes SUSE's root file systems. Up to SUSE Linux Enterprise 11 they
// have only SuSE-release.
func recognise(r osrelease.Release) (inventory.OS, bool) {
	os := inventory.OS{Distro: ID, Version: r.VersionID, Pretty: r.Pretty(), Path: r.Path}
	family := familyOf(r)
	if r.ID == "" {
		for _, line := range r.Lines {
			if f := lineFamily(line.Name); f != "" {
				family, os.Version, os.Pretty, os.Path = f, line.Version, line.Text, line.Path
				break
			}
		}
	}
	if family == "" {
		return inventory.OS{}, false
	}
	if os.Release = releaseOf(os.Version); family == tumbleweed {
		os.Release = string(tumbleweed)
	}
	if os.Release == "" {
		os.Unclear = "it cannot be told which release of SUSE the image is: its release files state no number"
		return os, true
	}
	os.CPEs = []string{family.product(os.Release)}
	return os, true
}

// familyOf tells the family of products from os-release.
func familyOf(r osrelease.Release) family {
	switch r.ID {
	case "sles", "sles_sap":
		// SAP's server calls itself sles, too.
		if r.ID == "sles_sap" || strings.Contains(strings.ToLower(r.CPEName), ":sles_sap") {
			return sap
		}
		return server
	case "sled":
		return desktop
	case "sle_hpc":
		return hpc
	case "opensuse-leap":
		return leap
	case "opensuse-tumbleweed":
		return tumbleweed
	case "opensuse":
		if strings.Contains(strings.ToLower(r.Name), "tumbleweed") {
			return tumbleweed
		}
		return leap
	case "sle-micro", "sl-micro", "sle-micro-rancher":
		return micro
	}
	return ""
}

func lineFamily(name string) family {
	switch {
	case strings.HasPrefix(name, "suse linux enterprise server"):
		return server
	case strings.HasPrefix(name, "suse linux enterprise desktop"):
		return desktop
	case strings.HasPrefix(name, "opensuse"):
		return leap
	}
	return ""
}

// releaseOf is the version with its service pack, which is 0 for the first
// release: "15" is "15.0".
func releaseOf(version string) string {
	if version == "" || strings.Trim(version, "0123456789.") != "" {
		return ""
	}
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	return major + "." + cmp.Or(minor, "0")
}

// inspect adds the products whose release packages are installed: the long-term
// support of a service pack is one, whose updates go on after the others'. SUSE's
// own tests look at the same packages.
func inspect(_ fs.FS, os *inventory.OS, packages []inventory.Package) error {
	for i := range packages {
		version, _, _ := strings.Cut(packages[i].Version, "-")
		p, ok := installed(packages[i].Name, version)
		if !ok || !slices.Contains(p.releases, os.Release) || p.extension {
			continue
		}
		for _, f := range p.families {
			os.Pro = os.Pro || f == serverLTSS || f == hpcLTSS
			if cpe := f.product(os.Release); !slices.Contains(os.CPEs, cpe) {
				os.CPEs = append(os.CPEs, cpe)
			}
		}
	}
	return nil
}

// foreign tells the packages that neither SUSE nor openSUSE built.
func foreign(_ *inventory.OS, p *inventory.Package) (string, bool) {
	vendor := strings.ToLower(p.Vendor)
	return p.Vendor, vendor != "" && !strings.HasPrefix(vendor, "suse") && !strings.HasPrefix(vendor, "opensuse") ||
		strings.HasPrefix(vendor, "obs://")
}

// headers tells the packages that have only headers of the kernel, or the files
// to build modules for it: kernel-default-devel, kernel-devel-azure.
func headers(p *inventory.Package) bool {
	return p.Name == "linux-glibc-devel" || p.Name == "kernel-macros" || strings.HasPrefix(p.Name, "kernel-devel") ||
		strings.HasPrefix(p.Name, "kernel-") && strings.HasSuffix(p.Name, "-devel")
}
