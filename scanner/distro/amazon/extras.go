package amazon

import (
	"regexp"
	"strings"
	"sync"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/inventory"
)

// cpeExtras is the CPE of Amazon Linux 2. Its extras are topics such as docker
// and kernel-5.15, each a repository with advisories of its own, and with
// packages that may have the names of other topics' and of the core's. A
// package does not say which repository it came from. Therefore a record of a
// topic carries, beside this CPE, one that is made up here, and keeps the
// records of topics apart:
//
//	cpe:/o:amazon:linux:2::extras-kernel-5.15:5.15
//
// The last part is the line of versions that the record is for; it is missing
// where the record is for all.
const cpeExtras = "cpe:/o:amazon:linux:2"

// cpesOf gives the CPEs of a record of a topic.
func cpesOf(topic, line string) []string {
	cpe := cpeExtras + "::extras-" + topic
	if line != "" {
		cpe += ":" + line
	}
	return []string{cpeExtras, cpe}
}

// applies reports whether a package can have come from the topic that an
// advisory is of: whether it is of the same line of versions.
func applies(p *inventory.Package, a *db.Advisory) bool {
	for _, cpe := range a.CPEs {
		if topic, ok := strings.CutPrefix(cpe, cpeExtras+"::extras-"); ok {
			_, line, _ := strings.Cut(topic, ":")
			return line == "" || lineOf(p.Version, strings.Count(line, ".")+1) == line
		}
	}
	return true
}

// topicNumber is the number at the end of a topic's name: 5.15 of kernel-5.15,
// 7.4 of php7.4.
var topicNumber = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[0-9]+(\.[0-9]+)*$`) })

// lineFor gives the line of versions that a topic's fix is for. Where the
// topic's name has a number, and the fix is of that line, it is the number;
// else, where the core has a package of that name too, it is the first two
// numbers of the version; and else it is all.
func lineFor(topic, fixed string, inCore bool) string {
	number := topicNumber().FindString(topic)
	switch {
	case number != "" && lineOf(fixed, strings.Count(number, ".")+1) == number:
		return number
	case inCore:
		return lineOf(fixed, 2)
	}
	return ""
}

// lineOf is the first n numbers of a version: 5.15 of 1:5.15.43-20.amzn2.
func lineOf(version string, n int) string {
	if _, rest, ok := strings.Cut(version, ":"); ok {
		version = rest
	}
	version, _, _ = strings.Cut(version, "-")
	parts := strings.Split(version, ".")
	return strings.Join(parts[:min(n, len(parts))], ".")
}
