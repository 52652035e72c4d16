package image

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"syscall"
	"time"

	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// files is the root file system of an image, as far as it was kept. It is an
// fs.FS that goes through symbolic links as rootfs.Dir does.
type files struct {
	root *node
	// wanted is what may be opened. That anything else is not there is not known.
	wanted *selection
}

var errNotKept = errors.New("was not kept of the image: the list of what scans read lacks it")

// Open opens a regular file or a folder that was asked for.
func (f *files) Open(name string) (fs.File, error) {
	n, err := f.find(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &file{info: &info{path.Base(name), n}, reader: bytes.NewReader(n.content)}, nil
}

func (f *files) find(name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, fs.ErrInvalid
	}
	if !f.wanted.wants(name) {
		return nil, errNotKept
	}
	resolved, err := rootfs.Resolve(f, name)
	if err != nil {
		return nil, err
	}
	n := f.root.at(resolved)
	return n, rootfs.Readable(n.mode)
}

// Lstat describes what is at a path without symbolic links before its last
// component.
func (f *files) Lstat(name string) (fs.FileInfo, error) {
	n := f.root.at(name)
	if n == nil {
		return nil, fs.ErrNotExist
	}
	return &info{path.Base(name), n}, nil
}

// Readlink is the text of a symbolic link at such a path.
func (f *files) Readlink(name string) (string, error) {
	n := f.root.at(name)
	if n == nil || n.mode.Type() != fs.ModeSymlink {
		return "", fs.ErrInvalid
	}
	return n.target, nil
}

// file is a regular file or a folder that is open.
type file struct {
	info    *info
	reader  *bytes.Reader
	entries []fs.DirEntry // those that ReadDir did not give yet
	listed  bool
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }

func (f *file) Close() error { return nil }

func (f *file) Read(p []byte) (int, error) {
	if err := f.readable(); err != nil {
		return 0, err
	}
	return f.reader.Read(p)
}

// ReadAt reads from any place, as the readers of databases do.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if err := f.readable(); err != nil {
		return 0, err
	}
	return f.reader.ReadAt(p, off)
}

func (f *file) readable() error {
	switch {
	case f.info.IsDir():
		return syscall.EISDIR
	case f.info.node.left:
		return errNotKept
	}
	return nil
}

// ReadDir lists a folder, sorted by name; see fs.ReadDirFile.
func (f *file) ReadDir(n int) ([]fs.DirEntry, error) {
	if !f.info.IsDir() {
		return nil, syscall.ENOTDIR
	}
	if !f.listed {
		f.listed = true
		children := f.info.node.children
		for _, name := range slices.Sorted(maps.Keys(children)) {
			f.entries = append(f.entries, fs.FileInfoToDirEntry(&info{name, children[name]}))
		}
	}
	if n <= 0 {
		n = len(f.entries)
	} else if len(f.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.entries))
	out := f.entries[:n:n]
	f.entries = f.entries[n:]
	return out, nil
}

// info describes a node.
type info struct {
	name string
	node *node
}

func (i *info) Name() string       { return i.name }
func (i *info) Size() int64        { return i.node.size }
func (i *info) Mode() fs.FileMode  { return i.node.mode | 0o444 }
func (i *info) ModTime() time.Time { return time.Time{} }
func (i *info) IsDir() bool        { return i.node.mode.IsDir() }

// Sys has what tells a file from every other: several names may lead to one, and
// its packages count once.
func (i *info) Sys() any { return &syscall.Stat_t{Ino: i.node.id} }
