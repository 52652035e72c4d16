package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Install puts the database that fill writes to the empty directory it is given
// in the directory dir, in the place of the database that may be there. What
// fill wrote is verified first: it must be a whole database and nothing else.
// The directory appears whole or not at all.
func Install(ctx context.Context, dir string, fill func(ctx context.Context, dir string) error) (Meta, error) {
	target, err := newTarget(dir)
	if err != nil {
		return Meta{}, err
	}
	var meta Meta
	if err = fill(ctx, target.temporary); err == nil {
		meta, err = verifyAlone(target.temporary)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = target.commit(meta.Built)
	}
	if err != nil {
		return Meta{}, errors.Join(err, os.RemoveAll(target.temporary))
	}
	return meta, nil
}

// verifyAlone tells whether dir holds a whole database and nothing else.
func verifyAlone(dir string) (Meta, error) {
	d, err := Open(dir)
	if err != nil {
		return Meta{}, err
	}
	known := map[string]bool{MetadataFile: true}
	for _, f := range d.meta.Files() {
		known[f.File] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Meta{}, fmt.Errorf("read the database: %w", err)
	}
	for _, e := range entries {
		if !known[e.Name()] {
			return Meta{}, corrupt(filepath.Join(dir, e.Name()), errors.New("the metadata does not know the file"))
		}
	}
	return d.meta, errors.Join(d.Verify(), d.Close())
}
