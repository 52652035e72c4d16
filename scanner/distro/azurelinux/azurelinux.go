// Package azurelinux supports Azure Linux, which was called CBL-Mariner before
// version 3.0.
package azurelinux

import (
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
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
const ID = "azurelinux"

// Distro describes Azure Linux.
func Distro() distro.Distro {
	return distro.Distro{
		ID:        ID,
		Name:      "Azure Linux",
		Recognise: recognise,
		Databases: rpm.Paths(),
		Reads:     rpm.Reads(),
		Read:      rpm.Read,
		Rules: match.Rules{
			Kinds: []advisory.Kind{advisory.Source}, Scheme: version.Rpm,
			Foreign: foreign, Older: older, Headers: rebuild.Headers,
		},
		Lifecycle: lifecycle,
		Feeds: []feed.Feed{
			{Name: ID, URL: "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/", Records: Import},
		},
	}
}

// recognise takes the root file systems of both names. VERSION_ID is the
// release: "2.0".
func recognise(r osrelease.Release) (inventory.OS, bool) {
	if !slices.Contains([]string{"azurelinux", "mariner"}, r.ID) {
		return inventory.OS{}, false
	}
	os := inventory.OS{Distro: ID, Release: r.VersionID, Version: r.VersionID, Pretty: r.Pretty(), Path: r.Path}
	if r.VersionID == "" || strings.Trim(r.VersionID, "0123456789.") != "" {
		os.Release = ""
		os.Unclear = "it cannot be told which release of Azure Linux the image is: VERSION_ID states no number"
	}
	return os, true
}

func foreign(_ *inventory.OS, p *inventory.Package) (string, bool) {
	return p.Vendor, p.Vendor != "" && !strings.HasPrefix(p.Vendor, "Microsoft")
}

// older compares without the installed epoch if the fixed version has none:
// Microsoft writes the epoch 0 for every package. Its statements are on source
// packages, of which rpm keeps no epoch either.
func older(installed, fixed string) (bool, error) {
	if epoch, rest, ok := strings.Cut(installed, ":"); ok && !strings.Contains(fixed, ":") && strings.Trim(epoch, "0123456789") == "" {
		installed = rest
	}
	order, err := version.Rpm.Compare(installed, fixed)
	return order < 0, err
}

// lifecycle has the ends of support of the releases
// (https://learn.microsoft.com/azure/aks/support-policies). That of 3.0 has no
// date yet.
func lifecycle(release string) (distro.Lifecycle, bool) {
	ends := map[string]time.Time{
		"1.0": time.Date(2023, time.July, 31, 0, 0, 0, 0, time.UTC),
		"2.0": time.Date(2025, time.July, 31, 0, 0, 0, 0, time.UTC),
		"3.0": {},
	}
	end, ok := ends[release]
	return distro.Lifecycle{End: end}, ok
}
