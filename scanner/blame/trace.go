package blame

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"

	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// tracer is a file system that notes what is opened in it. What a reader reads
// follows from that: if all of it is the same in another file system, the reader
// would read the same there.
type tracer struct {
	fsys   fs.FS
	opened []opened
}

// opened is a name that was opened, and what was there.
type opened struct {
	name    string
	state   state
	entries []string // of a directory
}

// state is what tells a file from every other, and from itself after a change.
// The root file systems of a build lie on one disk, most often as overlays that
// share their lower directories, so a file that no step touched is the same
// inode with the same change time, which no program can set. The device is no
// part of it, as every overlay is one of its own.
type state struct {
	exists       bool
	mode         fs.FileMode
	inode        uint64
	size         int64
	mtime, ctime syscall.Timespec
}

// maxEntries is how many files of a directory are compared; readers take fewer.
const maxEntries = 10_000

// Open opens a file and notes what it is.
func (t *tracer) Open(name string) (fs.File, error) {
	f, err := t.fsys.Open(name)
	o, ok := look(t.fsys, name, f, err)
	if !ok {
		o.name = "" // compares as different from everything
	}
	t.opened = append(t.opened, o)
	return f, err
}

// same reports whether everything that was opened is the same in another file
// system.
func (t *tracer) same(fsys fs.FS) bool {
	return !slices.ContainsFunc(t.opened, func(o opened) bool {
		if o.name == "" {
			return true
		}
		f, err := fsys.Open(o.name)
		now, ok := look(fsys, o.name, f, err)
		if f != nil {
			_ = f.Close() // nothing was read
		}
		return !ok || now.state != o.state || !slices.Equal(now.entries, o.entries)
	})
}

// look describes what Open returned, and reports whether that can be compared.
func look(fsys fs.FS, name string, f fs.File, err error) (opened, bool) {
	o := opened{name: name}
	if err != nil {
		return o, errors.Is(err, fs.ErrNotExist)
	}
	info, err := f.Stat()
	if err != nil {
		return o, false
	}
	if info.IsDir() {
		entries, err := rootfs.ReadDir(fsys, name, maxEntries)
		for _, e := range entries {
			o.entries = append(o.entries, e.Name())
		}
		o.state = state{exists: true, mode: info.Mode()}
		return o, err == nil
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return o, false
	}
	o.state = state{true, info.Mode(), stat.Ino, stat.Size, stat.Mtim, stat.Ctim}
	return o, true
}
