package centos

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
)

const systemCPE = "cpe:/o:centos:"

// recognise takes a root file system that calls itself CentOS. CentOS 6 and
// older call themselves nothing: there is centos-release or redhat-release, or
// system-release-cpe alone in what somebody copied together.
func recognise(r osrelease.Release) (inventory.OS, bool) {
	line, ok := releaseLine(r)
	if r.ID != ID && (r.ID != "" || !ok) {
		return inventory.OS{}, false
	}
	// Only the line has the full number: 7.7.1908.
	os := inventory.OS{
		Distro: ID, Version: cmp.Or(line.Version, r.VersionID), Pretty: r.Pretty(), Path: cmp.Or(r.Path, line.Path),
	}
	if r.ID == "" {
		os.Pretty = line.Text
	}
	release := major(os.Version)
	switch {
	case r.Name == "CentOS Stream" || line.Name == "centos stream":
		os.Unclear = fmt.Sprintf("%s is not supported: its packages run ahead of Red Hat Enterprise Linux, and nobody publishes advisories for it", os.Pretty)
	case release == "" || strings.Trim(release, "0123456789") != "":
		os.Unclear = fmt.Sprintf("it cannot be told which release of CentOS the image is: %s says VERSION_ID=%q, and no other file names it", os.Path, r.VersionID)
	case r.VersionID != "" && major(r.VersionID) != release:
		os.Unclear = fmt.Sprintf("it cannot be told which release of CentOS the image is: %s says VERSION_ID=%q, and %s says %q", r.Path, r.VersionID, line.Path, line.Text)
	default:
		os.Release = release
	}
	return os, true
}

// releaseLine finds the line that names CentOS: the first of the lines, as those
// that come before are of other distributions.
func releaseLine(r osrelease.Release) (osrelease.Line, bool) {
	if len(r.Lines) > 0 {
		line := r.Lines[0]
		if line.Name == "centos" || strings.HasPrefix(line.Name, "centos ") {
			return line, true
		}
		return osrelease.Line{}, false
	}
	// cpe:/o:centos:linux:6:GA, cpe:/o:centos:centos:7
	parts := strings.Split(r.SystemCPE, ":")
	if !strings.HasPrefix(r.SystemCPE, systemCPE) || len(parts) < 5 {
		return osrelease.Line{}, false
	}
	return osrelease.Line{
		Path: osrelease.PathSystemCPE, Text: "CentOS " + parts[4], Name: "centos", Version: parts[4],
	}, true
}

// major is the release in a full number: 7 of "7.7.1908".
func major(version string) string {
	number, _, _ := strings.Cut(version, ".")
	return number
}
