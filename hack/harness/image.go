package harness

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Image returns the image of one platform ("linux/amd64") behind a reference
// in the registry. Its methods fetch what they return.
func (e *Env) Image(ctx context.Context, ref, platform string) (v1.Image, error) {
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		return nil, fmt.Errorf("read image %s: %w", ref, err)
	}
	r, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		return nil, fmt.Errorf("read image %s: %w", ref, err)
	}
	img, err := remote.Image(r, remote.WithContext(ctx), remote.WithPlatform(*p))
	if err != nil {
		return nil, fmt.Errorf("read image %s: %w", ref, err)
	}
	return img, nil
}

// Index returns the image index behind a reference in the registry: what
// buildx pushes for several platforms, or with an attestation.
func (e *Env) Index(ctx context.Context, ref string) (v1.ImageIndex, error) {
	r, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		return nil, fmt.Errorf("read index %s: %w", ref, err)
	}
	index, err := remote.Index(r, remote.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("read index %s: %w", ref, err)
	}
	return index, nil
}

// Push stores an image in the registry.
func (e *Env) Push(ctx context.Context, ref string, img v1.Image) error {
	r, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		return fmt.Errorf("push image %s: %w", ref, err)
	}
	if err := remote.Write(r, img, remote.WithContext(ctx)); err != nil {
		return fmt.Errorf("push image %s: %w", ref, err)
	}
	return nil
}
