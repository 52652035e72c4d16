package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/inventory"
)

// Repositories tells the products of a repository; *db.DB does.
type Repositories interface {
	// Repository gives the CPEs of the products that a repository belongs to, in
	// the form of OS.CPEs; false for a repository that is not known.
	Repository(id string) (cpes []string, known bool, err error)
}

// Products gives the products whose advisories apply to an image: those of its
// content sets, and the defaults of its release if none of the content sets is
// known to be a repository of the release itself. An image names only what a
// part of its layers came from, if it was squashed, say: without the defaults
// the packages below would be compared with nothing. It lists the content sets
// that are not known.
func Products(os *inventory.OS, repositories Repositories) (cpes, unknown []string, err error) {
	for _, id := range os.ContentSets {
		list, known, err := repositories.Repository(id)
		if err != nil {
			return nil, nil, fmt.Errorf("look up the products of the content set %s: %w", id, err)
		}
		if !known {
			unknown = append(unknown, id)
			continue
		}
		cpes = append(cpes, list...)
	}
	if !haveCommon(cpes, os.CPEs) {
		cpes = append(cpes, os.CPEs...)
	}
	slices.Sort(cpes)
	return slices.Compact(cpes), unknown, nil
}

// haveCommon reports whether two lists name a product in common, in whichever of
// its repositories and minor releases.
func haveCommon(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool {
		return slices.ContainsFunc(b, func(y string) bool { return productOf(x) == productOf(y) })
	})
}

// productOf is the vendor, the product and the major version of a CPE 2.2 URI:
// ":redhat:enterprise_linux:9" of "cpe:/a:redhat:enterprise_linux:9.2::appstream".
func productOf(cpe string) string {
	parts := strings.SplitN(cpe, ":", 6)
	if len(parts) < 5 {
		return cpe
	}
	major, _, _ := strings.Cut(parts[4], ".")
	return ":" + parts[2] + ":" + parts[3] + ":" + major
}
