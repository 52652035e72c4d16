// Package debian supports Debian: stable releases by their number, testing and
// unstable as "sid"; and Raspbian as far as Debian's advisories go.
package debian

import (
	"cmp"
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
const ID = "debian"

// releaseSid is the release key of testing and unstable.
const releaseSid = "sid"

// idRaspbian is what the port to the Raspberry Pi calls itself.
const idRaspbian = "raspbian"

// Distro describes Debian.
func Distro() distro.Distro {
	return distro.Distro{
		ID:        ID,
		Name:      "Debian",
		Recognise: recognise,
		Databases: dpkg.Paths(),
		Reads:     dpkg.Reads(),
		Read:      dpkg.Read,
		Rules: match.Rules{
			Kinds: []advisory.Kind{advisory.Source}, Scheme: version.Deb,
			Foreign: deb.Foreign(), Headers: deb.KernelHeaders,
		},
		Lifecycle: lifecycle,
		Feeds:     feeds(),
	}
}

// recognise takes a root file system that calls itself Debian, or Raspbian.
// Debian 6 and older call themselves nothing; there is debian_version alone.
func recognise(r osrelease.Release) (inventory.OS, bool) {
	switch {
	case r.ID == ID, r.ID == idRaspbian, r.ID == "" && r.DebianVersion != "":
	default:
		return inventory.OS{}, false
	}
	os := inventory.OS{Distro: ID, Version: r.VersionID, Pretty: r.Pretty(), Path: cmp.Or(r.Path, osrelease.PathDebian)}
	if r.ID == "" {
		os.Pretty = "Debian " + r.DebianVersion
	}
	setRelease(&os, r)
	if r.ID == idRaspbian && os.Unclear == "" {
		os.Note = strings.TrimSuffix("Raspbian builds Debian's packages anew, some with changes of its own (+rpi1); Debian's advisories are applied as a best effort; "+os.Note, "; ")
	}
	return os, true
}

// setRelease tells the release.
func setRelease(os *inventory.OS, r osrelease.Release) {
	stated, file := major(r.VersionID), major(r.DebianVersion)
	snapshot := cmp.Or(r.DebianVersion, lastWord(r.PrettyName))
	switch {
	case r.VersionID != "" && r.DebianVersion != "" && stated != file:
		os.Unclear = fmt.Sprintf("it cannot be told which release of Debian the image is: %s says VERSION_ID=%q, and %s says %q", r.Path, r.VersionID, osrelease.PathDebian, r.DebianVersion)
	case r.VersionID != "":
		os.Release = stated
	case isSid(snapshot):
		os.Release, os.Note = releaseSid, noteOfSid(snapshot)
	case isNumber(file):
		os.Version, os.Release = r.DebianVersion, file
	default:
		os.Unclear = fmt.Sprintf("it cannot be told which release of Debian the image is: there is no VERSION_ID, and %s says %q", osrelease.PathDebian, r.DebianVersion)
	}
}

// noteOfSid says what is doubtful of an image that calls itself "forky/sid":
// testing and unstable state no number, and the same code name. If that is the
// name of a release by now, the image is a snapshot from before it.
func noteOfSid(snapshot string) string {
	codename := strings.TrimSuffix(snapshot, "/sid")
	for _, r := range releases() {
		if r.codename == codename && r.end != "" {
			return fmt.Sprintf("this is testing or unstable from before the release of Debian %s (%s); assessed as unstable", r.number, codename)
		}
	}
	return "Debian testing and unstable cannot be told apart; assessed as unstable"
}

func lastWord(s string) string { return s[strings.LastIndexByte(s, ' ')+1:] }

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
