package db

import (
	"fmt"
	"iter"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// Package is what a release's advisories say of one package.
type Package struct {
	Kind advisory.Kind
	Name string
	Rows []Advisory // as Release.Lookup gives them
}

// Compare orders packages as Release.All gives them, by kind and name.
func (p *Package) Compare(other *Package) int {
	a, _ := lookupKey(p.Kind, p.Name)
	b, _ := lookupKey(other.Kind, other.Name)
	return strings.Compare(a, b)
}

// All gives every package with its rows, by kind and name, and stops at the
// first error. The Release must not be used meanwhile.
func (r *Release) All() iter.Seq2[Package, error] {
	return func(yield func(Package, error) bool) {
		r.lock.Lock()
		defer r.lock.Unlock()
		if r.closed {
			yield(Package{}, errClosed)
			return
		}
		r.decoder.want = nil
		for record, err := range r.table.rows.All() {
			if err != nil {
				yield(Package{}, corrupt(r.table.path, err))
				return
			}
			if record.Key == headerKey {
				continue
			}
			p, err := r.decodePackage(record.Key, record.Value)
			if err != nil {
				yield(Package{}, corrupt(r.table.path, err))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

func (r *Release) decodePackage(key string, value []byte) (Package, error) {
	p := Package{Name: key[1:]}
	for _, kind := range []advisory.Kind{advisory.Source, advisory.Binary} {
		if k, _ := lookupKey(kind, p.Name); k == key {
			p.Kind = kind
		}
	}
	if p.Kind == "" {
		return Package{}, fmt.Errorf("there is no kind of package for the key %q", key)
	}
	rows, err := r.decoder.decode(value)
	if err != nil {
		return Package{}, fmt.Errorf("package %q: %w", p.Name, err)
	}
	p.Rows = rows
	return p, nil
}
