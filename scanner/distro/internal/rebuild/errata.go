package rebuild

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/example/microscanner-frontend/scanner/severity"
)

// stream is a word name:stream in the title of an advisory, with the package that
// changed in some: "httpd:2.4/mod_http2". It is compiled when it is first used:
// a scan never does.
var stream = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([A-Za-z0-9][\w.+-]*:[\w.+-]*\w)(?:[,/]|$)`)
})

// Streams lists the modules that the title of an advisory names, sorted:
// nodejs:18 of "Important: nodejs:18 security update". A title may also name a
// version that way, "pam:1.5.1"; it is a module only if the packages are
// modular.
func Streams(title string) []string {
	var out []string
	for _, word := range strings.Fields(title) {
		if m := stream().FindStringSubmatch(word); m != nil {
			out = append(out, m[1])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// IsModular tells from the release of a package that it was built in a module:
// ".module_el8.6.0+2904+…" or ".module+el8.3.0+74+…". That names no stream.
func IsModular(version string) bool {
	return strings.Contains(version, ".module_el") || strings.Contains(version, ".module+el")
}

// Rating reads the severity that the title of an advisory starts with. It rates
// the advisory, not each of its vulnerabilities.
func Rating(title string) severity.Severity {
	word, _, _ := strings.Cut(title, ":")
	rating, _ := severity.FromVendor(word)
	return rating
}
