package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The files of a layout
// (https://github.com/opencontainers/image-spec/blob/main/image-layout.md), and
// the annotations with the name of an image: OCI's, and containerd's.
const (
	layoutFile      = "oci-layout"
	layoutIndex     = "index.json"
	annotationName  = "org.opencontainers.image.ref.name"
	annotationImage = "io.containerd.image.name"
)

// store opens the files of a layout or an archive by name. The error of a file
// that is not there is fs.ErrNotExist.
type store interface {
	open(name string) (io.ReadCloser, error)
}

// folder is a layout in a directory. Symbolic links do not lead out of it.
type folder struct{ root *os.Root }

func (f folder) open(name string) (io.ReadCloser, error) {
	info, err := f.root.Stat(name)
	if err != nil {
		return nil, pathCause(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	return f.root.Open(name)
}

func isLayout(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, layoutFile))
	return err == nil
}

func openLayout(dir string, o Options) (*Source, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the image %s: %w", dir, pathCause(err))
	}
	s, err := newLayout(folder{root}, dir, o)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	s.close = root.Close
	return s, nil
}

// newLayout reads the index of a layout.
func newLayout(files store, place string, o Options) (*Source, error) {
	text, err := readFile(files, layoutIndex)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s of %s: %w", layoutIndex, place, err)
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, fmt.Errorf("%s of %s is not the JSON of an index: %w", layoutIndex, place, err)
	}
	if index.Manifests, err = named(index.Manifests, place, o.Name); err != nil {
		return nil, err
	}
	l := &layout{files, place, v1.Descriptor{MediaType: "application/vnd.oci.image.index.v1+json"}, index}
	return &Source{blobs: l, reference: place, root: l.top, close: func() error { return nil }}, nil
}

// named selects the manifests of a layout that have a name. Without a name, they
// must be those of one image.
func named(list []v1.Descriptor, place, wanted string) ([]v1.Descriptor, error) {
	byName := map[string][]v1.Descriptor{}
	for _, d := range list {
		byName[nameOf(d)] = append(byName[nameOf(d)], d)
	}
	if wanted == "" && len(byName) <= 1 {
		return list, nil
	}
	for _, d := range list {
		if wanted != "" && (d.Annotations[annotationName] == wanted || sameName(d.Annotations[annotationImage], wanted)) {
			return byName[nameOf(d)], nil
		}
	}
	return nil, choose(place, wanted, slices.Sorted(maps.Keys(byName)))
}

func nameOf(d v1.Descriptor) string {
	if n := d.Annotations[annotationImage]; n != "" {
		return n
	}
	return d.Annotations[annotationName]
}

// sameName compares names as people write them: "debian" is docker.io's
// library/debian:latest.
func sameName(a, b string) bool {
	if a == b {
		return true
	}
	one, err := name.ParseReference(a)
	if err != nil {
		return false
	}
	other, err := name.ParseReference(b)
	return err == nil && one.Name() == other.Name()
}

// choose is the error for a choice that only the user can make.
func choose(place, wanted string, names []string) error {
	const shown = 10
	list := strings.Join(names[:min(shown, len(names))], ", ")
	if wanted != "" {
		return fmt.Errorf("%s has no image %s; it has: %s", place, wanted, list)
	}
	return fmt.Errorf("%s has several images: name one of them with --name: %s", place, list)
}

// layout has the blobs of an OCI layout.
type layout struct {
	files store
	place string
	top   v1.Descriptor // that of the index, which has no digest
	index v1.IndexManifest
}

func (l *layout) blob(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	if d.Digest.Algorithm != "sha256" && d.Digest.Algorithm != "sha512" {
		return nil, fmt.Errorf("%q is not the digest of a blob", d.Digest)
	}
	return l.files.open("blobs/" + d.Digest.Algorithm + "/" + d.Digest.Hex)
}

func (l *layout) manifest(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	if d.Digest.Hex == "" {
		return json.Marshal(l.index)
	}
	r, err := l.blob(ctx, d)
	if err != nil {
		return nil, err
	}
	return readJSON(r, d)
}

func (l *layout) verifies() bool { return false }

func (l *layout) explain(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not complete: %w", l.place, err)
	}
	return fmt.Errorf("%s: %w", l.place, err)
}

// readFile reads a small file.
func readFile(files store, name string) (text []byte, err error) {
	r, err := files.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	text, err = io.ReadAll(io.LimitReader(r, maxJSON+1))
	if err == nil && len(text) > maxJSON {
		err = tooLarge()
	}
	return text, err
}
