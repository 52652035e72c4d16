// Package debian supports Debian: stable releases by their number, testing and
// unstable as "sid".
package debian

import (
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/pkgdb/dpkg"
	"github.com/example/microscanner-frontend/scanner/version"
)

// ID is the distribution's key in advisory records.
const ID = "debian"

// releaseSid is the release key of testing and unstable.
const releaseSid = "sid"

// Distro describes Debian.
func Distro() distro.Distro {
	return distro.Distro{
		ID:         ID,
		Name:       "Debian",
		Recognise:  recognise,
		Databases:  dpkg.Paths(),
		Read:       dpkg.Read,
		Versions:   version.Deb,
		Advisories: advisory.Source,
		Import:     Import,
	}
}

// recognise takes a root file system that calls itself Debian. Debian 6 and
// older call themselves nothing; there is debian_version alone.
func recognise(r osrelease.Release) (inventory.OS, bool) {
	if r.ID != ID && (r.ID != "" || r.DebianVersion == "") {
		return inventory.OS{}, false
	}
	os := inventory.OS{Distro: ID, Version: r.VersionID, Pretty: r.Pretty()}
	number := r.VersionID
	if number == "" && !strings.HasSuffix(r.DebianVersion, "/sid") {
		number = r.DebianVersion
		os.Version = number
	}
	if r.ID == "" {
		os.Pretty = "Debian " + r.DebianVersion
	}
	// Testing and unstable state no number, and the same code name.
	if number == "" {
		os.Release = releaseSid
		os.Note = "Debian testing and unstable cannot be told apart; assessed as unstable"
		return os, true
	}
	os.Release, _, _ = strings.Cut(number, ".")
	return os, true
}
