package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// The names of files that stand for what is not there
// (https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts).
const (
	whiteoutPrefix = ".wh."
	whiteoutMeta   = ".wh..wh." // of AUFS, besides opaque
	whiteoutOpaque = ".wh..wh..opq"
)

// layer is what matters of a layer.
type layer struct {
	root *node
	// links and hard are all symbolic and hard links, by path: any of them may
	// turn out to lead to a file that matters.
	links, hard map[string]string
}

// layerReader reads the archive of one layer, from its start to its end.
type layerReader struct {
	*layer
	selected *selection
	budget   *budget
	// hidden reports whether upper layers hide a file, as far as they are read.
	hidden func(name string) bool

	dir, resolved string // the folder that was resolved last
}

// readLayer reads the archive of a layer. It is extracted as builders do, which
// see no other layer meanwhile: a symbolic link leads inside its own layer.
func readLayer(ctx context.Context, r io.Reader, selected *selection, b *budget, hidden func(string) bool) (*layer, error) {
	l := &layerReader{
		layer:    &layer{newFolder(), map[string]string{}, map[string]string{}},
		selected: selected, budget: b, hidden: hidden,
	}
	archive := tar.NewReader(r)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return l.layer, nil
		}
		if err == nil {
			err = b.entry()
		}
		if err == nil {
			err = l.entry(header, archive)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (l *layerReader) entry(header *tar.Header, content io.Reader) error {
	if len(header.Name) > maxName || len(header.Linkname) > maxName {
		return fmt.Errorf("it has a file with a name longer than %d bytes", maxName)
	}
	if strings.Count(header.Name, "/") > maxFolders || strings.Count(header.Linkname, "/") > maxFolders {
		return fmt.Errorf("it has a file in more than %d folders", maxFolders)
	}
	name, err := l.locate(header.Name)
	if err != nil || name == "" {
		return err
	}
	base := path.Base(name)
	switch {
	case base == whiteoutOpaque:
		return l.note(path.Dir(name), func() { l.root.folder(path.Dir(name)).opaque = true })
	case strings.HasPrefix(base, whiteoutMeta):
		return nil
	case strings.HasPrefix(base, whiteoutPrefix):
		hidden := strings.TrimPrefix(base, whiteoutPrefix)
		if hidden == "" || hidden == "." || hidden == ".." {
			return fmt.Errorf("%s is a whiteout of no name", name)
		}
		gone := path.Join(path.Dir(name), hidden)
		return l.note(gone, func() { l.root.remove(gone) })
	}
	l.forget(name)
	switch header.Typeflag {
	case tar.TypeSymlink:
		return l.symlink(name, header.Linkname)
	case tar.TypeLink:
		return l.hardLink(name, header.Linkname)
	case tar.TypeXGlobalHeader:
		return nil
	}
	if !l.selected.has(name) {
		return l.note(name, nil)
	}
	n := &node{mode: typeOf(header.Typeflag), size: header.Size, id: l.budget.ids.Add(1)}
	if n.mode.IsRegular() {
		if err := l.keep(n, name, content); err != nil {
			return err
		}
	}
	return l.note(name, func() { l.root.set(name, n) })
}

// typeOf is what builders make of an entry. The bits of the type that the mode
// may have besides, and that FileInfo of the header heeds, are nothing to them.
func typeOf(flag byte) fs.FileMode {
	switch flag {
	case tar.TypeDir:
		return fs.ModeDir
	case tar.TypeChar:
		return fs.ModeDevice | fs.ModeCharDevice
	case tar.TypeBlock:
		return fs.ModeDevice
	case tar.TypeFifo:
		return fs.ModeNamedPipe
	}
	return 0
}

// locate cleans a name and resolves its folder. It is empty for the root.
func (l *layerReader) locate(name string) (string, error) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	if dir == "" || len(l.links) == 0 {
		return name, nil
	}
	if dir != l.dir {
		resolved, err := l.resolve(dir)
		if err != nil {
			return "", fmt.Errorf("%s %w", name, err)
		}
		l.dir, l.resolved = dir, resolved
	}
	return path.Join(l.resolved, base), nil
}

func (l *layerReader) resolve(dir string) (string, error) {
	for i := range len(dir) + 1 {
		if i < len(dir) && dir[i] != '/' {
			continue
		}
		if _, ok := l.links[dir[:i]]; ok {
			return rootfs.Resolve(linksOnly(l.links), dir)
		}
	}
	return dir, nil
}

// linksOnly has symbolic links, and a folder at every other path.
type linksOnly map[string]string

func (l linksOnly) Lstat(name string) (fs.FileInfo, error) {
	if _, ok := l[name]; ok {
		return &info{path.Base(name), &node{mode: fs.ModeSymlink}}, nil
	}
	return &info{path.Base(name), &node{mode: fs.ModeDir}}, nil
}

func (l linksOnly) Readlink(name string) (string, error) { return l[name], nil }

// forget drops the links at a path that an entry takes.
func (l *layerReader) forget(name string) {
	if _, ok := l.links[name]; ok {
		delete(l.links, name)
		l.dir = ""
	}
	delete(l.hard, name)
}

// note changes the layer at a path if that matters. If not, what does is that
// there are the folders on the way.
func (l *layerReader) note(name string, change func()) error {
	if change != nil && l.selected.has(name) {
		change() // which may make the folders on the way
		return l.budget.keep(nodeCost*(1+strings.Count(name, "/")) + len(name))
	}
	for dir := parent(name); dir != ""; dir = parent(dir) {
		if l.selected.above[dir] {
			l.root.folder(dir)
			break
		}
	}
	return nil
}

func (l *layerReader) symlink(name, text string) error {
	l.links[name] = text
	l.dir = ""
	if err := l.budget.keep(nodeCost + len(name) + len(text)); err != nil {
		return err
	}
	return l.note(name, func() { l.root.set(name, &node{mode: fs.ModeSymlink, target: text, id: l.budget.ids.Add(1)}) })
}

// hardLink gives a file of the same layer a second name. That of a symbolic link
// is another link with the same text.
func (l *layerReader) hardLink(name, target string) error {
	target, err := l.locate(target)
	if err != nil {
		return err
	}
	if text, ok := l.links[target]; ok {
		return l.symlink(name, text)
	}
	l.hard[name] = target
	if err := l.budget.keep(nodeCost + len(name) + len(target)); err != nil {
		return err
	}
	if !l.selected.has(name) {
		return l.note(name, nil)
	}
	n := l.root.at(target)
	switch {
	case !l.selected.has(target):
		n = &node{left: true, id: l.budget.ids.Add(1)}
	case n == nil || n.whiteout || n.mode.IsDir():
		return fmt.Errorf("%s is a hard link to %s, which is no file before it in its layer", name, target)
	}
	return l.note(name, func() { l.root.set(name, n) })
}

// keep reads the content of a file that matters.
func (l *layerReader) keep(n *node, name string, content io.Reader) (err error) {
	if !l.selected.keeps(name, n.size) || l.hidden(name) {
		n.left = true
		return nil
	}
	if err := l.budget.keep(int(n.size)); err != nil {
		return err
	}
	if n.content, err = io.ReadAll(io.LimitReader(content, n.size)); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}
