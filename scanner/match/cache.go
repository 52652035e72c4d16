package match

import (
	"slices"
	"strings"
)

// Cache keeps what the advisories of one release say of packages. It is of one
// database and one release, safe for concurrent use, and may forget anything.
type Cache interface {
	Get(k Key) (Found, bool)
	Add(k Key, f Found)
}

// Found is what the advisories say of a Key, whatever the architecture and the
// products of an image. It is never changed.
type Found struct{ rows []row }

// What a row and a string take in memory beside their text.
const (
	rowSize    = 200
	stringSize = 16
)

// Size is about how many bytes of memory it takes.
func (f Found) Size() int {
	size := 0
	for i := range f.rows {
		r := &f.rows[i]
		size += rowSize + len(r.ID) + len(r.Fixed) + len(r.Module)
		for _, list := range [][]string{r.Arches, r.CPEs, r.Aliases} {
			for _, s := range list {
				size += stringSize + len(s)
			}
		}
	}
	return size
}

// recall is look with the cache. What looking told a problem of is not kept, as
// the problem belongs to the result.
func (m *matching) recall(g group) ([]row, error) {
	cache := m.options.Cache
	if cache == nil {
		return m.look(g)
	}
	if found, ok := cache.Get(g.Key); ok {
		return found.rows, nil
	}
	problems := m.problems
	rows, err := m.look(g)
	if err != nil || m.problems != problems {
		return rows, err
	}
	found := Found{compact(rows)}
	cache.Add(g.Key, found)
	return found.rows, nil
}

// compact copies the texts of rows: those that were read share memory with the
// texts of all rows of their package, most of which are not wanted.
func compact(rows []row) []row {
	known := map[string]string{}
	own := func(s string) string {
		if _, ok := known[s]; !ok {
			s = strings.Clone(s)
			known[s] = s
		}
		return known[s]
	}
	owned := func(list []string) []string {
		list = slices.Clone(list)
		for i := range list {
			list[i] = own(list[i])
		}
		return list
	}
	rows = slices.Clone(rows)
	for i := range rows {
		r := &rows[i]
		r.ID, r.Fixed, r.Module = own(r.ID), own(r.Fixed), own(r.Module)
		r.Arches, r.CPEs, r.Aliases = owned(r.Arches), owned(r.CPEs), owned(r.Aliases)
	}
	return rows
}
