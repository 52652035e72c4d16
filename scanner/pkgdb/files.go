package pkgdb

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// Parser reads one file of a package database into a Collector. path is the
// file's path inside the root file system.
type Parser func(r io.Reader, path string, c *Collector) error

// ReadFiles reads those of the files that exist, each once even if several
// names lead to it, and reports whether there was any. A file that exists and
// cannot be read is an error.
func ReadFiles(fsys fs.FS, paths []string, c *Collector, parse Parser) (found bool, err error) {
	return EachFile(fsys, paths, c, func(f *rootfs.File, path string) error {
		return parse(f, path, c)
	})
}

// EachFile is ReadFiles for what is not read from its start to its end. What
// visit reads counts towards MaxSize.
func EachFile(fsys fs.FS, paths []string, c *Collector, visit func(f *rootfs.File, path string) error) (found bool, err error) {
	read := map[fileID]struct{}{}
	for _, path := range paths {
		f, err := rootfs.OpenFile(fsys, path, c.left)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return found, fmt.Errorf("the package database %w", err)
		}
		found = true
		if id, ok := idOf(f.Info()); ok {
			if _, again := read[id]; again {
				_ = f.Close() // nothing was read from it
				continue
			}
			read[id] = struct{}{}
		}
		if err := visitFile(f, path, c, visit); err != nil {
			return found, err
		}
	}
	return found, nil
}

// visitFile closes the file also if what is around it catches a fault of memory.
func visitFile(f *rootfs.File, path string, c *Collector, visit func(f *rootfs.File, path string) error) (err error) {
	defer func() {
		c.left -= f.Consumed()
		err = errors.Join(err, f.Close())
	}()
	return visit(f, path)
}

// fileID is what two names of one file have in common.
type fileID struct{ dev, ino uint64 }

// idOf is false for a file that is not one of this machine's.
func idOf(info fs.FileInfo) (fileID, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}, false
	}
	return fileID{uint64(stat.Dev), stat.Ino}, true //nolint:unconvert // not the same type on every system
}
