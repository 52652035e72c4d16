package oci

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/example/microscanner-frontend/scanner/db"
)

// The annotations of an image. The first two are of
// https://github.com/opencontainers/image-spec/blob/main/annotations.md, whose
// package of names would be initialised at the start of every scan.
const (
	AnnotationTitle   = "org.opencontainers.image.title"
	AnnotationCreated = "org.opencontainers.image.created"
	// AnnotationDigest has db.Meta.Digest.
	AnnotationDigest = "microscanner.database.digest"
)

// ownLayers is how many releases have a layer of their own. Docker Engine takes
// no image of more than 125 layers, and a database may have more releases.
const ownLayers = 64

// plan says which files are in which layer. Each of the largest releases has
// its own, so that only what changed is uploaded and fetched again; the others
// share one by distribution. Last come the details, the repositories and, new
// with every build, the metadata.
func plan(meta db.Meta) [][]string {
	bySize := slices.SortedFunc(slices.Values(meta.Releases), func(a, b db.ReleaseMeta) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), strings.Compare(a.File, b.File))
	})
	large := map[string]bool{}
	for _, r := range bySize[:min(len(bySize), ownLayers)] {
		large[r.File] = true
	}
	var layers [][]string
	shared := map[string]int{} // place in layers
	for _, r := range meta.Releases {
		i, found := shared[r.Distro]
		if found && !large[r.File] {
			layers[i] = append(layers[i], r.File)
			continue
		}
		if !large[r.File] {
			shared[r.Distro] = len(layers)
		}
		layers = append(layers, []string{r.File})
	}
	return append(layers, []string{meta.Details.File}, []string{meta.Repositories.File}, []string{db.MetadataFile})
}

// newImage makes the image of the database in dir. Its layers are kept in the
// directory scratch.
//
// A builder of every platform takes the image, because it is a single manifest
// and not an index: the platform that it must state chooses nothing.
func newImage(scratch, dir string, meta db.Meta) (v1.Image, error) {
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	image, err := mutate.ConfigFile(image, &v1.ConfigFile{
		OS: "linux", Architecture: "amd64",
		Created: v1.Time{Time: meta.Built},
		RootFS:  v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, err
	}
	for _, files := range plan(meta) {
		names := strings.Join(files, " ")
		layer, err := newLayer(scratch, dir, files...)
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", names, err)
		}
		image, err = mutate.Append(image, mutate.Addendum{
			Layer:   layer,
			History: v1.History{Created: v1.Time{Time: meta.Built}, CreatedBy: "microscanner db push", Comment: names},
		})
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", names, err)
		}
	}
	annotated, ok := mutate.Annotations(image, map[string]string{
		AnnotationTitle:   "MicroScanner advisory database",
		AnnotationCreated: meta.Built.UTC().Format(time.RFC3339),
		AnnotationDigest:  meta.Digest,
	}).(v1.Image)
	if !ok {
		return nil, errors.New("the image cannot be annotated")
	}
	return annotated, nil
}
