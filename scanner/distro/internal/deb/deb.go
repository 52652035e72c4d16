// Package deb holds what Debian and Ubuntu have in common beside dpkg: how the
// kernel's headers are packaged, and who else publishes packages for them.
package deb

import (
	"strings"

	"github.com/example/microscanner-frontend/scanner/inventory"
)

// KernelHeaders reports whether a package has only headers of the kernel, or
// the tools to build modules with them. Their source is the kernel's, the flaws
// of which are those of the machine's kernel.
func KernelHeaders(p *inventory.Package) bool {
	if p.SourceName != "linux" && !strings.HasPrefix(p.SourceName, "linux-") {
		return false
	}
	for _, prefix := range []string{"linux-libc-dev", "linux-headers-", "linux-kbuild-", "linux-compiler-"} {
		if strings.HasPrefix(p.Name, prefix) {
			return true
		}
	}
	return false
}
