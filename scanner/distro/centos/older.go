package centos

import (
	"strings"

	"github.com/example/microscanner-frontend/scanner/version"
)

// older reports whether an installed build of CentOS is older than Red Hat's
// first fixed one. The order of rpm is all where CentOS kept the release of Red
// Hat's package, which it mostly did. Where it changed the package, or built it
// in another way, it wrote other releases, as the advisories of CentOS show:
//
//	Red Hat                    CentOS                       kept
//	38.2.0-4.el6_7             38.2.0-4.el6.centos          all but the minor release
//	2.2.15-15.el6_2.1          2.2.15-15.el6.centos.1       and what follows it
//	2.2.3-11.el5_1.3           2.2.3-11.el5_1.centos.3      even the minor release
//	0.12.1.2-2.355.el6_4.5     0.12.1.2-2.355.0.1.el6.centos.5
//	2.4.6-31.el7               2.4.6-31.el7.centos
//	1.0.1e-42.el7_1.6          1.0.1e-42.el7.6              no mark of CentOS at all
//	1.11.6-7.module+el8.2.0+…  1.11.6-7.module_el8.2.0+…    numbers of the build are its own
//
// So builds of one version, with the same number before ".el7", are compared by
// what follows the minor release. It counts from the first update of that number
// on, in whichever minor release. Without the mark a release may be Red Hat's
// own; then the package is older if either order says so.
func older(installed, fixed string) (bool, error) {
	order, err := version.Rpm.Compare(installed, fixed)
	if err != nil {
		return false, err
	}
	i, f := parseBuild(installed), parseBuild(fixed)
	if i.module && f.module && i.evr == f.evr {
		return false, nil
	}
	if i.dist == "" || i.dist != f.dist || i.minor != "" && !i.marked || f.marked {
		return order < 0, nil
	}
	if i.evr != f.evr && (!i.marked || withoutInsert(i.evr) != f.evr) {
		return order < 0, nil
	}
	if i.minor != "" { // Without the mark, what is left is Red Hat's release.
		i.tail, f.tail = i.minor+i.tail, f.minor+f.tail
	}
	rest, err := version.Rpm.Compare("0"+i.tail, "0"+f.tail)
	return rest < 0 || !i.marked && order < 0, err
}

// build is a version in the parts that CentOS kept or changed.
type build struct {
	evr    string // epoch, version, and release before dist or module
	dist   string // "el7"
	minor  string // "_9", empty without
	tail   string // ".1", empty without
	marked bool   // with ".centos" between them
	module bool
}

func parseBuild(text string) build {
	text = strings.TrimPrefix(text, "0:")
	for _, mark := range []string{".module_el", ".module+el"} {
		if evr, _, ok := strings.Cut(text, mark); ok {
			return build{evr: evr, module: true}
		}
	}
	at := strings.LastIndex(text, ".el")
	if at < 0 {
		return build{evr: text}
	}
	b := build{evr: text[:at]}
	rest := text[at+len("."):]
	end := len("el")
	for end < len(rest) && '0' <= rest[end] && rest[end] <= '9' {
		end++
	}
	if end == len("el") {
		return build{evr: text}
	}
	b.dist, rest = rest[:end], rest[end:]
	if strings.HasPrefix(rest, "_") {
		end := 1
		for end < len(rest) && '0' <= rest[end] && rest[end] <= '9' {
			end++
		}
		b.minor, rest = rest[:end], rest[end:]
	}
	if tail, ok := strings.CutPrefix(rest, ".centos"); ok {
		b.marked = true
		rest = strings.TrimPrefix(strings.TrimPrefix(tail, ".plus"), ".alt")
	}
	b.tail = rest
	return b
}

// withoutInsert takes off the ".0.1" with which CentOS counts its own changes.
func withoutInsert(evr string) string {
	at := strings.LastIndex(evr, ".0.")
	if at < 0 || strings.Trim(evr[at+len(".0."):], "0123456789") != "" {
		return evr
	}
	return evr[:at]
}
