package db

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// The CPEs of a repository are the value of its id in a sorted table: their
// number, and the index of each in the header.

// AddRepository takes the CPEs of the products that a package repository
// belongs to. What is told of one repository several times adds up. A
// *RecordError means that they are not valid.
func (b *Builder) AddRepository(repository string, cpes []string) error {
	if err := checkRepository(repository, cpes); err != nil {
		return &RecordError{Record: cmp.Or(repository, "repository"), Err: err}
	}
	b.products[repository] = sorted(append(b.products[repository], cpes...))
	return nil
}

func checkRepository(repository string, cpes []string) error {
	if repository == "" || len(repository) > advisory.MaxString {
		return fmt.Errorf("the id is missing or longer than %d bytes", advisory.MaxString)
	}
	if len(cpes) > advisory.MaxList {
		return fmt.Errorf("%d CPEs, more than %d", len(cpes), advisory.MaxList)
	}
	for _, c := range cpes {
		if c == "" || len(c) > advisory.MaxString {
			return fmt.Errorf("a CPE is missing or longer than %d bytes", advisory.MaxString)
		}
	}
	return nil
}

func (b *Builder) writeRepositories(dir string) (FileMeta, error) {
	ids := slices.Sorted(maps.Keys(b.products))
	words := wordsOf(ids, func(id string) []string { return b.products[id] })
	return writeTable(dir, repositoriesFile, func(put putFunc) error {
		if err := put(headerKey, encodeHeader(repositoriesMagic, words)); err != nil {
			return err
		}
		for _, id := range ids {
			if err := put(id, encodeRepository(b.products[id], words)); err != nil {
				return err
			}
		}
		return nil
	})
}

func encodeRepository(cpes, words []string) []byte {
	value := binary.AppendUvarint(nil, uint64(len(cpes)))
	for _, cpe := range cpes {
		i, _ := slices.BinarySearch(words, cpe)
		value = binary.AppendUvarint(value, uint64(i)) //nolint:gosec // G115: an index.
	}
	return value
}

// Repository gives the CPEs of the products that a package repository belongs
// to, sorted; false if the database does not know it. The file of repositories
// is opened at the first call.
func (d *DB) Repository(id string) (cpes []string, found bool, err error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.closed {
		return nil, false, errClosed
	}
	if d.repositories == nil {
		t, err := openTable(filepath.Join(d.dir, repositoriesFile), d.meta.Repositories.Size, repositoriesMagic)
		if err != nil {
			return nil, false, err
		}
		d.repositories = t
	}
	return getRepository(d.repositories, id)
}

func getRepository(t *table, id string) ([]string, bool, error) {
	value, found, err := t.rows.Get(id)
	if err != nil {
		return nil, false, corrupt(t.path, err)
	}
	if !found || id == headerKey {
		return nil, false, nil
	}
	cpes, err := decodeRepository(value, t.words)
	if err != nil {
		return nil, false, corrupt(t.path, fmt.Errorf("repository %q: %w", id, err))
	}
	return cpes, true, nil
}

func decodeRepository(value []byte, words []string) ([]string, error) {
	c := &cursor{b: value}
	cpes := pickList(c, words)
	if c.err == nil && len(c.b) != 0 {
		c.fail(errors.New("more data than CPEs"))
	}
	return cpes, c.err
}
