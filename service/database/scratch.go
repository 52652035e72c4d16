package database

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// scratch is a folder of copies of the databases in use: files that are not open
// yet can then be read although a newer database is in their place.
type scratch struct {
	dir  string
	lock *flock.Flock // held as long as the process lives
}

// lockFile marks a scratch folder, and is locked while somebody uses it.
const lockFile = "in-use"

// newScratch makes a folder beside the database, where files can be linked, or
// among the temporary files if that is not possible. Folders that a killed
// process left are removed.
func newScratch(database string) (*scratch, error) {
	path, err := filepath.Abs(database)
	if err != nil {
		return nil, fmt.Errorf("find the advisory database: %w", err)
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	parent, pattern := filepath.Dir(path), "."+filepath.Base(path)+".in-use-"
	removeLeft(parent, pattern)
	if dir, err := os.MkdirTemp(parent, pattern); err == nil {
		return lockScratch(dir)
	}
	dir, err := os.MkdirTemp("", "microscanner-db-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the databases in use: %w", err)
	}
	return lockScratch(dir)
}

func lockScratch(dir string) (*scratch, error) {
	s := &scratch{dir, flock.New(filepath.Join(dir, lockFile))}
	if err := s.lock.Lock(); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the folder of the databases in use: %w", err), os.RemoveAll(dir))
	}
	return s, nil
}

// removeLeft removes folders that nobody uses. What cannot be removed stays: the
// next start tries again.
func removeLeft(parent, pattern string) {
	left, err := filepath.Glob(filepath.Join(parent, pattern+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		marker := filepath.Join(dir, lockFile)
		if _, err := os.Lstat(marker); err != nil {
			continue // just being made, or not ours
		}
		lock := flock.New(marker)
		if ok, err := lock.TryLock(); ok && err == nil {
			_ = os.RemoveAll(dir)
			_ = lock.Close()
		}
	}
}

func (s *scratch) close() error {
	return errors.Join(os.RemoveAll(s.dir), s.lock.Close())
}
