package alpine

import (
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/inventory"
)

// foreign tells packages that are not built from Alpine's sources. apk records
// no vendor, and Alpine's own maintainers are persons with addresses anywhere,
// so that only packagers who are known by their address can be told: nginx.org,
// whose packages carry the names of Alpine's, and Wolfi.
func foreign(_ *inventory.OS, p *inventory.Package) (vendor string, isForeign bool) {
	maintainer := strings.ToLower(p.Vendor)
	switch {
	case maintainer == "wolfi" || strings.Contains(maintainer, "@chainguard.dev"):
		return "Wolfi", true
	case strings.Contains(maintainer, "nginx-packaging@") || strings.HasSuffix(maintainer, "@nginx.com>"):
		return "nginx.org", true
	}
	return "", false
}

// headers tells the package with the headers of the kernel.
func headers(p *inventory.Package) bool {
	return slices.Contains([]string{"linux-headers", "linux-lts-dev", "linux-virt-dev", "linux-edge-dev"}, p.Name)
}
