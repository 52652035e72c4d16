package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup writes a copy of the store to a new file, while others read and write.
// The file has its name when it is complete and on disk.
func (d *database) Backup(ctx context.Context, file string) error {
	// The name is taken first, so that no other file is ever replaced.
	reserved, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the path that the operator gave
	if err != nil {
		return fmt.Errorf("back up the store: %w", err)
	}
	err = reserved.Close()
	if err == nil {
		err = d.copyTo(ctx, file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("back up the store to %s: %w", file, err), os.Remove(file))
	}
	return nil
}

func (d *database) copyTo(ctx context.Context, file string) (err error) {
	dir, err := os.MkdirTemp(filepath.Dir(file), ".backup-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	partial := filepath.Join(dir, "store")
	if err := d.vacuum(ctx, partial); err != nil {
		return err
	}
	if err := flush(partial); err != nil {
		return err
	}
	if err := os.Rename(partial, file); err != nil {
		return err
	}
	return flush(filepath.Dir(file))
}

// vacuum copies what is committed now. It reads in one transaction, which keeps
// nobody from writing.
func (d *database) vacuum(ctx context.Context, file string) (err error) {
	db, err := sql.Open("sqlite", address(d.file, "rw"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err = db.ExecContext(ctx, `VACUUM INTO $1`, file); err != nil {
		return err
	}
	return os.Chmod(file, 0o600)
}

func flush(path string) error {
	f, err := os.Open(path) //nolint:gosec // the path that the operator gave
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
