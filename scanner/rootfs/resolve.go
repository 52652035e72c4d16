package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

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

// Links looks at files without following symbolic links, by names that have none
// before their last component. An *os.Root does.
type Links interface {
	Lstat(name string) (fs.FileInfo, error)
	Readlink(name string) (string, error)
}

// Resolve turns a valid path into one without symbolic links, "." for the root.
// The errors are those of Dir's Open.
func Resolve(root Links, name string) (string, error) {
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
		info, err := root.Lstat(next)
		switch {
		case inLink && errors.Is(err, fs.ErrNotExist):
			return "", &LinkError{w.link, w.text}
		case err != nil:
			return "", cause(err)
		case info.Mode().Type() == fs.ModeSymlink:
			if err := w.follow(root, next); err != nil {
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

func (w *walk) follow(root Links, link string) error {
	if w.links++; w.links > maxLinks {
		return fault("leads through too many symbolic links")
	}
	text, err := root.Readlink(link)
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

// Readable is an error for everything but directories and regular files.
func Readable(mode fs.FileMode) error {
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
