package rhel

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
)

// recognise takes a root file system that calls itself RHEL. RHEL 6 and older
// call themselves nothing; there is redhat-release alone, which the
// distributions that are made from RHEL carry too, beside a file of their own.
func recognise(r osrelease.Release) (inventory.OS, bool) {
	line, ok := releaseLine(r)
	if r.ID != ID && (r.ID != "" || !ok) {
		return inventory.OS{}, false
	}
	os := inventory.OS{
		Distro: ID, Version: cmp.Or(r.VersionID, line.Version), Pretty: r.Pretty(), Path: cmp.Or(r.Path, line.Path),
	}
	if r.ID == "" {
		os.Pretty = line.Text
	}
	os.Release = major(os.Version)
	switch {
	case edition(r, line) != "":
		os.Unclear = fmt.Sprintf("%s is not supported: it is an image of a whole system with versions of its own, and the advisories for RHEL do not speak of it", edition(r, line))
	case os.Release == "" || strings.Trim(os.Release, "0123456789") != "":
		os.Unclear = fmt.Sprintf("it cannot be told which release of RHEL the image is: %s says VERSION_ID=%q, and no other file names it", os.Path, r.VersionID)
	case line.Version != "" && major(line.Version) != os.Release:
		os.Unclear = fmt.Sprintf("it cannot be told which release of RHEL the image is: %s says VERSION_ID=%q, and %s says %q", r.Path, r.VersionID, line.Path, line.Text)
	}
	if os.Unclear != "" {
		os.Release = ""
		return os, true
	}
	os.CPEs = defaultCPEs(os.Release)
	return os, true
}

// releaseLine finds the line that names RHEL: the first of the lines, as those
// that come before redhat-release are of other distributions. Without any,
// system-release-cpe names it: cpe:/o:redhat:enterprise_linux:8.3:ga.
func releaseLine(r osrelease.Release) (osrelease.Line, bool) {
	if len(r.Lines) > 0 {
		line := r.Lines[0]
		if strings.HasPrefix(line.Name, lineName) {
			return line, true
		}
		return osrelease.Line{}, false
	}
	version, ok := strings.CutPrefix(r.SystemCPE, "cpe:/o:redhat:enterprise_linux:")
	if !ok {
		return osrelease.Line{}, false
	}
	version, _, _ = strings.Cut(version, ":")
	return osrelease.Line{
		Path: osrelease.PathSystemCPE, Text: "Red Hat Enterprise Linux " + version, Name: lineName, Version: version,
	}, true
}

// lineName is what the names in redhat-release start with: "red hat enterprise
// linux server".
const lineName = "red hat enterprise linux"

// edition names the editions of RHEL that are images of a whole system.
func edition(r osrelease.Release, line osrelease.Line) string {
	switch {
	case r.VariantID == "coreos", strings.Contains(line.Name, "coreos"):
		return "RHEL CoreOS"
	case r.VariantID == "atomic.host", strings.Contains(line.Name, "atomic host"):
		return "RHEL Atomic Host"
	}
	return ""
}
