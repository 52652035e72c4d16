package match

import (
	"fmt"
	"slices"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/version"
)

// row is an advisory on a group of packages.
type row struct {
	db.Advisory
	// satisfied is set if the installed version has the fix already. Such a row
	// is no finding, and takes away what the vendor says without a version.
	satisfied bool
}

// look gives the advisories on the packages of a group, those of one id next
// to each other: the ones with a fix that is not installed, those without a
// fix, and of those whose fix is installed the ones that take away another.
func (m *matching) look(g group) ([]row, error) {
	var rows []row
	unfixed := map[string]bool{}
	for _, kind := range m.rules.Kinds {
		found, err := m.lookKind(g, kind, (*comparer).older)
		if err != nil {
			return nil, err
		}
		rows = slices.Grow(rows, len(found))
		for i := range found {
			rows = append(rows, row{found[i], false})
			if found[i].Fixed == "" && m.mixesStates() {
				unfixed[found[i].ID] = true
			}
		}
	}
	if len(unfixed) > 0 {
		for _, kind := range m.rules.Kinds {
			found, err := m.lookKind(g, kind, (*comparer).satisfied)
			if err != nil {
				return nil, err
			}
			for i := range found {
				if found[i].Fixed != "" && unfixed[found[i].ID] {
					rows = append(rows, row{found[i], true})
				}
			}
		}
	}
	if m.mixesStates() {
		slices.SortStableFunc(rows, func(a, b row) int { return advisory.CompareIDs(a.ID, b.ID) })
	}
	return rows, nil
}

// mixesStates reports whether one id can have rows with a fix and rows without
// one that speak of the same package. The advisories of dpkg and apk make no
// difference of architectures and products, so that the database has one row for
// an id; those of rpm do.
func (m *matching) mixesStates() bool {
	return m.rules.Scheme == version.Rpm || len(m.rules.Kinds) > 1
}

func (m *matching) lookKind(g group, kind advisory.Kind, want func(*comparer, string) (bool, error)) ([]db.Advisory, error) {
	c := m.comparer(g, kind)
	found, err := m.advisories.Select(kind, c.name, func(fixed string) (bool, error) { return want(c, fixed) })
	if err != nil {
		return nil, fmt.Errorf("look up the advisories on %s: %w", c.name, err)
	}
	return found, nil
}

// comparer compares an installed version with fixed ones.
type comparer struct {
	m             *matching
	name, version string
	path          string // of the package database
	installed     version.Version
	state         parseState
}

// parseState says whether the installed version was read. It is read only
// if there is something to compare it with.
type parseState int

const (
	unparsed parseState = iota
	parsed
	unreadable
)

// comparer is for the version that advisories of a kind compare.
func (m *matching) comparer(g group, kind advisory.Kind) *comparer {
	c := &comparer{m: m, name: g.Source, version: g.SourceVersion, path: m.inv.Packages[g.packages[0]].Path}
	if kind == advisory.Binary {
		c.name, c.version = g.Binary, g.BinaryVersion
	}
	return c
}

// older reports whether the installed version is older than fixed. A version
// that cannot be read is a problem of the result; it decides nothing.
func (c *comparer) older(fixed string) (bool, error) {
	older, ok := c.compare(fixed)
	return ok && older, nil
}

// satisfied reports whether the installed version has the fix.
func (c *comparer) satisfied(fixed string) (bool, error) {
	older, ok := c.compare(fixed)
	return ok && !older, nil
}

func (c *comparer) compare(fixed string) (older, ok bool) {
	if c.state == unparsed {
		var err error
		c.state = parsed
		if c.installed, err = c.m.rules.Scheme.Parse(c.version); err != nil {
			c.state = unreadable
			c.problem(fmt.Sprintf("the advisories on %s cannot be applied: %v", c.name, err))
		}
	}
	if c.state == unreadable {
		return false, false
	}
	older, err := c.before(fixed)
	if err != nil {
		c.problem(fmt.Sprintf("an advisory on %s cannot be applied: %v", c.name, err))
		return false, false
	}
	return older, true
}

func (c *comparer) before(fixed string) (bool, error) {
	if c.m.rules.Older != nil {
		return c.m.rules.Older(c.version, fixed)
	}
	order, err := c.installed.Compare(fixed)
	return order < 0, err
}

// problem notes a problem once, however often the version is looked at.
func (c *comparer) problem(reason string) {
	c.m.problems++
	p := inventory.Problem{Path: c.path, Reason: reason}
	if _, ok := c.m.told[p]; !ok {
		c.m.told[p] = struct{}{}
		c.m.result.Problems = append(c.m.result.Problems, p)
	}
}
