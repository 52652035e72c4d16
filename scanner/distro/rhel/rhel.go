// Package rhel supports Red Hat Enterprise Linux: releases by their major
// number.
package rhel

import (
	"fmt"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/internal/rebuild"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/csaf/redhat"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
	"github.com/example/microscanner-frontend/scanner/version"
)

// ID is the distribution's key in advisory records.
const ID = "rhel"

// vendor is what rpm's word of who built a package of Red Hat's starts with: "Red
// Hat, Inc.", in old releases with an address behind it.
const vendor = "Red Hat"

// Distro describes Red Hat Enterprise Linux.
func Distro() distro.Distro {
	return distro.Distro{
		ID:        ID,
		Name:      "Red Hat Enterprise Linux",
		Recognise: recognise,
		Databases: rpm.Paths(),
		Reads:     slices.Concat(rpm.Reads(), rpm.ReadsOfRepositories(), manifestFolders()),
		Read:      rpm.Read,
		Inspect:   inspect,
		Rules: match.Rules{
			Kinds:   []advisory.Kind{advisory.Binary, advisory.Source},
			Scheme:  version.Rpm,
			Foreign: foreign,
			Headers: rebuild.Headers,
		},
		Lifecycle: lifecycle,
		Feeds: []feed.Feed{
			redhat.Feed(ID, redhat.WithoutELS),
			{Name: "rhel-repositories", URL: repositoriesURL, Repositories: ImportRepositories},
		},
	}
}

// foreign tells the packages of others, from Fedora's EPEL, say. One that does
// not say who built it counts as Red Hat's: to take one of those for another's
// would hide its vulnerabilities.
func foreign(_ *inventory.OS, p *inventory.Package) (string, bool) {
	return p.Vendor, p.Vendor != "" && !strings.HasPrefix(p.Vendor, vendor)
}

// defaultCPEs names the products that an image of a release has which does not
// say where its packages come from: the repositories that everybody has. They
// are the same builds in all repositories of the base product.
func defaultCPEs(release string) []string {
	base := func(part, repository string) string {
		return fmt.Sprintf("cpe:/%s:redhat:enterprise_linux:%s::%s", part, release, repository)
	}
	extras := func(product string) string { return fmt.Sprintf("cpe:/a:redhat:%s:%s", product, release) }
	switch release {
	case "5":
		return []string{base("o", "server"), base("o", "client"), base("o", "client_workstation")}
	case "6", "7":
		return []string{
			base("o", "server"), base("o", "workstation"), base("o", "client"), base("o", "computenode"),
			extras("rhel_extras"), extras("rhel_extras_other"),
		}
	}
	return []string{base("o", "baseos"), base("a", "appstream"), base("a", "crb")}
}

// major is the release in a full number: 9 of "9.4".
func major(version string) string {
	number, _, _ := strings.Cut(version, ".")
	return number
}
