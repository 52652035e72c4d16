// Package distro says what the scanner must know of a distribution to support
// it. Each distribution has a folder below this one and a line in the list of
// the package all; none knows another.
package distro

import (
	"io/fs"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/version"
)

// Distro is one distribution. All fields are set.
type Distro struct {
	// ID is the distribution's key in advisory records: "debian".
	ID string
	// Name is its name for people: "Debian".
	Name string
	// Recognise tells the release of a root file system from its release files,
	// or that they are not this distribution's.
	Recognise func(osrelease.Release) (inventory.OS, bool)
	// Databases lists where its package databases are inside a root file system.
	Databases []string
	// Read reads the package databases and reports whether there is any.
	Read func(fs.FS, *pkgdb.Collector) (found bool, err error)
	// Versions is the order of its packages' versions.
	Versions version.Scheme
	// Advisories is the kind of package name that its advisories use.
	Advisories advisory.Kind
	// Import reads the vendor's advisories.
	Import feed.Importer
}

// ByID finds a distribution in a list.
func ByID(list []Distro, id string) (Distro, bool) {
	for _, d := range list {
		if d.ID == id {
			return d, true
		}
	}
	return Distro{}, false
}
