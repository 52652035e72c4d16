package image

import (
	"fmt"
	"path"
	"strings"
)

// maxSteps bounds how far links are followed. The images of distributions need
// some hundred steps.
const maxSteps = 50_000

// follower finds all paths that a name may lead to, whichever of the layers'
// links are in force at the end.
type follower struct {
	layers  []*layer
	reached *selection
	seen    map[step]bool
	pending []step
}

// step is a name on the way: the path at has no links, and rest is still to go.
type step struct {
	at, rest string
	folder   bool
}

// follow selects what the paths lead to. Each link of each layer is taken as one
// that may be in force, because an upper layer may hide it or not: the selection
// may be too large, and is never too small.
func follow(layers []*layer, paths []string) (*selection, error) {
	f := &follower{layers: layers, reached: emptySelection(), seen: map[step]bool{}}
	for _, p := range paths {
		f.push(step{"", path.Clean(p), strings.HasSuffix(p, "/")})
	}
	for len(f.pending) > 0 {
		for len(f.pending) > 0 {
			next := f.pending[len(f.pending)-1]
			f.pending = f.pending[:len(f.pending)-1]
			f.take(next)
			if len(f.seen) > maxSteps {
				return nil, fmt.Errorf("the links of the image lead to more than %d places", maxSteps)
			}
		}
		f.links()
	}
	return f.reached, nil
}

func (f *follower) push(s step) {
	if !f.seen[s] {
		f.seen[s] = true
		f.pending = append(f.pending, s)
	}
}

// take goes one component further.
func (f *follower) take(s step) {
	component, rest, _ := strings.Cut(s.rest, "/")
	switch component {
	case "", ".":
		if rest != "" {
			f.push(step{s.at, rest, s.folder})
		} else if s.at != "" {
			f.reach(s.at, s.folder)
		}
		return
	case "..":
		f.push(step{parent(s.at), rest, s.folder})
		return
	}
	next := path.Join(s.at, component)
	f.reached.above[next] = true
	for _, l := range f.layers {
		if text, ok := l.links[next]; ok {
			at := s.at
			if path.IsAbs(text) {
				at = ""
			}
			f.push(step{at, text + "/" + rest, s.folder})
		}
	}
	f.push(step{next, rest, s.folder})
}

// parent is the folder of a path, that of the root the root.
func parent(name string) string {
	dir, _ := path.Split(name)
	return strings.TrimSuffix(dir, "/")
}

func (f *follower) reach(name string, folder bool) {
	f.reached.add(name, folder)
	for _, l := range f.layers {
		if target, ok := l.hard[name]; ok {
			f.push(step{"", target, folder})
		}
	}
}

// links follows the links inside the folders that matter.
func (f *follower) links() {
	for _, l := range f.layers {
		for _, list := range []map[string]string{l.links, l.hard} {
			for name := range list {
				if f.reached.dirs[path.Dir(name)] {
					f.push(step{"", name, false})
				}
			}
		}
	}
}
