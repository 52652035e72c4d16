// Package distro says what the scanner must know of a distribution to support
// it. Each distribution has a folder below this one and a line in the list of
// the package all; none knows another.
package distro

import (
	"io/fs"
	"time"

	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
)

// Distro is one distribution. All fields are set but those that say otherwise.
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
	// Reads lists what Read and Inspect open beside Databases: files, and folders,
	// with a slash behind, of which they open any file. A scan of an image that is
	// not unpacked keeps nothing else. May be nil.
	Reads []string
	// Read reads the package databases and reports whether there is any.
	Read func(fs.FS, *pkgdb.Collector) (found bool, err error)
	// Inspect adds to os what more of the root file system says about which
	// advisories apply: content sets, a subscription. May be nil.
	Inspect func(fsys fs.FS, os *inventory.OS, packages []inventory.Package) error
	// Rules say how its advisories are applied to packages.
	Rules match.Rules
	// Lifecycle tells until when there are advisories for a release; false for a
	// release that is not known. Nil for a rolling distribution.
	Lifecycle func(release string) (Lifecycle, bool)
	// Feeds are the vendor's feeds. One of them has the distribution's ID as
	// its name.
	Feeds []feed.Feed
}

// Lifecycle is how long a release gets security updates.
type Lifecycle struct {
	// End is the last day on which the vendor gave security updates to
	// everybody; zero if it is not known.
	End time.Time
	// Extended is the last day of the updates for those who pay for them, or
	// that somebody else gives; zero if there are none.
	Extended time.Time
	// ExtendedName is what Extended is called: "Ubuntu Pro".
	ExtendedName string
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

// FeedByName finds a feed of the distributions in a list.
func FeedByName(list []Distro, name string) (feed.Feed, bool) {
	for _, d := range list {
		for _, f := range d.Feeds {
			if f.Name == name {
				return f, true
			}
		}
	}
	return feed.Feed{}, false
}
