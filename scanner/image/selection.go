package image

import (
	"path"
	"strings"

	"github.com/example/microscanner-frontend/scanner/pkgdb"
)

// Limits on what is kept of a file.
const (
	// maxKept is the size of the largest file that is kept, in bytes: that of the
	// largest which the readers of package databases take. Of a larger one they
	// only ask how large it is.
	maxKept = pkgdb.MaxSize
	// maxGuess is that for a file which is kept because of its name alone, as a
	// symbolic link may lead to it.
	maxGuess = 64 << 10
)

// selection says which paths of an image matter. They are paths without symbolic
// links.
type selection struct {
	files map[string]bool
	dirs  map[string]bool // of which every file matters
	// above are the folders on the way to the files and folders.
	above map[string]bool
	// names are the last components of the files. A link to such a file mostly
	// leads to one of the same name, and the layer with the link is not always
	// read first.
	names map[string]bool
}

func emptySelection() *selection {
	return &selection{files: map[string]bool{}, dirs: map[string]bool{}, above: map[string]bool{}, names: map[string]bool{}}
}

// newSelection selects files, and folders with a slash behind.
func newSelection(paths []string) *selection {
	s := emptySelection()
	for _, p := range paths {
		s.add(path.Clean(p), strings.HasSuffix(p, "/"))
	}
	return s
}

func (s *selection) add(name string, folder bool) {
	if folder {
		s.dirs[name] = true
	} else {
		s.files[name] = true
		s.names[path.Base(name)] = true
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		s.above[dir] = true
	}
}

// wants reports whether a reader may open the file or folder.
func (s *selection) wants(name string) bool {
	return s.files[name] || s.dirs[name] || s.dirs[path.Dir(name)]
}

// has reports whether it is noted what is at a path.
func (s *selection) has(name string) bool {
	return s.wants(name) || s.above[name] || s.names[path.Base(name)]
}

// keeps reports whether the content of a file of that size is kept.
func (s *selection) keeps(name string, size int64) bool {
	return s.wants(name) && size <= maxKept || s.names[path.Base(name)] && size <= maxGuess
}

// covers reports whether all is noted that other selects.
func (s *selection) covers(other *selection) bool {
	for _, list := range []map[string]bool{other.files, other.above} {
		for name := range list {
			if !s.has(name) {
				return false
			}
		}
	}
	for name := range other.dirs {
		if !s.dirs[name] {
			return false
		}
	}
	return true
}
