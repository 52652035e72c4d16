package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/example/microscanner-frontend/scanner/version"
)

// packageManager is the start of a shell command that upgrades packages, whose
// names follow; empty if there is no such command. It states no versions: those
// of advisories are versions of source packages, which binaries need not have,
// and repositories keep only the newest.
type packageManager string

const (
	aptGet   packageManager = "apt-get update && apt-get install -y --only-upgrade"
	apk      packageManager = "apk add --no-cache --upgrade"
	dnf      packageManager = "dnf upgrade -y"
	yum      packageManager = "yum update -y"
	microdnf packageManager = "microdnf update -y"
	tdnf     packageManager = "tdnf update -y"
	zypper   packageManager = "zypper --non-interactive update"
)

// packageManager tells the package manager of an image.
func (r *Report) packageManager() packageManager {
	for i := range r.Resources {
		p := &r.Resources[i].Resource
		switch version.Scheme(p.Format) {
		case version.Apk:
			return apk
		case version.Rpm:
			return r.rpmManager()
		case version.Deb:
			// A distroless image has a file for each package, and no apt-get.
			if !slices.ContainsFunc(p.Paths, func(path string) bool { return strings.HasPrefix(path, "var/lib/dpkg/status.d/") }) {
				return aptGet
			}
		}
	}
	return ""
}

// rpmManager goes by the distribution and its release, and by the packages that
// are in the report.
func (r *Report) rpmManager() packageManager {
	has := func(name string) bool {
		return slices.ContainsFunc(r.Resources, func(res Resource) bool { return res.Resource.Name == name })
	}
	major, _, _ := strings.Cut(r.Version, ".")
	release, err := strconv.Atoi(major)
	switch {
	case r.OS == "suse":
		return zypper
	case r.OS == "azurelinux":
		return tdnf
	case has("microdnf") && !has("dnf"):
		return microdnf
	case err == nil && release <= 7: // Red Hat Enterprise Linux 7 and its rebuilds, Amazon Linux 2
		return yum
	}
	return dnf
}

// isPackageName reports whether a name can stand in a command as it is. Package
// databases are data of the image: a name must neither reach the shell as
// anything but a word, nor the package manager as an option or an operator.
// Names of packages have no other characters.
func isPackageName(name string) bool {
	const special = "+._-"
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && (i == 0 || !strings.Contains(special, string(c))) {
			return false
		}
	}
	return name != "" && !strings.HasSuffix(name, "-") // "apt-get install x-" removes x
}
