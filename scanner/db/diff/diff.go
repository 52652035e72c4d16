// Package diff tells which advisories came and went between two databases.
package diff

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
)

// Change is an advisory that one database has and another has not, or has
// otherwise.
type Change struct {
	Kind    advisory.Kind
	Package string
	Old     *db.Advisory // nil if it came
	New     *db.Advisory // nil if it went
}

// Advisory is the new advisory, or the old one of an advisory that went.
func (c *Change) Advisory() *db.Advisory {
	if c.New != nil {
		return c.New
	}
	return c.Old
}

// Counts says how many advisories of a release came, went, and changed.
type Counts struct {
	Added   int `json:"added"`
	Removed int `json:"removed"`
	Changed int `json:"changed"`
}

// Count counts the change.
func (n *Counts) Count(c Change) {
	switch {
	case c.Old == nil:
		n.Added++
	case c.New == nil:
		n.Removed++
	default:
		n.Changed++
	}
}

// Add adds other counts.
func (n *Counts) Add(other Counts) {
	n.Added += other.Added
	n.Removed += other.Removed
	n.Changed += other.Changed
}

// Release is a release that differs.
type Release struct {
	Distro, Release string

	old, new *db.DB // nil if the database does not have the release
}

// Releases lists the releases that are not the same in both databases, in the
// order of their metadata. Of those that only one database has, all advisories
// came or went.
func Releases(from, to *db.DB) []Release {
	type key struct{ distro, release string }
	was := map[key]db.ReleaseMeta{}
	for _, r := range from.Meta().Releases {
		was[key{r.Distro, r.Release}] = r
	}
	var out []Release
	for _, r := range to.Meta().Releases {
		k := key{r.Distro, r.Release}
		before, found := was[k]
		delete(was, k)
		switch {
		case !found:
			out = append(out, Release{r.Distro, r.Release, nil, to})
		case before.Digest != r.Digest:
			out = append(out, Release{r.Distro, r.Release, from, to})
		}
	}
	for _, r := range from.Meta().Releases {
		if _, gone := was[key{r.Distro, r.Release}]; gone {
			out = append(out, Release{r.Distro, r.Release, from, nil})
		}
	}
	slices.SortStableFunc(out, func(a, b Release) int { return strings.Compare(a.Distro, b.Distro) })
	return out
}

// Came tells whether only the new database has the release.
func (r Release) Came() bool { return r.old == nil }

// Went tells whether only the old database has the release.
func (r Release) Went() bool { return r.new == nil }

// Count counts the changes of the release.
func (r Release) Count() (Counts, error) {
	var n Counts
	for c, err := range r.Changes() {
		if err != nil {
			return Counts{}, err
		}
		n.Count(c)
	}
	return n, nil
}

// Changes gives the changes of the release by package and id, and stops at the
// first error. It reads both files package by package, and holds no more than
// one of each in memory.
func (r Release) Changes() iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		if err := r.changes(func(c Change) bool { return yield(c, nil) }); err != nil {
			yield(Change{}, err)
		}
	}
}

func (r Release) changes(yield func(Change) bool) (err error) {
	from, err := openPackages(r.old, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	to, err := openPackages(r.new, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	for from.err == nil && to.err == nil && (from.ok || to.ok) {
		was, is := pair(from, to)
		if !comparePackages(was, is, yield) {
			return nil
		}
	}
	return errors.Join(from.err, to.err)
}

// pair takes the next package from each, or from one if the other has it not,
// with an empty package of the same name in its place.
func pair(from, to *packages) (was, is db.Package) {
	order := 0
	switch {
	case !from.ok:
		order = 1
	case !to.ok:
		order = -1
	default:
		order = from.at.Compare(&to.at)
	}
	if order <= 0 {
		was = from.take()
		is = db.Package{Kind: was.Kind, Name: was.Name}
	}
	if order >= 0 {
		is = to.take()
		was.Kind, was.Name = is.Kind, is.Name
	}
	return was, is
}

// comparePackages gives the changes of a package. It returns false when yield
// does.
func comparePackages(was, is db.Package, yield func(Change) bool) bool {
	for len(was.Rows) > 0 || len(is.Rows) > 0 {
		c := Change{Kind: is.Kind, Package: is.Name}
		order := 0
		switch {
		case len(was.Rows) == 0:
			order = 1
		case len(is.Rows) == 0:
			order = -1
		default:
			order = compareKeys(&was.Rows[0], &is.Rows[0])
		}
		if order <= 0 {
			c.Old, was.Rows = &was.Rows[0], was.Rows[1:]
		}
		if order >= 0 {
			c.New, is.Rows = &is.Rows[0], is.Rows[1:]
		}
		if order == 0 && same(c.Old, c.New) {
			continue
		}
		if !yield(c) {
			return false
		}
	}
	return true
}

// compareKeys orders the rows of a package as its file has them. It is 0 for
// those that are about the same.
func compareKeys(a, b *db.Advisory) int {
	return cmp.Or(
		advisory.CompareIDs(a.ID, b.ID),
		strings.Compare(a.Module, b.Module),
		slices.Compare(a.Arches, b.Arches),
		slices.Compare(a.CPEs, b.CPEs),
	)
}

func same(a, b *db.Advisory) bool {
	return a.Status == b.Status && a.Fixed == b.Fixed && a.Severity == b.Severity
}

// packages goes through the packages of a release.
type packages struct {
	release *db.Release
	next    func() (db.Package, error, bool)
	stop    func()

	at  db.Package
	ok  bool // whether there is one
	err error
}

// openPackages opens the release of a database that has it; without a database
// it is empty.
func openPackages(from *db.DB, r Release) (*packages, error) {
	if from == nil {
		return &packages{}, nil
	}
	release, err := from.Release(r.Distro, r.Release)
	if err != nil {
		return nil, err
	}
	p := &packages{release: release}
	p.next, p.stop = iter.Pull2(release.All())
	p.advance()
	return p, nil
}

func (p *packages) advance() {
	at, err, ok := p.next()
	p.at, p.err, p.ok = at, err, ok && err == nil
}

// take gives the package and goes on to the next.
func (p *packages) take() db.Package {
	at := p.at
	p.advance()
	return at
}

func (p *packages) close() error {
	if p.release == nil {
		return nil
	}
	p.stop()
	return p.release.Close()
}
