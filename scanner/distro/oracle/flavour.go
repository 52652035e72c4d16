package oracle

import "strings"

// flavour is a family of builds. The families share the names of packages, and
// raise the epoch so that rpm does not replace one by another: a normal build
// is older than every other, whatever it has fixed. Only builds of one flavour
// can be compared.
type flavour string

const (
	normal flavour = ""
	// ksplice are libraries that Ksplice can patch while they run: a part of the
	// release starts with that word, "2:2.17-326.0.6.ksplice1.el7_9".
	ksplice flavour = "ksplice"
	// fips are validated by FIPS 140: the release ends in "_fips",
	// "10:3.6.16-7.0.1.el8_9_fips".
	fips flavour = "fips"
)

// flavourOf tells a build's flavour from its version.
func flavourOf(version string) flavour {
	release := version[strings.LastIndexByte(version, '-')+1:]
	if strings.HasSuffix(release, "_fips") {
		return fips
	}
	for part := range strings.SplitSeq(release, ".") {
		if strings.HasPrefix(part, "ksplice") {
			return ksplice
		}
	}
	return normal
}

// product is the CPE by which records on a flavour are kept apart; empty for
// normal builds. The edition "ksplice" or "fips" is ours, Oracle has none: without
// it the making of the database would take the fixes of two flavours for those
// of one package, and keep only the one with the raised epoch.
func (f flavour) product(major string) string {
	if f == normal {
		return ""
	}
	return release(major) + "::" + string(f)
}

// products are the CPEs of a release: packages of all flavours can be installed.
func products(major string) []string {
	return []string{release(major), ksplice.product(major), fips.product(major)}
}

// release is the CPE of a release.
func release(major string) string { return "cpe:/o:oracle:linux:" + major }
