package db

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// target is a directory that is filled beside the place where it will be.
type target struct {
	final, temporary string
	exists           bool // something is at final already
}

func newTarget(dir string) (*target, error) {
	final, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("write the database: %w", err)
	}
	// A link stays, and what it points to is replaced.
	if resolved, err := filepath.EvalSymlinks(final); err == nil {
		final = resolved
	}
	t := &target{final: final}
	if t.exists, err = replaceable(final); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil { //nolint:gosec // G301: as mkdir -p does.
		return nil, fmt.Errorf("write the database: %w", err)
	}
	t.temporary, err = os.MkdirTemp(filepath.Dir(final), "."+filepath.Base(final)+".tmp-")
	if err != nil {
		return nil, fmt.Errorf("write the database: %w", err)
	}
	return t, nil
}

// replaceable tells whether there is a directory at path. It is an error if
// what is there is neither a database nor empty: it must not be lost.
func replaceable(path string) (bool, error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write the database: %w", err)
	}
	if len(entries) == 0 {
		return true, nil
	}
	if _, err := os.Lstat(filepath.Join(path, MetadataFile)); err != nil {
		return false, fmt.Errorf("%s is neither empty nor an advisory database: choose another directory, or empty it", path)
	}
	return true, nil
}

// commit puts the directory in its place. Its files get the build time, so that
// an image layer made of them is reproducible too.
func (t *target) commit(built time.Time) error {
	if err := t.finishFiles(built); err != nil {
		return fmt.Errorf("write the database: %w", err)
	}
	if !t.exists {
		if err := os.Rename(t.temporary, t.final); err != nil {
			return fmt.Errorf("write the database: %w", err)
		}
		return nil
	}
	old, err := t.replace()
	if errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("%s is a mount point and cannot be replaced: choose a directory inside it", t.final)
	}
	if err != nil {
		return fmt.Errorf("write the database: %w", err)
	}
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("the new database is in its place, but the old one is left behind: %w", err)
	}
	return nil
}

// replace puts the directory in the place of another, and says where that is
// now. Some file systems cannot exchange two directories.
func (t *target) replace() (old string, err error) {
	if exchange(t.temporary, t.final) == nil {
		return t.temporary, nil
	}
	old = t.temporary + ".old"
	if err := os.Rename(t.final, old); err != nil {
		return "", err
	}
	if err := os.Rename(t.temporary, t.final); err != nil {
		return "", errors.Join(err, os.Rename(old, t.final))
	}
	return old, nil
}

func (t *target) finishFiles(built time.Time) error {
	entries, err := os.ReadDir(t.temporary)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(t.temporary, e.Name())
		// The umask may have taken what other users need for reading.
		if err := errors.Join(os.Chmod(path, 0o644), os.Chtimes(path, built, built)); err != nil { //nolint:gosec // G302: all may read.
			return err
		}
	}
	return errors.Join(os.Chmod(t.temporary, 0o755), os.Chtimes(t.temporary, built, built)) //nolint:gosec // G302: all may read.
}
