package image

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// AllPlatforms are all platforms that an image has.
const AllPlatforms = "all"

// Image is an image for one platform.
type Image struct {
	Reference string // as the user named it
	Platform  string // "linux/arm64"; empty if the image does not say
	Digest    string // of its manifest; empty in an archive that has none
	source    *Source
	layers    []part // from the lowest up
}

// part is a layer of an image.
type part struct {
	v1.Descriptor
	diffID string // to verify, where the descriptor has no digest
}

func (p part) id() string {
	if p.Digest.Hex == "" {
		return p.diffID
	}
	return p.Digest.String()
}

// Size is how large the layers are, in bytes, as they are stored; 0 in an archive
// that does not tell.
func (i *Image) Size() int64 {
	sum := int64(0)
	for _, l := range i.layers {
		sum += l.Size
	}
	return sum
}

// candidate is an image that an index lists.
type candidate struct {
	v1.Descriptor
	image *Image // of the archives that have no manifests
}

// Images are the images of the platforms, in their order; of all platforms, in
// the order of the index.
func (s *Source) Images(ctx context.Context, wanted []string) ([]*Image, error) {
	var list []candidate
	single := false
	if d, ok := s.blobs.(*docker); ok {
		list, single = []candidate{{v1.Descriptor{Platform: d.config.Platform()}, d.single(s)}}, true
	} else {
		var err error
		if list, err = s.walk().collect(ctx, s.root, 0, nil); err != nil {
			return nil, err
		}
		single = s.root.MediaType.IsImage()
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no image", s.reference)
	}
	chosen, err := s.choose(list, wanted, single)
	if err != nil {
		return nil, err
	}
	images := make([]*Image, len(chosen))
	for n, c := range chosen {
		if images[n] = c.image; c.image == nil {
			if images[n], err = s.image(ctx, c.Descriptor); err != nil {
				return nil, err
			}
		}
	}
	return images, nil
}

// collect lists the images of an index, and of the indexes in it.
func (w *walk) collect(ctx context.Context, d v1.Descriptor, depth int, list []candidate) ([]candidate, error) {
	switch {
	case d.MediaType.IsSchema1():
		return nil, fmt.Errorf("%s is in the format of Docker from before 2016 (schema 1), which is not supported: build or push it again", w.reference)
	case d.MediaType.IsImage():
		if d.Platform == nil {
			var err error
			if d.Platform, err = w.askPlatform(ctx, d); err != nil {
				return nil, err
			}
		}
		return append(list, candidate{Descriptor: d}), nil
	case !d.MediaType.IsIndex():
		return nil, fmt.Errorf("%s is of the type %q, which is no image", w.reference, d.MediaType)
	}
	children, err := w.index(ctx, d, depth)
	if err != nil {
		return nil, err
	}
	for _, child := range children {
		if isAttestation(child) || isArtifact(child) && len(children) > 1 {
			continue
		}
		if list, err = w.collect(ctx, child, depth+1, list); err != nil {
			return nil, err
		}
		if len(list) > maxManifests {
			return nil, fmt.Errorf("the index of %s has more than %d images", w.reference, maxManifests)
		}
	}
	return list, nil
}

// isAttestation tells what BuildKit attaches to an image
// (https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md).
// Only the platform tells: a machine would run anything else, whatever the
// annotations say, also what has no platform or names no operating system.
func isAttestation(d v1.Descriptor) bool {
	return d.Platform != nil && d.Platform.OS == "unknown"
}

// isArtifact tells what is no image by its type. Some machines ask for the
// platform alone, and would run what has one.
func isArtifact(d v1.Descriptor) bool {
	return d.Platform == nil && !d.MediaType.IsImage() && !d.MediaType.IsIndex()
}

