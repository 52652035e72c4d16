package scan

import (
	"fmt"
	"slices"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/match"
)

// Cache keeps what was read of one database. It is safe for concurrent use, and
// may forget anything.
type Cache interface {
	// Release is the cache of one release's advisories.
	Release(distro, release string) match.Cache
	// Details answers as read does, and asks it for what it does not have.
	Details(id, distro string, read ReadDetails) (db.Details, bool, error)
}

// ReadDetails is the method Details of a database.
type ReadDetails func(id, distro string) (db.Details, bool, error)

// release is the advisories of one release.
type release interface {
	match.Advisories
	Close() error
}

// openRelease opens a release. With a cache that is done when something is not
// in it.
func openRelease(database *db.DB, distro, name string, o Options) (release, error) {
	if o.Cache == nil {
		return database.Release(distro, name)
	}
	if !slices.ContainsFunc(database.Meta().Releases, func(r db.ReleaseMeta) bool { return r.Distro == distro && r.Release == name }) {
		return nil, fmt.Errorf("%s %s: %w", distro, name, db.ErrNoRelease)
	}
	return &lazyRelease{open: func() (*db.Release, error) { return database.Release(distro, name) }}, nil
}

// lazyRelease opens a release when it is asked for something.
type lazyRelease struct {
	open   func() (*db.Release, error)
	opened *db.Release // nil until then
}

// Select is that of db.Release.
func (l *lazyRelease) Select(kind advisory.Kind, name string, want func(fixed string) (bool, error)) ([]db.Advisory, error) {
	if l.opened == nil {
		r, err := l.open()
		if err != nil {
			return nil, err
		}
		l.opened = r
	}
	return l.opened.Select(kind, name, want)
}

// Close closes what was opened.
func (l *lazyRelease) Close() error {
	if l.opened == nil {
		return nil
	}
	return l.opened.Close()
}
