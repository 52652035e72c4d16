package image

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Limits of an index. Each image may have an attestation beside it.
const (
	maxDepth     = 4
	maxManifests = 500
	maxChildren  = 2 * maxManifests
	maxIndexes   = 100
)

// walk goes through an index and the indexes in it.
type walk struct {
	*Source
	indexes int // that were read
}

func (s *Source) walk() *walk { return &walk{Source: s} }

// index reads what an index lists. It counts indexes, and not only their levels:
// one may list another many times, which lists a third many times.
func (w *walk) index(ctx context.Context, d v1.Descriptor, depth int) ([]v1.Descriptor, error) {
	w.indexes++
	switch {
	case depth == maxDepth:
		return nil, fmt.Errorf("the index of %s has more than %d levels", w.reference, maxDepth)
	case w.indexes > maxIndexes:
		return nil, fmt.Errorf("the index of %s has more than %d indexes in it", w.reference, maxIndexes)
	}
	var index v1.IndexManifest
	if err := w.decode(ctx, d, indexKind, &index); err != nil {
		return nil, err
	}
	if len(index.Manifests) > maxChildren {
		return nil, fmt.Errorf("the index of %s lists more than %d manifests", w.reference, maxChildren)
	}
	return index.Manifests, nil
}
