// Package alpine supports Alpine Linux: releases by their first two numbers,
// development snapshots as "edge".
package alpine

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/pkgdb/apk"
	"github.com/example/microscanner-frontend/scanner/version"
)

// ID is the distribution's key in advisory records.
const ID = "alpine"

// releaseEdge is the release key of development snapshots.
const releaseEdge = "edge"

// Distro describes Alpine Linux.
func Distro() distro.Distro {
	return distro.Distro{
		ID:        ID,
		Name:      "Alpine",
		Recognise: recognise,
		Databases: apk.Paths(),
		Reads:     []string{pathRepositories},
		Read:      apk.Read,
		Inspect:   inspect,
		Rules: match.Rules{
			Kinds: []advisory.Kind{advisory.Source}, Scheme: version.Apk,
			Foreign: foreign, Headers: headers,
		},
		Lifecycle: lifecycle,
		Feeds: []feed.Feed{
			{Name: ID, URL: "https://secdb.alpinelinux.org", Records: Import},
		},
	}
}

// recognise takes a root file system that calls itself Alpine, or that has no
// name but Alpine's own release file.
func recognise(r osrelease.Release) (inventory.OS, bool) {
	if r.ID != ID && (r.ID != "" || r.AlpineRelease == "") {
		return inventory.OS{}, false
	}
	os := inventory.OS{
		Distro: ID, Version: cmp.Or(r.VersionID, r.AlpineRelease), Pretty: r.Pretty(),
		Path: cmp.Or(r.Path, osrelease.PathAlpine),
	}
	if r.ID == "" {
		os.Pretty = "Alpine " + os.Version
	}
	switch {
	case os.Version == "":
		os.Unclear = fmt.Sprintf("it cannot be told which release of Alpine the image is: there is no VERSION_ID, and no %s", osrelease.PathAlpine)
	case r.AlpineRelease != "" && releaseOf(r.AlpineRelease) != releaseOf(os.Version):
		os.Unclear = fmt.Sprintf("it cannot be told which release of Alpine the image is: %s says VERSION_ID=%q, and %s says %q", r.Path, r.VersionID, osrelease.PathAlpine, r.AlpineRelease)
	default:
		os.Release = releaseOf(os.Version)
	}
	return os, true
}

// releaseOf takes the first two numbers of "3.20.3" or "3.10.0_rc4". What comes
// before a release, "3.24.0_alpha20251224", is edge.
func releaseOf(version string) string {
	if strings.Contains(version, "_alpha") || strings.Contains(version, "_git") {
		return releaseEdge
	}
	number, _, _ := strings.Cut(version, "_")
	parts := strings.SplitN(number, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}
