// Package debian supports Debian: stable releases by their number, testing and
// unstable as "sid".
package debian

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
		ID:        ID,
		Name:      "Debian",
		Recognise: recognise,
		Databases: dpkg.Paths(),
		Read:      dpkg.Read,
		Rules:     match.Rules{Kinds: []advisory.Kind{advisory.Source}, Scheme: version.Deb},
		Feeds: []feed.Feed{
			{Name: ID, URL: "https://security-tracker.debian.org/tracker/data/json", Records: Import},
		},
	}
}

// recognise takes a root file system that calls itself Debian. Debian 6 and
// older call themselves nothing; there is debian_version alone.
func recognise(r osrelease.Release) (inventory.OS, bool) {
	if r.ID != ID && (r.ID != "" || r.DebianVersion == "") {
		return inventory.OS{}, false
	}
	os := inventory.OS{Distro: ID, Version: r.VersionID, Pretty: r.Pretty(), Path: cmp.Or(r.Path, osrelease.PathDebian)}
	if r.ID == "" {
		os.Pretty = "Debian " + r.DebianVersion
	}
	stated, file := major(r.VersionID), major(r.DebianVersion)
	switch {
	case r.VersionID != "" && r.DebianVersion != "" && stated != file:
		os.Unclear = fmt.Sprintf("it cannot be told which release of Debian the image is: %s says VERSION_ID=%q, and %s says %q", r.Path, r.VersionID, osrelease.PathDebian, r.DebianVersion)
	case r.VersionID != "":
		os.Release = stated
	case isSid(r.DebianVersion):
		// Testing and unstable state no number, and the same code name.
		os.Release = releaseSid
		os.Note = "Debian testing and unstable cannot be told apart; assessed as unstable"
	case isNumber(file):
		os.Version, os.Release = r.DebianVersion, file
	default:
		os.Unclear = fmt.Sprintf("it cannot be told which release of Debian the image is: there is no VERSION_ID, and %s says %q", osrelease.PathDebian, r.DebianVersion)
	}
	return os, true
}

// major is the release in the number of a point release: 12 of "12.9".
func major(version string) string {
	number, _, _ := strings.Cut(version, ".")
	return number
}

// isSid recognises what debian_version says before a release: "forky/sid".
func isSid(version string) bool {
	codename, ok := strings.CutSuffix(version, "/sid")
	return ok && codename != "" && strings.Trim(codename, "abcdefghijklmnopqrstuvwxyz") == ""
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
