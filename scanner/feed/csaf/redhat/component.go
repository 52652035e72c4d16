package redhat

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/package-url/packageurl-go"
)

// component is the package that a statement is about.
type component struct {
	name string
	// version is "[epoch:]version-release", empty in statements that hold for
	// any; the epoch is left out if it is 0.
	version string
	// arch is "src" for a source package, and empty where the document does not
	// say which of both it is.
	arch string
	// module is "name:stream"; empty for a package of no module.
	module string
}

// errOther means that a component is no package of rpm: a container image, a
// library of a programming language.
var errOther = errors.New("no package of rpm")

// parseComponent reads a component from its package URL, and what that does not
// state from the product's id.
func parseComponent(id, purl string) (component, error) {
	var c component
	var err error
	if purl == "" {
		c, err = parseID(id)
	} else {
		c, err = parsePURL(purl)
	}
	if err != nil {
		return component{}, err
	}
	if c.module == "" {
		c.module = moduleOfID(id)
	}
	if c.flatpak() || strings.EqualFold(c.name, "other") {
		return component{}, errOther
	}
	return c, nil
}

// flatpak tells the builds for Flatpak: they are in no repository of rpms.
func (c component) flatpak() bool {
	return strings.HasSuffix(c.name, "-flatpak") || strings.HasSuffix(c.module, ":flatpak")
}

// parsePURL reads pkg:rpm/redhat/NAME@VERSION-RELEASE?arch=A&epoch=N&rpmmod=MODULE:STREAM:….
func parsePURL(text string) (component, error) {
	if !strings.HasPrefix(text, "pkg:rpm/") {
		return component{}, errOther
	}
	p, err := packageurl.FromString(text)
	if err != nil {
		return component{}, fmt.Errorf("the package URL %.200q: %w", text, err)
	}
	q := p.Qualifiers.Map()
	c := component{name: p.Name, arch: q["arch"]}
	// A stream in the place of the version is no version: nodejs@rhel8.
	if strings.Contains(p.Version, "-") {
		c.version = withEpoch(q["epoch"], p.Version)
	}
	if label := q["rpmmod"]; label != "" {
		if c.module = stream(label); c.module == "" && !strings.HasSuffix(c.name, "-flatpak") {
			return component{}, fmt.Errorf("the package URL %.200q: rpmmod is not a module and its stream", text)
		}
	}
	return c, nil
}

func withEpoch(epoch, version string) string {
	if epoch = strings.TrimLeft(epoch, "0"); epoch == "" {
		return version
	}
	return epoch + ":" + version
}

// stream is the start of a modularity label: "nodejs:18" of
// "nodejs:18:8090020231019:rhel8". Some documents write nodejs:18/nodejs.
func stream(label string) string {
	name, rest, _ := strings.Cut(label, ":")
	s, _, _ := strings.Cut(rest, ":")
	s, _, _ = strings.Cut(s, "/")
	if name == "" || s == "" {
		return ""
	}
	return name + ":" + s
}

// moduleOfID reads the module that product ids have in front or at the end:
// "nodejs:18/nodejs.src", "nodejs-1:18.9.1-1.x86_64::nodejs:18".
func moduleOfID(id string) string {
	if _, label, ok := strings.Cut(id, "::"); ok {
		return stream(label)
	}
	if label, _, ok := strings.Cut(id, "/"); ok {
		return stream(label)
	}
	return ""
}

// nevra is the id of a component with a version: NAME-EPOCH:VERSION-RELEASE.ARCH.
var nevra = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(.+)-([0-9]+):([^-:/]+-[^-:/]+)\.([a-z0-9_]+)$`)
})

// packageName is what rpms may be called.
var packageName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_.+\-]+$`)
})

// parseID reads the id of a component without a package URL. Most are names:
// "httpd", "httpd.src", "nodejs:18/nodejs".
func parseID(id string) (component, error) {
	id, _, _ = strings.Cut(id, "::")
	if label, rest, ok := strings.Cut(id, "/"); ok && stream(label) != "" {
		id = rest
	}
	if m := nevra().FindStringSubmatch(id); m != nil {
		return component{name: m[1], version: withEpoch(m[2], m[3]), arch: m[4]}, nil
	}
	name, isSource := strings.CutSuffix(id, ".src")
	if !packageName().MatchString(name) {
		return component{}, errOther
	}
	c := component{name: name}
	if isSource {
		c.arch = "src"
	}
	return c, nil
}

// releaseOf reads the major release of RHEL from a version: 8 of
// "1.2-3.el8_6", "1.2-3.module+el8.9.0+123+abc".
func releaseOf(version string) string {
	m := distTag().FindStringSubmatch(version)
	if m == nil {
		return ""
	}
	return m[1]
}

var distTag = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[.+_]el([0-9]+)(?:[_.]([0-9]+))?`)
})

// minorOf reads the minor release of RHEL from the id of a platform,
// "AppStream-8.10.0.Z.MAIN.EUS", "rhel-9.4.0::appstream", or else from a
// version: 6 of "1.2-3.el8_6". It is empty if neither says.
func minorOf(release, platform, version string) string {
	for _, m := range numbers().FindAllStringSubmatch(platform, -1) {
		if m[1] == release {
			return m[2]
		}
	}
	if m := distTag().FindStringSubmatch(version); m != nil && m[1] == release {
		return m[2]
	}
	return ""
}

var numbers = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`-([0-9]+)\.([0-9]+)`)
})

// moduleBuild recognises the version of a module itself and not of a package in
// it, "3.9-8100020240826142629.d47b87a4": a stream, the module's version, and
// its context.
var moduleBuild = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`-[0-9]{16,20}\.[0-9a-f]{8}$`)
})
