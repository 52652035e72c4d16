package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// dockerManifest lists the images of an archive of "docker save"
// (https://github.com/moby/docker-image-spec/blob/main/v1.2.md).
const dockerManifest = "manifest.json"

// dockerImage is an entry of it.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// docker has the blobs of such an archive. They go by the names of files: the
// layers have no digests but those of the configuration.
type docker struct {
	files  *archive
	place  string
	image  dockerImage
	config v1.ConfigFile
}

func newDocker(files *archive, place string, o Options) (*Source, error) {
	text, err := readFile(files, dockerManifest)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s of %s: %w", dockerManifest, place, err)
	}
	var list []dockerImage
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s of %s is not what \"docker save\" writes: %w", dockerManifest, place, err)
	}
	image, err := pick(list, place, o.Name)
	if err != nil {
		return nil, err
	}
	d := &docker{files: files, place: place, image: image}
	if text, err = readFile(files, image.Config); err != nil {
		return nil, d.explain(fmt.Errorf("the configuration: %w", err))
	}
	if err := json.Unmarshal(text, &d.config); err != nil {
		return nil, d.explain(fmt.Errorf("the configuration is not the JSON of one: %w", err))
	}
	if len(image.Layers) > maxLayers {
		return nil, d.explain(tooManyLayers(len(image.Layers)))
	}
	if len(d.config.RootFS.DiffIDs) != len(image.Layers) {
		return nil, d.explain(fmt.Errorf("it has %d layers, and its configuration knows %d", len(image.Layers), len(d.config.RootFS.DiffIDs)))
	}
	return &Source{blobs: d, reference: place, close: func() error { return nil }}, nil
}

// pick selects the image of a name.
func pick(list []dockerImage, place, wanted string) (dockerImage, error) {
	if wanted == "" && len(list) == 1 {
		return list[0], nil
	}
	var names []string
	for _, image := range list {
		if wanted != "" && slices.ContainsFunc(image.RepoTags, func(tag string) bool { return sameName(tag, wanted) }) {
			return image, nil
		}
		names = append(names, strings.Join(image.RepoTags, " = "))
	}
	if len(list) == 0 {
		return dockerImage{}, fmt.Errorf("%s has no image", place)
	}
	return dockerImage{}, choose(place, wanted, names)
}

// single is the one image of the archive. It has no manifest, and so no digest of
// one.
func (d *docker) single(s *Source) *Image {
	i := &Image{Reference: s.reference, Platform: platformOf(d.config.Platform()), source: s}
	for n, id := range d.config.RootFS.DiffIDs {
		file := d.image.Layers[n]
		i.layers = append(i.layers, part{
			Descriptor: v1.Descriptor{Size: d.files.find(file).size, Annotations: map[string]string{dockerManifest: file}},
			diffID:     id.String(),
		})
	}
	return i
}

func (d *docker) blob(_ context.Context, of v1.Descriptor) (io.ReadCloser, error) {
	return d.files.open(of.Annotations[dockerManifest])
}

func (d *docker) manifest(context.Context, v1.Descriptor) ([]byte, error) {
	return nil, fs.ErrNotExist // there are none
}

func (d *docker) verifies() bool { return false }

func (d *docker) explain(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not complete: %w", d.place, err)
	}
	return fmt.Errorf("%s: %w", d.place, err)
}
