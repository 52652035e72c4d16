// Package pkgdb holds what the readers of package databases have in common. The
// databases are those of an image that nobody trusts: everything is bounded.
package pkgdb

import (
	"fmt"

	"github.com/example/microscanner-frontend/scanner/inventory"
)

// MaxSize is the number of bytes that are read from the package databases of
// one image. Those of the largest images are about 5 MB.
const MaxSize = 128 << 20

// Limits on what is kept. The whole Debian archive has about 65,000 packages.
const (
	maxPackages = 100_000
	maxText     = 32 << 20 // bytes
	maxProblems = 100
)

// MaxValue is the number of bytes above which the value of a field is not
// believed.
const MaxValue = 4 << 10

// Collector gathers the packages of one image.
type Collector struct {
	packages []inventory.Package
	problems []inventory.Problem
	unlisted int // problems beyond maxProblems
	seen     map[identity]struct{}
	text     int
	left     int64
}

// identity is what makes two entries of package databases one package.
type identity struct{ name, arch, version string }

// NewCollector returns a Collector that has read nothing.
func NewCollector() *Collector {
	return &Collector{seen: map[identity]struct{}{}, left: MaxSize}
}

// Add takes a package, unless it is there already. An error means that the
// image has too many.
func (c *Collector) Add(p inventory.Package) error {
	id := identity{p.Name, p.Arch, p.Version}
	if _, ok := c.seen[id]; ok {
		return nil
	}
	c.text += len(p.Name) + len(p.Version) + len(p.Arch) + len(p.SourceName) + len(p.SourceVersion) +
		len(p.License) + len(p.Vendor) + len(p.Module)
	if len(c.packages) >= maxPackages || c.text > maxText {
		return fmt.Errorf("%s lists more packages than a scan takes: the limits are %d packages and %d MiB of text", p.Path, maxPackages, maxText>>20)
	}
	c.seen[id] = struct{}{}
	c.packages = append(c.packages, p)
	return nil
}

// AddAll takes the packages of another Collector, which must not be used after.
func (c *Collector) AddAll(other *Collector) error {
	if len(c.packages) == 0 {
		c.packages, c.seen, c.text = other.packages, other.seen, other.text
		return nil
	}
	for _, p := range other.packages {
		if err := c.Add(p); err != nil {
			return err
		}
	}
	return nil
}

// Problem notes a part of a database that cannot be read.
func (c *Collector) Problem(path string, line int, reason string) {
	if len(c.problems) >= maxProblems {
		c.unlisted++
		return
	}
	c.problems = append(c.problems, inventory.Problem{Path: path, Line: line, Reason: reason})
}

// Packages are those that were added, in their order.
func (c *Collector) Packages() []inventory.Package { return c.packages }

// Problems are those that were noted, in their order.
func (c *Collector) Problems() []inventory.Problem {
	if c.unlisted == 0 {
		return c.problems
	}
	more := inventory.Problem{Reason: fmt.Sprintf("%d more parts of the package databases cannot be read", c.unlisted)}
	return append(c.problems[:len(c.problems):len(c.problems)], more)
}
