// Package centos supports CentOS Linux 5 to 8: releases by their major number.
// It had no advisories of its own; its packages are Red Hat's, built anew.
package centos

import (
	"strings"
	"time"

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
const ID = "centos"

// Distro describes CentOS Linux.
func Distro() distro.Distro {
	return distro.Distro{
		ID:        ID,
		Name:      "CentOS",
		Recognise: recognise,
		Databases: rpm.Paths(),
		Reads:     rpm.Reads(),
		Read:      rpm.Read,
		Rules: match.Rules{
			Kinds:   []advisory.Kind{advisory.Binary, advisory.Source},
			Scheme:  version.Rpm,
			Foreign: foreign,
			Older:   older,
			Headers: rebuild.Headers,
		},
		Lifecycle: lifecycle,
		Feeds:     []feed.Feed{redhat.Feed(ID, adapt)},
	}
}

// foreign tells the packages of others, from Fedora's EPEL, say. The project
// signed as "CentOS", and long ago as "CentOS BuildSystem". A package that does
// not say who built it counts as its own: to take one of those for another's
// would hide its vulnerabilities.
func foreign(_ *inventory.OS, p *inventory.Package) (string, bool) {
	return p.Vendor, p.Vendor != "" && !strings.HasPrefix(p.Vendor, "CentOS")
}

// lastDay is the last day on which a release got updates, YYYY-MM-DD; empty for
// a release that there is not (https://www.centos.org/cl-vs-cs/).
func lastDay(release string) string {
	switch release {
	case "5":
		return "2017-03-31"
	case "6":
		return "2020-11-30"
	case "7":
		return "2024-06-30"
	case "8":
		return "2021-12-31"
	}
	return ""
}

func lifecycle(release string) (distro.Lifecycle, bool) {
	end, err := time.Parse(time.DateOnly, lastDay(release))
	return distro.Lifecycle{End: end}, err == nil
}
