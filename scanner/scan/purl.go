package scan

import (
	"cmp"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/example/microscanner-frontend/scanner/inventory"
)

// splitEpoch takes the epoch off the version of a package. apk has none.
func splitEpoch(format inventory.Format, version string) (epoch, rest string) {
	if epoch, rest, ok := strings.Cut(version, ":"); ok && format != inventory.FormatApk {
		return epoch, rest
	}
	return "", version
}

// purl is the package's URL (https://github.com/package-url/purl-spec):
// "pkg:deb/debian/apt@2.6.1?arch=amd64&distro=debian-12". That of an rpm has the
// epoch, and the module, beside the version.
func purl(os *inventory.OS, p *inventory.Package) packageurl.PackageURL {
	return newPURL(os, p, p.Name, p.Version, p.Arch)
}

// sourcePURL is the URL of a package's source package.
func sourcePURL(os *inventory.OS, p *inventory.Package) packageurl.PackageURL {
	arch := map[inventory.Format]string{inventory.FormatDpkg: "source", inventory.FormatRpm: "src"}[p.Format]
	return newPURL(os, p, p.SourceName, p.SourceVersion, arch)
}

func newPURL(os *inventory.OS, p *inventory.Package, name, version, arch string) packageurl.PackageURL {
	qualifiers := packageurl.Qualifiers{{Key: "distro", Value: strings.TrimSuffix(os.Distro+"-"+cmp.Or(os.Version, os.Release), "-")}}
	add := func(key, value string) {
		if value != "" {
			qualifiers = append(qualifiers, packageurl.Qualifier{Key: key, Value: value})
		}
	}
	add("arch", arch)
	if p.Format == inventory.FormatRpm {
		var epoch string
		epoch, version = splitEpoch(p.Format, version)
		add("epoch", epoch)
		add("rpmmod", p.Module)
	}
	return *packageurl.NewPackageURL(string(p.Format), os.Distro, name, version, qualifiers, "")
}

// comparablePURLs are the URLs of a package and of its source package, in the form
// that parsing gives. What no URL can be made of has none.
func comparablePURLs(os *inventory.OS, p *inventory.Package) []packageurl.PackageURL {
	out := make([]packageurl.PackageURL, 0, 2)
	for _, u := range []packageurl.PackageURL{purl(os, p), sourcePURL(os, p)} {
		if u.Normalize() == nil {
			u.Namespace = purlNamespace(u.Namespace)
			out = append(out, u)
		}
	}
	return out
}

// purlNamespace is a namespace as it is compared: Red Hat's own documents say
// "redhat", where programs that go by os-release say "rhel".
func purlNamespace(ns string) string {
	if ns == "redhat" {
		return "rhel"
	}
	return ns
}

// purlMatches reports whether a package is what a URL states: type, namespace
// and name are equal, and so are the version and the qualifiers that are stated.
func purlMatches(stated, is *packageurl.PackageURL) bool {
	if stated.Type != is.Type || stated.Namespace != is.Namespace || stated.Name != is.Name || stated.Subpath != "" ||
		stated.Version != "" && stated.Version != is.Version {
		return false
	}
	for _, q := range stated.Qualifiers {
		if value, ok := qualifier(is, q.Key); !ok || value != q.Value {
			return false
		}
	}
	return true
}

func qualifier(p *packageurl.PackageURL, key string) (string, bool) {
	for _, q := range p.Qualifiers {
		if q.Key == key {
			return q.Value, true
		}
	}
	return "", false
}
