package match

import (
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/inventory"
)

// applies reports whether an advisory on a package of that name speaks of p.
func (m *matching) applies(a *db.Advisory, p *inventory.Package) bool {
	return appliesToArch(a.Arches, p.Arch) &&
		a.Module == p.Stream() &&
		appliesToProduct(a.CPEs, m.inv.OS.CPEs) &&
		(m.rules.Applies == nil || m.rules.Applies(p, a))
}

// appliesToArch looks for a package's architecture. A package for every
// architecture, or for one that is not known, has all.
func appliesToArch(arches []string, arch string) bool {
	switch arch {
	case "", "all", "noarch":
		return true
	}
	return len(arches) == 0 || slices.Contains(arches, arch)
}

// appliesToProduct reports whether one of the products of an advisory is one of
// the image's, or has it as a part: a statement on
// "cpe:/o:redhat:enterprise_linux:9" holds for
// "cpe:/o:redhat:enterprise_linux:9::baseos". It is not so the other way: a
// statement on AppStream does not hold for an image that is known only to be of
// version 9. The products of an image are therefore always its repositories.
func appliesToProduct(advisory, image []string) bool {
	if len(advisory) == 0 {
		return true
	}
	for _, product := range advisory {
		for _, cpe := range image {
			if rest, ok := strings.CutPrefix(cpe, product); ok && (rest == "" || rest[0] == ':') {
				return true
			}
		}
	}
	return false
}

// hasUnknownStream tells a package that was built in a module, by its release,
// but does not say in which stream. The release does not name it.
func hasUnknownStream(p *inventory.Package) bool {
	if p.Module != "" {
		return p.Stream() == ""
	}
	return p.Format == inventory.FormatRpm && (strings.Contains(p.Version, ".module_el") || strings.Contains(p.Version, ".module+el"))
}

// source names a source package.
type source struct{ name, version string }

// sourceEpochs finds the epochs of source packages: rpm's header does not name
// it, but a binary package with the version of its source has its epoch too.
func sourceEpochs(packages []inventory.Package) map[source]string {
	epochs := map[source]string{}
	for i := range packages {
		p := &packages[i]
		epoch, rest := cutEpoch(p.Version)
		if epoch != "" && rest == p.SourceVersion {
			epochs[source{p.SourceName, p.SourceVersion}] = epoch
		}
	}
	return epochs
}

// withEpoch is the version of an rpm's source package with its epoch. A package
// with another version than its source's mostly has the source's epoch all the
// same, if no other package of the source says which that is.
func withEpoch(p *inventory.Package, epochs map[source]string) string {
	epoch, rest := cutEpoch(p.Version)
	if known, ok := epochs[source{p.SourceName, p.SourceVersion}]; ok && rest != p.SourceVersion {
		epoch = known
	}
	if epoch == "" || strings.Contains(p.SourceVersion, ":") {
		return p.SourceVersion
	}
	return epoch + ":" + p.SourceVersion
}

func cutEpoch(version string) (epoch, rest string) {
	if epoch, rest, ok := strings.Cut(version, ":"); ok {
		return epoch, rest
	}
	return "", version
}
