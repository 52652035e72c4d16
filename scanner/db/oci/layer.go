package oci

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// fileLayer is a layer that lies in a file, compressed.
type fileLayer struct {
	path         string
	digest, diff v1.Hash
	size         int64
}

// newLayer writes the layer that holds the files of the database in dir to a
// new file in the directory scratch. The same files give the same layer,
// whenever the database was built: what is in an entry besides the content is
// fixed. That is why a release that did not change is not uploaded again.
func newLayer(scratch, dir string, files ...string) (v1.Layer, error) {
	out, err := os.CreateTemp(scratch, "layer-")
	if err != nil {
		return nil, err
	}
	l := &fileLayer{path: out.Name()}
	err = l.fill(out, dir, files)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	return partial.CompressedToLayer(l)
}

func (l *fileLayer) fill(out io.Writer, dir string, files []string) error {
	digest, diff := sha256.New(), sha256.New()
	size := &counter{}
	compressed := gzip.NewWriter(io.MultiWriter(out, digest, size))
	archive := tar.NewWriter(io.MultiWriter(compressed, diff))
	for _, name := range files {
		if err := addFile(archive, dir, name); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	if err := compressed.Close(); err != nil {
		return err
	}
	l.digest, l.diff, l.size = sum(digest), sum(diff), size.n
	return nil
}

func addFile(archive *tar.Writer, dir, name string) error {
	f, err := os.Open(filepath.Join(dir, name)) //nolint:gosec // G304: the metadata's check has seen the name.
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: 0o644,
		ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
	}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if _, err := io.Copy(archive, f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

// counter counts the bytes that are written to it.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// Digest is that of the compressed layer.
func (l *fileLayer) Digest() (v1.Hash, error) { return l.digest, nil }

// DiffID is the digest of the layer before it was compressed.
func (l *fileLayer) DiffID() (v1.Hash, error) { return l.diff, nil }

// Compressed opens the layer.
func (l *fileLayer) Compressed() (io.ReadCloser, error) { return os.Open(l.path) }

// Size is that of the compressed layer, in bytes.
func (l *fileLayer) Size() (int64, error) { return l.size, nil }

// MediaType is that of a layer in a tar archive, compressed by gzip, which
// every builder and registry takes.
func (l *fileLayer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }
