package vex

import (
	"fmt"
	"strings"

	"github.com/openvex/go-vex/pkg/vex"
	"github.com/package-url/packageurl-go"
)

// packages lists the packages that a statement is about, as package URLs; all
// says that it is about a whole image. Other things than packages of a
// distribution are left out: no scan finds them. A product that is such a package
// stands for itself, not for its subcomponents: that curl does not call a function
// of openssl says nothing of openssl, which others use too.
func packages(products []vex.Product) (all bool, purls []string, err error) {
	for i := range products {
		p := &products[i]
		whole, found, err := identify(&p.Component)
		if err != nil {
			return false, nil, err
		}
		purls = append(purls, found...)
		if len(found) > 0 {
			continue
		}
		all = all || whole && len(p.Subcomponents) == 0
		for j := range p.Subcomponents {
			_, found, err := identify(&p.Subcomponents[j].Component)
			if err != nil {
				return false, nil, err
			}
			purls = append(purls, found...)
		}
	}
	return all, purls, nil
}

// identify reads the package URLs of a component, which its id may be too.
func identify(c *vex.Component) (image bool, purls []string, err error) {
	for _, text := range []string{c.ID, c.Identifiers[vex.PURL]} {
		if !strings.HasPrefix(text, "pkg:") {
			continue
		}
		p, err := packageurl.FromString(text)
		if err != nil {
			return false, nil, fmt.Errorf("%q is no package URL: %w", text, err)
		}
		switch p.Type {
		case packageurl.TypeOCI, packageurl.TypeDocker:
			image = true
		case packageurl.TypeDebian, packageurl.TypeRPM, packageurl.TypeApk:
			purls = append(purls, text)
		}
	}
	return image, purls, nil
}
