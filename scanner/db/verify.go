package db

import (
	"errors"
	"path/filepath"
)

// Verify reads every file and compares it with the metadata. The error wraps
// ErrCorrupt and names all files that are damaged.
func (d *DB) Verify() error {
	var errs []error
	for _, f := range d.meta.Files() {
		errs = append(errs, d.verify(f))
	}
	return errors.Join(errs...)
}

func (d *DB) verify(want FileMeta) error {
	path := filepath.Join(d.dir, want.File)
	f, err := openRegular(path)
	if err != nil {
		return corrupt(path, err)
	}
	defer f.Close()
	got := FileMeta{File: want.File}
	if err := got.measure(f); err != nil {
		return corrupt(path, err)
	}
	if got != want {
		return corrupt(path, errors.New("the digest is wrong"))
	}
	return nil
}
