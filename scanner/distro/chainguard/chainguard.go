// Package chainguard supports Chainguard, a rolling distribution: its advisories are
// for all its releases.
package chainguard

import (
	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/secdb"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/pkgdb/apk"
	"github.com/example/microscanner-frontend/scanner/version"
)

// ID is the distribution's key in advisory records.
const ID = "chainguard"

// repository is what the distribution's secdb calls the repository that it is
// about.
const repository = "chainguard"

// Distro describes Chainguard. It tells no package as foreign: apk records no
// vendor, and the maintainer that packages state is often empty.
func Distro() distro.Distro {
	return distro.Distro{
		ID:        ID,
		Name:      "Chainguard",
		Recognise: recognise,
		Databases: apk.Paths(),
		Read:      apk.Read,
		Rules:     match.Rules{Kinds: []advisory.Kind{advisory.Source}, Scheme: version.Apk},
		Feeds: []feed.Feed{
			{Name: ID, URL: "https://packages.cgr.dev/chainguard/security.json", Records: secdb.Rolling(ID, repository)},
		},
	}
}

// recognise goes by the ID alone. VERSION_ID is the version of a package, and
// says nothing of the others.
func recognise(r osrelease.Release) (inventory.OS, bool) {
	if r.ID != ID {
		return inventory.OS{}, false
	}
	return inventory.OS{Distro: ID, Version: r.VersionID, Pretty: r.Pretty(), Path: r.Path}, true
}
