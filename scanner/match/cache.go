package match

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
	if err == nil && m.problems == problems {
		cache.Add(g.Key, Found{rows})
	}
	return rows, err
}
