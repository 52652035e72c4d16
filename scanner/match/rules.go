package match

import (
	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/version"
)

// Rules say how the advisories of a distribution are applied to packages. The
// funcs may be nil.
type Rules struct {
	// Kinds are the kinds of package names that the advisories use.
	Kinds []advisory.Kind
	// Scheme is the order of versions.
	Scheme version.Scheme
	// Foreign tells who built a package that is not the distribution's own: a
	// name for people. Advisories do not speak of such a package, whatever its
	// name.
	Foreign func(os *inventory.OS, p *inventory.Package) (vendor string, foreign bool)
	// Applies reports whether an advisory on a package of that name speaks of
	// this one. Architectures, modules and CPEs are looked at before.
	Applies func(p *inventory.Package, a *db.Advisory) bool
	// Older reports whether an installed version is older than a fixed one,
	// where the order of the scheme is not all: CentOS's own builds. Nil for the
	// scheme's order.
	Older func(installed, fixed string) (bool, error)
	// Headers reports whether a package has only headers of the kernel, the
	// flaws of which are those of the machine's kernel.
	Headers func(p *inventory.Package) bool
}
