// Package image reads the root file systems of images that exist: in registries,
// archives and OCI layouts. It keeps what scans look at and nothing else, in
// memory and within limits, and never unpacks an image. Images are hostile, and
// so are registries and archives.
package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Options say which images to take, and how to talk to registries.
type Options struct {
	// Platforms are those to take, "linux/arm64", or AllPlatforms; without any it
	// is Linux on this machine's architecture.
	Platforms []string
	// Name is that of the image, in an archive or layout of several.
	Name string
	// Mirrors are asked before the registry itself: "HOST[/PATH]" for images of
	// Docker Hub, "REGISTRY=HOST[/PATH]" for those of another registry.
	Mirrors []string
	// PlainHTTP are the registries, HOST[:PORT], that have no HTTPS.
	PlainHTTP []string
	// CAFile is a file of PEM certificates that are trusted besides the system's;
	// may be empty.
	CAFile string
	// Keychain has the credentials; nil for that of docker login.
	Keychain authn.Keychain
	// Notice is called with a sentence for people; it may be nil.
	Notice func(text string)
}

// Source is where an image with one or more platforms is.
type Source struct {
	blobs     blobs
	reference string // for reports
	root      v1.Descriptor
	close     func() error
	read      atomic.Int64
}

// blobs are the parts of images, by their descriptors.
type blobs interface {
	// blob opens a blob. Its reader does not verify it.
	blob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error)
	// manifest reads a manifest or an index, and verifies it.
	manifest(ctx context.Context, d v1.Descriptor) ([]byte, error)
	// verifies reports whether readers of blobs verify them all the same.
	verifies() bool
	// explain says what to do about an error.
	explain(err error) error
}

// maxJSON is the size of the largest manifest, index or configuration that is
// read, in bytes. Registries take 4 MiB.
const maxJSON = 8 << 20

// Open finds an image: ref is a directory with an OCI layout, an archive as
// "docker save" makes them or of an OCI layout, or the name of an image in a
// registry.
func Open(ctx context.Context, ref string, o Options) (*Source, error) {
	info, err := os.Stat(ref)
	switch {
	case err == nil && info.IsDir():
		if isLayout(ref) {
			return openLayout(ref, o)
		}
		if isPath(ref) {
			return nil, fmt.Errorf("the directory %s is no OCI layout: it has no file oci-layout; the command rootfs scans unpacked root file systems", ref)
		}
	case err == nil:
		return openArchive(ctx, ref, o)
	case isPath(ref) || !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("cannot read the image %s: %w", ref, pathCause(err))
	}
	return openRegistry(ctx, ref, o)
}

// isPath reports whether something can only be meant as a path.
func isPath(ref string) bool {
	return filepath.IsAbs(ref) || strings.HasPrefix(ref, ".") || strings.HasSuffix(ref, ".tar") || strings.HasSuffix(ref, ".tar.gz")
}

// Close releases the source.
func (s *Source) Close() error { return s.close() }

// Read is the number of bytes that were read of layers so far, as they are stored.
func (s *Source) Read() int64 { return s.read.Load() }

func (s *Source) count(r io.Reader) io.Reader { return &counted{r, &s.read} }

type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// decode reads the JSON of a descriptor.
func (s *Source) decode(ctx context.Context, d v1.Descriptor, what string, into any) error {
	read := s.blobs.manifest
	if what == configurationKind {
		read = s.small
	}
	text, err := read(ctx, d)
	if err != nil {
		return s.blobs.explain(fmt.Errorf("the %s %s: %w", what, d.Digest, err))
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("the %s %s is not the JSON of one: %w", what, d.Digest, err)
	}
	if err := requireKind(text, what); err != nil {
		return s.blobs.explain(fmt.Errorf("the %s %s %w", what, d.Digest, err))
	}
	return nil
}

// requireKind refuses a manifest that is an index too, or an index that is a
// manifest too: another program could take it for the other image
// (https://github.com/opencontainers/image-spec/security/advisories/GHSA-77vh-xpmg-72qh).
func requireKind(text []byte, what string) error {
	if what == configurationKind {
		return nil
	}
	var m struct {
		MediaType types.MediaType   `json:"mediaType"`
		Manifests []json.RawMessage `json:"manifests"`
		Config    json.RawMessage   `json:"config"`
		Layers    []json.RawMessage `json:"layers"`
		FSLayers  []json.RawMessage `json:"fsLayers"`
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("is not the JSON of one: %w", err)
	}
	index := len(m.Manifests) > 0 || m.MediaType.IsIndex()
	image := len(m.Config) > 0 || len(m.Layers) > 0 || len(m.FSLayers) > 0 || m.MediaType.IsImage()
	if what == indexKind && image || what == manifestKind && index {
		return errors.New("can be read as an index and as the manifest of an image, so it is refused")
	}
	return nil
}

// What descriptors are for, for errors.
const (
	indexKind         = "index"
	manifestKind      = "manifest"
	configurationKind = "configuration"
)

// small reads and verifies a blob of JSON.
func (s *Source) small(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	r, err := s.blobs.blob(ctx, d)
	if err != nil {
		return nil, err
	}
	return readJSON(r, d)
}

// readJSON reads and verifies a small blob.
func readJSON(r io.ReadCloser, d v1.Descriptor) (text []byte, err error) {
	defer func() { err = errors.Join(err, r.Close()) }()
	if d.Size > maxJSON {
		return nil, tooLarge()
	}
	return io.ReadAll(verify(io.LimitReader(r, maxJSON+1), d.Digest.String(), d.Size))
}

func tooLarge() error { return fmt.Errorf("it is larger than the limit of %d MiB", maxJSON>>20) }

// pathCause drops the operation and the path that the os package puts before a
// cause.
func pathCause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
