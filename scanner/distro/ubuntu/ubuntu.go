// Package ubuntu supports Ubuntu, by the year and month of the release.
package ubuntu

import (
	"fmt"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/internal/deb"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/pkgdb/dpkg"
	"github.com/example/microscanner-frontend/scanner/version"
)

// ID is the distribution's key in advisory records.
const ID = "ubuntu"

// Distro describes Ubuntu.
func Distro() distro.Distro {
	return distro.Distro{
		ID:        ID,
		Name:      "Ubuntu",
		Recognise: recognise,
		Databases: dpkg.Paths(),
		Reads:     append(dpkg.Reads(), pathStatus, pathSources, pathSourcesDir+"/"),
		Read:      dpkg.Read,
		Inspect:   inspect,
		Rules: match.Rules{
			Kinds: []advisory.Kind{advisory.Source}, Scheme: version.Deb,
			Foreign: deb.Foreign(), Headers: deb.KernelHeaders,
		},
		Lifecycle: lifecycle,
		Feeds:     feeds(),
	}
}

// recognise takes a root file system that calls itself Ubuntu, in os-release or
// in lsb-release. It also has a debian_version, which names the Debian that the
// release was made from.
func recognise(r osrelease.Release) (inventory.OS, bool) {
	if r.ID != ID {
		return inventory.OS{}, false
	}
	os := inventory.OS{Distro: ID, Version: r.VersionID, Pretty: r.Pretty(), Path: r.Path}
	// Point releases are in lsb-release of old images only: "12.04.5".
	parts := strings.SplitN(r.VersionID, ".", 3)
	if number := strings.Join(parts[:min(len(parts), 2)], "."); isNumber(number) {
		os.Release = number
		return os, true
	}
	os.Unclear = fmt.Sprintf("it cannot be told which release of Ubuntu the image is: %s says VERSION_ID=%q", r.Path, r.VersionID)
	return os, true
}
