package image

import (
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// How BuildKit attaches statements to an image: as the layers of a manifest that
// stands beside the image's in an index
// (https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md).
const (
	annotationReference = "vnd.docker.reference.digest"
	annotationKind      = "vnd.docker.reference.type"
	annotationPredicate = "in-toto.io/predicate-type"
	attestationKind     = "attestation-manifest"
	statementType       = "application/vnd.in-toto+json"
)

// maxStatements is how many statements of one type an image may have.
const maxStatements = 16

// Statements are the in-toto statements of a predicate type that are attached to
// an image, each of at most maxSize bytes. That they are about the image is the
// index's word alone: a reader compares their subjects. There are none for an
// image without an index, and in an archive that has no digests.
func (i *Image) Statements(ctx context.Context, predicateType string, maxSize int64) ([][]byte, error) {
	if i.Digest == "" || !i.source.root.MediaType.IsIndex() {
		return nil, nil
	}
	layers, err := i.source.walk().statementLayers(ctx, i.source.root, i.Digest, predicateType, 0)
	if err != nil {
		return nil, err
	}
	if len(layers) > maxStatements {
		return nil, fmt.Errorf("%s has %d statements of the type %s, more than %d", i.Reference, len(layers), predicateType, maxStatements)
	}
	var out [][]byte
	for _, l := range layers {
		text, err := i.source.readStatement(ctx, l, maxSize)
		if err != nil {
			return nil, i.source.blobs.explain(fmt.Errorf("the statement %s: %w", l.Digest, err))
		}
		out = append(out, text)
	}
	return out, nil
}

// statementLayers finds the statements in an index, and in the indexes in it.
func (w *walk) statementLayers(ctx context.Context, d v1.Descriptor, about, predicateType string, depth int) ([]v1.Descriptor, error) {
	children, err := w.index(ctx, d, depth)
	if err != nil {
		return nil, err
	}
	var out []v1.Descriptor
	for _, child := range children {
		var found []v1.Descriptor
		switch {
		case child.MediaType.IsIndex():
			found, err = w.statementLayers(ctx, child, about, predicateType, depth+1)
		case child.Annotations[annotationKind] == attestationKind && child.Annotations[annotationReference] == about:
			found, err = w.statementsOf(ctx, child, predicateType)
		}
		if err != nil {
			return nil, err
		}
		if out = append(out, found...); len(out) > maxManifests {
			return nil, fmt.Errorf("%s has more than %d statements", w.reference, maxManifests)
		}
	}
	return out, nil
}

func (s *Source) statementsOf(ctx context.Context, d v1.Descriptor, predicateType string) ([]v1.Descriptor, error) {
	var m v1.Manifest
	if err := s.decode(ctx, d, manifestKind, &m); err != nil {
		return nil, err
	}
	var out []v1.Descriptor
	for _, l := range m.Layers {
		if l.MediaType == statementType && l.Annotations[annotationPredicate] == predicateType {
			out = append(out, l)
		}
	}
	return out, nil
}

func (s *Source) readStatement(ctx context.Context, d v1.Descriptor, maxSize int64) (text []byte, err error) {
	if d.Size > maxSize {
		return nil, fmt.Errorf("it is larger than the limit of %d MiB", maxSize>>20)
	}
	blob, err := s.blobs.blob(ctx, d)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	return io.ReadAll(s.count(verify(io.LimitReader(blob, maxSize+1), d.Digest.String(), d.Size)))
}