// askPlatform reads the platform from an image's configuration.
func (s *Source) askPlatform(ctx context.Context, d v1.Descriptor) (*v1.Platform, error) {
	var m v1.Manifest
	if err := s.decode(ctx, d, manifestKind, &m); err != nil {
		return nil, err
	}
	if err := s.isImage(&m); err != nil {
		return nil, err
	}
	var config struct {
		Architecture string `json:"architecture"`
		OS           string `json:"os"`
		Variant      string `json:"variant"`
	}
	if err := s.decode(ctx, m.Config, configurationKind, &config); err != nil {
		return nil, err
	}
	return &v1.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant}, nil
}

// isImage refuses other things that registries hold.
func (s *Source) isImage(m *v1.Manifest) error {
	if t := m.Config.MediaType; t != "" && !t.IsConfig() {
		return fmt.Errorf("%s is no image but an artifact with a configuration of the type %q", s.reference, t)
	}
	return nil
}

// choose selects the images of the platforms.
func (s *Source) choose(list []candidate, wanted []string, single bool) ([]candidate, error) {
	if slices.Contains(wanted, AllPlatforms) || single && len(wanted) == 0 {
		return list, nil
	}
	if len(wanted) == 0 {
		p := platforms.DefaultSpec()
		p.OS, p.Architecture, p.OSVersion, p.OSFeatures = "linux", runtime.GOARCH, "", nil
		wanted = []string{platforms.Format(p)}
	}
	var out []candidate
	for _, text := range wanted {
		p, err := platforms.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no platform such as linux/arm64", text)
		}
		best, err := s.best(list, text, platforms.Only(p))
		if err != nil {
			return nil, err
		}
		out = append(out, best)
	}
	return out, nil
}

// best is the image that runs best on a platform.
func (s *Source) best(list []candidate, wanted string, runs platforms.MatchComparer) (candidate, error) {
	var best *candidate
	var have []string
	for n := range list {
		p := spec(list[n].Platform)
		if !slices.Contains(have, platforms.Format(p)) {
			have = append(have, platforms.Format(p))
		}
		if runs.Match(p) && (best == nil || runs.Less(p, spec(best.Platform))) {
			best = &list[n]
		}
	}
	if best == nil {
		return candidate{}, fmt.Errorf("%s has no image for %s; choose with --platform: %s", s.reference, wanted, strings.Join(have, ", "))
	}
	return *best, nil
}

func spec(p *v1.Platform) platforms.Platform {
	if p == nil {
		return platforms.Platform{}
	}
	return platforms.Normalize(platforms.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant})
}

func platformOf(p *v1.Platform) string {
	if p == nil || p.OS == "" {
		return ""
	}
	return platforms.Format(spec(p))
}

// image reads the manifest of an image, and refuses layers that cannot be read.
func (s *Source) image(ctx context.Context, d v1.Descriptor) (*Image, error) {
	var m v1.Manifest
	if err := s.decode(ctx, d, manifestKind, &m); err != nil {
		return nil, err
	}
	if err := s.isImage(&m); err != nil {
		return nil, err
	}
	if len(m.Layers) > maxLayers {
		return nil, s.blobs.explain(tooManyLayers(len(m.Layers)))
	}
	i := &Image{Reference: s.reference, Platform: platformOf(d.Platform), Digest: d.Digest.String(), source: s}
	for _, l := range m.Layers {
		if err := readableLayer(l); err != nil {
			return nil, fmt.Errorf("%s: the layer %s %w", s.reference, l.Digest, err)
		}
		i.layers = append(i.layers, part{Descriptor: l})
	}
	return i, nil
}

func tooManyLayers(n int) error { return fmt.Errorf("it has %d layers, more than %d", n, maxLayers) }

func readableLayer(l v1.Descriptor) error {
	switch {
	case strings.HasSuffix(string(l.MediaType), "+encrypted"):
		return errors.New("is encrypted: decrypt the image before the scan")
	case len(l.URLs) > 0, l.MediaType == types.DockerForeignLayer:
		return errors.New("is not stored with the image but fetched from elsewhere (a foreign layer, as Windows has), which a scan does not do")
	case !l.MediaType.IsLayer() && !strings.Contains(string(l.MediaType), "tar"):
		return fmt.Errorf("is of the type %q, which is no layer of a root file system", l.MediaType)
	}
	return nil
}
