// Package amazon supports Amazon Linux: the releases 1 (the AMI of 2018.03 and
// before), 2, 2022 and 2023.
package amazon

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

// ID is the distribution's key in advisory records.
const ID = "amazon"

// releaseID is the distribution's ID in os-release.
const releaseID = "amzn"

// Distro describes Amazon Linux.
func Distro() distro.Distro {
	return distro.Distro{
		ID:        ID,
		Name:      "Amazon Linux",
		Recognise: recognise,
		Databases: rpm.Paths(),
		Reads:     rpm.Reads(),
		Read:      rpm.Read,
		Rules: match.Rules{
			Kinds: []advisory.Kind{advisory.Binary}, Scheme: version.Rpm,
			Foreign: foreign, Applies: applies, Headers: headers,
		},
		Lifecycle: lifecycle,
		Feeds: []feed.Feed{
			{Name: ID, URL: "https://cdn.amazonlinux.com", Records: Import},
			// The AMI's repository is on other hosts, the preview's was taken away.
			{Name: ID + "-1", Records: importRelease("1")},
			{Name: ID + "-2022", Records: importRelease("2022")},
		},
	}
}

// recognise takes a root file system that calls itself Amazon Linux, or that
// has no name but in system-release.
func recognise(r osrelease.Release) (inventory.OS, bool) {
	line, stated := systemRelease(r.Lines)
	if r.ID != releaseID && (r.ID != "" || line.Path == "") {
		return inventory.OS{}, false
	}
	os := inventory.OS{
		Distro: ID, Version: cmp.Or(r.VersionID, stated), Pretty: r.Pretty(), Path: cmp.Or(r.Path, line.Path),
	}
	if r.ID == "" {
		os.Pretty = line.Text
	}
	release := releaseOf(os.Version)
	switch {
	case release == "":
		os.Unclear = fmt.Sprintf("it cannot be told which release of Amazon Linux the image is: %s says VERSION_ID=%q", os.Path, r.VersionID)
	case stated != "" && releaseOf(stated) != release:
		os.Unclear = fmt.Sprintf("it cannot be told which release of Amazon Linux the image is: %s says VERSION_ID=%q, and %s says %q", os.Path, r.VersionID, line.Path, line.Text)
	default:
		os.Release = release
	}
	if os.Release == "2" {
		os.CPEs = []string{cpeExtras}
	}
	return os, true
}

// systemRelease finds the line that names Amazon Linux, if it is the first of
// all, with the number in it: "Amazon Linux AMI release 2018.03", "Amazon Linux
// release 2023.3.20240108 (Amazon Linux)", "Amazon Linux 2".
func systemRelease(lines []osrelease.Line) (line osrelease.Line, number string) {
	if len(lines) == 0 || !strings.HasPrefix(strings.ToLower(lines[0].Text), "amazon linux") {
		return osrelease.Line{}, ""
	}
	for word := range strings.FieldsSeq(lines[0].Text) {
		if releaseOf(word) != "" {
			return lines[0], word
		}
	}
	return lines[0], ""
}

// releaseOf is the release in a version: "1" of "2018.03", the year and month of
// the last AMI, "2023" of "2023.3.20240108". It is empty if there is none.
func releaseOf(version string) string {
	number, _, _ := strings.Cut(version, ".")
	switch {
	case number == "" || strings.Trim(number, "0123456789") != "":
		return ""
	case len(number) == 4 && number < "2022":
		return "1"
	}
	return number
}

// foreign goes by rpm's Vendor. Many of Amazon's packages have none, and are
// told by their release: "1.amzn2".
func foreign(_ *inventory.OS, p *inventory.Package) (vendor string, isForeign bool) {
	switch {
	case strings.HasPrefix(p.Vendor, "Amazon"):
		return "", false
	case p.Vendor == "":
		return "an unknown vendor", !strings.Contains(p.Version, "amzn")
	}
	return p.Vendor, true
}

// headers tells the packages that have only headers of the kernel, or the files
// to build modules for it: kernel-headers, kernel6.12-devel. Those of the
// kernel's tools are libraries.
func headers(p *inventory.Package) bool {
	parts := strings.Split(p.Name, "-")
	return len(parts) > 1 && strings.HasPrefix(parts[0], "kernel") && !slices.Contains(parts, "tools") &&
		slices.Contains([]string{"headers", "devel"}, parts[len(parts)-1])
}

// lifecycle tells the last day of security updates
// (https://docs.aws.amazon.com/linux/al2023/release-notes/support-info-by-support-statement.html,
// https://aws.amazon.com/amazon-linux-2/faqs/). 2022 was a preview, that ended
// when 2023 was released.
func lifecycle(release string) (distro.Lifecycle, bool) {
	end, err := time.Parse(time.DateOnly, map[string]string{
		"1": "2023-12-31", "2": "2026-06-30", "2022": "2023-03-15", "2023": "2029-06-30",
	}[release])
	return distro.Lifecycle{End: end}, err == nil
}
