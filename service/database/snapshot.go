package database

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/example/microscanner-frontend/scanner/db"
)

// snapshot puts the files of the database in from into the empty directory to,
// and opens it. Files are linked, which takes no room and no time; where that
// cannot be, such as from another file system, they are copied.
func snapshot(from, to string) (*db.DB, error) {
	// An open directory stays the same one when another takes its place.
	root, err := os.OpenRoot(from)
	if err != nil {
		return nil, fmt.Errorf("load the advisory database: %w", err)
	}
	defer root.Close()
	if err := link(root, db.MetadataFile, to); err != nil {
		return nil, err
	}
	opened, err := db.Open(to)
	if err != nil {
		return nil, err
	}
	meta := opened.Meta()
	for _, f := range meta.Files() {
		if err := link(root, f.File, to); err != nil {
			return nil, errors.Join(err, opened.Close())
		}
	}
	if err := opened.Verify(); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return opened, nil
}

// link links or copies one file of a directory.
func link(root *os.Root, name, to string) error {
	target := filepath.Join(to, name)
	dir, err := root.Open(".")
	if err != nil {
		return fmt.Errorf("load the advisory database: %w", err)
	}
	defer dir.Close()
	if err := unix.Linkat(int(dir.Fd()), name, unix.AT_FDCWD, target, unix.AT_SYMLINK_FOLLOW); err == nil {
		return nil
	}
	in, err := root.Open(name)
	if err != nil {
		return fmt.Errorf("load the advisory database: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600) //nolint:gosec // G304: the name is that of a database's file.
	if err != nil {
		return fmt.Errorf("load the advisory database: %w", err)
	}
	if _, err = io.Copy(out, in); err != nil {
		err = fmt.Errorf("copy the advisory database: %w", err)
	}
	return errors.Join(err, out.Close())
}

// inode tells files apart that have one name, size and time.
func inode(info os.FileInfo) any {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return [2]uint64{s.Dev, s.Ino}
	}
	return nil
}
