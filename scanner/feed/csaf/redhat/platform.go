package redhat

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Streams of Red Hat Enterprise Linux. Every other one is the product and the
// version of a CPE: "rhel_eus:9.2".
const (
	// StreamBase is the product itself, whose minor releases follow each other.
	StreamBase = "base"
	// StreamExtras are the packages beside RHEL 6 and 7 that everybody gets.
	StreamExtras = "extras"
	// StreamELS is what those get who pay after the end of a release.
	StreamELS = "els"
)

// Platform is the product that a statement is about.
type Platform struct {
	// Release is the major release of RHEL that its packages are for; empty if
	// the CPE does not tell.
	Release string
	// Stream tells apart products with fixes of their own.
	Stream string
	// RHEL is set for all streams of RHEL; not for layered products.
	RHEL bool
	// CPEs are those by which an image says that it has the product.
	CPEs []string

	minor string // release of the base product, if the CPE says: "1" of 10.1
}

// The CPE 2.2 URIs of Red Hat (https://redhatproductsecurity.github.io/security-data-guidelines/cpe/):
// cpe:/o:redhat:enterprise_linux:9::baseos, cpe:/a:redhat:openshift:4.16::el9.
var cpeForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^cpe:/([ao]):redhat:([a-z0-9_.\-]+):([0-9][0-9a-z_.\-]*)?(?::[^:]*)?(?::([a-z0-9_.\-]*))?$`)
})

// isService tells the products that are updates for a minor release of RHEL
// after the next one came out. RHEL 10 has other names for them,
// enterprise_linux_eus in documents and enterprise_linux_e2s in repositories.
func isService(product string) bool {
	return slices.Contains([]string{
		"rhel_eus", "rhel_aus", "rhel_e4s", "rhel_tus", "rhel_eus_long_life", "rhel_mission_critical",
		"enterprise_linux_eus", "enterprise_linux_e2s",
	}, product)
}

// parsePlatform reads a CPE; false if it is none of Red Hat's.
func parsePlatform(cpe string) (Platform, bool) {
	m := cpeForm().FindStringSubmatch(cpe)
	if m == nil {
		return Platform{}, false
	}
	product, version, edition := m[2], m[3], m[4]
	major, minor, _ := strings.Cut(version, ".")
	switch {
	case product == "enterprise_linux" && ownBuilds(edition):
		return Platform{Release: major, Stream: product + ":" + major + "::" + edition, RHEL: true, CPEs: []string{cpe}}, true
	case product == "enterprise_linux":
		p := rhel(major, StreamBase, product+":"+major)
		p.minor = minor
		return p, true
	case strings.HasPrefix(product, "rhel_extras"):
		p := rhel(major, StreamExtras, "rhel_extras:"+major)
		p.CPEs = append(p.CPEs, cpePair("rhel_extras_other:"+major)...)
		return p, true
	case product == "rhel_els":
		return rhel(major, StreamELS, product+":"+major), true
	case strings.HasPrefix(product, "enterprise_linux_e"):
		p := rhel(major, "rhel_eus:"+version, "enterprise_linux_eus:"+version)
		p.CPEs = append(p.CPEs, cpePair("enterprise_linux_e2s:"+version)...)
		return p, true
	case isService(product):
		return rhel(major, product+":"+version, product+":"+version), true
	}
	release, _ := strings.CutPrefix(edition, "el")
	if release == edition || strings.Trim(release, digits) != "" {
		release = ""
	}
	return Platform{Release: release, Stream: product + ":" + version, CPEs: []string{cpe}}, true
}

const digits = "0123456789"

// ownBuilds tells the repositories of RHEL whose packages are not those of the
// others, although their names may be.
func ownBuilds(repository string) bool {
	return repository == "fastdatapath" || strings.HasPrefix(repository, "hypervisor")
}

// rhel is a stream of RHEL. Documents name its repositories, of which each has
// the same build of a package, and give them the one or the other part ("a",
// "o"); so the CPEs are those of all its repositories.
func rhel(release, stream, product string) Platform {
	return Platform{Release: release, Stream: stream, RHEL: true, CPEs: cpePair(product)}
}

func cpePair(product string) []string {
	return []string{"cpe:/a:redhat:" + product, "cpe:/o:redhat:" + product}
}

// minorCPE names a minor release of the base product: the packages that were
// updated before the next one came out.
func minorCPE(release, minor string) string {
	return "cpe:/o:redhat:enterprise_linux:" + release + "." + minor
}

// maxMinor is the last minor release that a release of RHEL may have.
const maxMinor = 20

// RepositoryCPEs adds to the CPEs of a repository those by which the records of
// this package find it.
//
// A repository of updates for the minor release 9.4 has what the base product
// had up to then, and what Extended Update Support fixed in it; the documents
// say neither of these fixes twice. Of the base product, a repository is told by
// the major release up to RHEL 9, and by all its minor releases in RHEL 10.
func RepositoryCPEs(cpes []string) []string {
	out := slices.Clone(cpes)
	service := false
	for _, cpe := range cpes {
		m := cpeForm().FindStringSubmatch(cpe)
		if m == nil || !isService(m[2]) {
			continue
		}
		service = true
		major, minor, _ := strings.Cut(m[3], ".")
		last, err := strconv.Atoi(minor)
		if err != nil || last > maxMinor {
			continue
		}
		for n := range last + 1 {
			out = append(out, minorCPE(major, strconv.Itoa(n)))
		}
		out = append(out, "cpe:/o:redhat:rhel_eus:"+m[3])
	}
	for _, cpe := range cpes {
		if m := cpeForm().FindStringSubmatch(cpe); m != nil && !service && m[2] == "enterprise_linux" && !ownBuilds(m[4]) {
			major, _, _ := strings.Cut(m[3], ".")
			out = append(out, "cpe:/o:redhat:enterprise_linux:"+major)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
