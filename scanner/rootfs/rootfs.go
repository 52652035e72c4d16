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
	"path"
	"strings"
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
	resolved, err := d.resolve(name)
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
	if err := readable(info.Mode()); err != nil {
		return nil, err
	}
	f, err := d.root.OpenFile(resolved, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err = f.Stat()
	if err == nil {
		err = readable(info.Mode())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// maxLinks is how many symbolic links a name may lead through, as in Linux.
const maxLinks = 40

// walk is the state of following a name. pending holds the components still
// to go, the next one last; the topmost linked of them come from a link's text.
type walk struct {
	at      string // resolved so far, without links
	pending []string
	linked  int    // how many pending components are not the name's own
	link    string // the last link's path and text, for errors
	text    string
	links   int
}

// resolve turns a name into one without symbolic links.
func (d *Dir) resolve(name string) (string, error) {
	w := walk{at: "."}
	w.push(name)
	for len(w.pending) > 0 {
		inLink := w.linked > 0
		component := w.pop()
		if component == ".." {
			w.at = path.Dir(w.at) // of "." it is "."
			continue
		}
		next := path.Join(w.at, component)
		info, err := d.root.Lstat(next)
		switch {
		case inLink && errors.Is(err, fs.ErrNotExist):
			return "", &LinkError{w.link, w.text}
		case err != nil:
			return "", cause(err)
		case info.Mode().Type() == fs.ModeSymlink:
			if err := d.follow(&w, next); err != nil {
				return "", err
			}
		case len(w.pending) > 0 && !info.IsDir():
			return "", fmt.Errorf("%s is %s, not a directory", next, kind(info.Mode()))
		default:
			w.at = next
		}
	}
	return w.at, nil
}

func (d *Dir) follow(w *walk, link string) error {
	if w.links++; w.links > maxLinks {
		return fault("leads through too many symbolic links")
	}
	text, err := d.root.Readlink(link)
	if err != nil {
		return cause(err)
	}
	if path.IsAbs(text) {
		w.at = "."
	}
	w.linked += w.push(text)
	w.link, w.text = link, text
	return nil
}

func (w *walk) push(name string) int {
	n := 0
	parts := strings.Split(name, "/")
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i] != "" && parts[i] != "." {
			w.pending = append(w.pending, parts[i])
			n++
		}
	}
	return n
}

func (w *walk) pop() string {
	last := len(w.pending) - 1
	component := w.pending[last]
	w.pending = w.pending[:last]
	w.linked = max(0, w.linked-1)
	return component
}

// LinkError is a symbolic link whose target is not in the root file system.
type LinkError struct {
	Link, Target string
}

// Error names the link and its target.
func (e *LinkError) Error() string {
	return fmt.Sprintf("%s is a symbolic link to %s, which is not in the image", e.Link, e.Target)
}

// readable is an error for everything but directories and regular files.
func readable(mode fs.FileMode) error {
	if mode.IsDir() || mode.IsRegular() {
		return nil
	}
	return fault("is " + kind(mode) + ", not a regular file")
}

// kind is a type of file in words.
func kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a regular file"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "no file of a known type"
}

// cause drops what the os package puts before the cause of an error: the
// caller names the operation and the path.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
