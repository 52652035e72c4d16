package image

import (
	"io/fs"
	"path"
	"strings"
)

// node is what is at a path, in one layer or in all of them together. Nodes do
// not change once a layer is read, and are shared by what is made of it.
type node struct {
	mode fs.FileMode // only the type
	// whiteout says that the lower layers have nothing at the path, and opaque
	// that they have nothing in the folder.
	whiteout, opaque bool
	children         map[string]*node // of a folder
	target           string           // of a symbolic link
	size             int64            // of a regular file
	content          []byte
	left             bool   // the content was not kept
	id               uint64 // which hard links share
}

func newFolder() *node { return &node{mode: fs.ModeDir, children: map[string]*node{}} }

func (n *node) isFolder() bool { return n != nil && n.mode.IsDir() && !n.whiteout }

// at is the node at a path without links, nil if there is none.
func (n *node) at(name string) *node {
	if name == "" || name == "." {
		return n
	}
	for component := range strings.SplitSeq(name, "/") {
		if !n.isFolder() {
			return nil
		}
		n = n.children[component]
	}
	return n
}

// hides reports whether this layer, or one above it, says what is at the path, so
// that a file there in a lower layer is not seen.
func (n *node) hides(name string) bool {
	for component := range strings.SplitSeq(name, "/") {
		if n == nil {
			return false
		}
		if !n.isFolder() || n.opaque {
			return true
		}
		n = n.children[component]
	}
	return n != nil // a folder hides a file too
}

// folder is the folder at a path of a layer, which is made if needed: in the
// place of what else the layer has there, as extracting does.
func (n *node) folder(name string) *node {
	for component := range strings.SplitSeq(name, "/") {
		if name == "" || name == "." {
			break
		}
		n = n.enter(component)
	}
	return n
}

func (n *node) enter(component string) *node {
	child := n.children[component]
	if child.isFolder() {
		return child
	}
	made := newFolder()
	made.opaque = child != nil && child.whiteout
	n.children[component] = made
	return made
}

// set puts a node at a path of a layer. What lower layers have there does not
// come back under it.
func (n *node) set(name string, child *node) {
	folder := n.folder(path.Dir(name))
	base := path.Base(name)
	if !child.mode.IsDir() {
		folder.children[base] = child
		return
	}
	folder.enter(base)
}

// remove notes a whiteout, which is about the lower layers alone: a file of its
// own layer stays, wherever it stands in the archive.
func (n *node) remove(name string) {
	folder := n.folder(path.Dir(name))
	base := path.Base(name)
	switch child := folder.children[base]; {
	case child == nil:
		folder.children[base] = &node{whiteout: true}
	case child.isFolder():
		child.opaque = true
	}
}

// overlay puts a layer on what is below it, as overlayfs does: folders are
// merged, and all else takes the place of what is below. It is nil if nothing is
// left. The folders of lower must come from overlay; they are used up.
func overlay(lower, upper *node) *node {
	if upper.whiteout {
		return nil
	}
	if !upper.isFolder() {
		return upper
	}
	merged := newFolder()
	if lower.isFolder() && !upper.opaque {
		merged.children = lower.children
	}
	for name, child := range upper.children {
		if m := overlay(merged.children[name], child); m != nil {
			merged.children[name] = m
		} else {
			delete(merged.children, name)
		}
	}
	return merged
}
