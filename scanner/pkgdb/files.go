package pkgdb

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// Parser reads one file of a package database into a Collector. path is the
// file's path inside the root file system.
type Parser func(r io.Reader, path string, c *Collector) error

// ReadFiles reads those of the files that exist, each once even if several
// names lead to it, and reports whether there was any. A file that exists and
// cannot be read is an error.
func ReadFiles(fsys fs.FS, paths []string, c *Collector, parse Parser) (found bool, err error) {
	var read []fs.FileInfo
	for _, path := range paths {
		f, err := rootfs.OpenFile(fsys, path, c.left)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return found, fmt.Errorf("the package database %w", err)
		}
		found = true
		if isOneOf(f.Info(), read) {
			_ = f.Close() // nothing was read from it
			continue
		}
		read = append(read, f.Info())
		err = parse(f, path, c)
		c.left -= f.Consumed()
		if err := errors.Join(err, f.Close()); err != nil {
			return found, err
		}
	}
	return found, nil
}

func isOneOf(info fs.FileInfo, list []fs.FileInfo) bool {
	for _, other := range list {
		if os.SameFile(info, other) {
			return true
		}
	}
	return false
}
