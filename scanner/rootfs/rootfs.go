// Package rootfs reads a root file system that nobody trusts.
//
// A directory is seen as the image sees it: an absolute symbolic link means the
// root file system's own root, and ".." stops there. Nothing but directories and
// regular files is ever opened, so a named pipe or a device cannot hold up the
// reader.
package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Dir is a directory on this machine that holds a root file system. It is an
// fs.FS whose names go through symbolic links inside the root.
type Dir struct {
	root *os.Root
}

// Open opens the directory name of this machine.
func Open(name string) (*Dir, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("cannot open the root file system %s: %w", name, cause(err))
	}
	return &Dir{root}, nil
}

// Close releases the directory. Files that were opened stay open.
func (d *Dir) Close() error { return d.root.Close() }

// Open opens a regular file or a directory. The error of a name that does not
// exist is fs.ErrNotExist; that of a symbolic link which leads nowhere is not,
// because somebody meant something to be there.
func (d *Dir) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	resolved, err := Resolve(d.root, name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	f, err := d.open(resolved)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: cause(err)}
	}
	return f, nil
}

// open looks before it opens, since opening a device can do things, and looks
// again at what it got, since the directory may change meanwhile.
func (d *Dir) open(resolved string) (*os.File, error) {
	info, err := d.root.Lstat(resolved)
	if err != nil {
		return nil, err
	}
	if err := Readable(info.Mode()); err != nil {
		return nil, err
	}
	f, err := d.root.OpenFile(resolved, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err = f.Stat()
	if err == nil {
		err = Readable(info.Mode())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// cause drops what the os package puts before the cause of an error: the
// caller names the operation and the path.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
