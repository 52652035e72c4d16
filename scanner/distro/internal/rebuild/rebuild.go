// Package rebuild has what AlmaLinux and Rocky Linux share: both build Red Hat
// Enterprise Linux anew, release by release, and publish advisories in the style
// of Red Hat's, with modules, and fixes only.
package rebuild

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
	"github.com/example/microscanner-frontend/scanner/version"
)

// Distro is what tells one rebuild from another. All fields are set.
type Distro struct {
	// ID is the distribution's key in advisory records, Name its name for people.
	ID, Name string
	// ReleaseID is its ID in os-release, LineName its name in lower case in files
	// such as redhat-release.
	ReleaseID, LineName string
	// Vendor is what the rpm tag Vendor of all its packages starts with.
	Vendor string
	// Kinds are the kinds of package names that its advisories use.
	Kinds []advisory.Kind
	// Ends are the last days of support, by release: "2032-05-31".
	Ends map[string]string
	// Feeds are its feeds.
	Feeds []feed.Feed
}

// Describe describes the distribution to the scanner.
func (d Distro) Describe() distro.Distro {
	return distro.Distro{
		ID: d.ID, Name: d.Name,
		Recognise: d.recognise,
		Databases: rpm.Paths(),
		Reads:     rpm.Reads(),
		Read:      rpm.Read,
		Rules: match.Rules{
			Kinds: d.Kinds, Scheme: version.Rpm,
			Foreign: d.foreign, Headers: Headers,
		},
		Lifecycle: d.lifecycle,
		Feeds:     d.Feeds,
	}
}

// recognise takes a root file system that calls itself by the name of the
// distribution, or that has no name but in the distribution's own release file.
func (d Distro) recognise(r osrelease.Release) (inventory.OS, bool) {
	line, hasLine := d.line(r.Lines)
	if r.ID != d.ReleaseID && (r.ID != "" || !hasLine) {
		return inventory.OS{}, false
	}
	os := inventory.OS{
		Distro: d.ID, Version: cmp.Or(r.VersionID, line.Version), Pretty: r.Pretty(), Path: cmp.Or(r.Path, line.Path),
	}
	if r.ID == "" {
		os.Pretty = line.Text
	}
	switch release := major(os.Version); {
	case !isNumber(release):
		os.Unclear = fmt.Sprintf("it cannot be told which release of %s the image is: %s says VERSION_ID=%q, and no other file names it", d.Name, os.Path, r.VersionID)
	case hasLine && major(line.Version) != release:
		os.Unclear = fmt.Sprintf("it cannot be told which release of %s the image is: %s says VERSION_ID=%q, and %s says %q", d.Name, os.Path, r.VersionID, line.Path, line.Text)
	default:
		os.Release = release
	}
	return os, true
}

// line finds the distribution's own line, if the first of all is its.
func (d Distro) line(lines []osrelease.Line) (osrelease.Line, bool) {
	if len(lines) > 0 && lines[0].Name == d.LineName {
		return lines[0], true
	}
	return osrelease.Line{}, false
}

// foreign goes by rpm's Vendor. A package without one may be of anybody, and
// counts as the distribution's.
func (d Distro) foreign(_ *inventory.OS, p *inventory.Package) (vendor string, isForeign bool) {
	return p.Vendor, p.Vendor != "" && !strings.HasPrefix(p.Vendor, d.Vendor)
}

func (d Distro) lifecycle(release string) (distro.Lifecycle, bool) {
	end, err := time.Parse(time.DateOnly, d.Ends[release])
	return distro.Lifecycle{End: end}, err == nil
}

// Headers tells the packages that have only headers of the kernel, or the files
// to build modules for it: kernel-headers, kernel-rt-devel. Those of the
// kernel's tools are libraries.
func Headers(p *inventory.Package) bool {
	parts := strings.Split(p.Name, "-")
	return parts[0] == "kernel" && !slices.Contains(parts, "tools") &&
		slices.Contains([]string{"headers", "devel"}, parts[len(parts)-1])
}

// major is the release in the number of a minor one: 9 of "9.4".
func major(version string) string {
	number, _, _ := strings.Cut(version, ".")
	return number
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
