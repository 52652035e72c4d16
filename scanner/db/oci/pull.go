package oci

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/example/microscanner-frontend/scanner/db"
)

// Limits of an image, far above those of a database of every release that ever
// was. What is beyond them is not a database.
const (
	maxLayers   = 1024
	maxFiles    = 4096
	maxUnpacked = 8 << 30 // bytes of all files
	// maxPadding is how many bytes may follow the end of a layer's archive:
	// programs fill the last block, the largest of which has a few kilobytes.
	maxPadding = 1 << 20
)

// Pulled says which image a database came from.
type Pulled struct {
	Reference string // with the digest of the image
	Meta      db.Meta
}

// Pull puts the database that is the image ref, a tag or a digest, in the
// directory dir, in the place of the database that may be there. Every layer
// and every file is verified; an image that holds anything besides a database
// is refused, and then nothing is changed.
func Pull(ctx context.Context, ref, dir string, o Options) (Pulled, error) {
	r, err := name.ParseReference(ref, o.names()...)
	if err != nil {
		return Pulled{}, fmt.Errorf("%q is not the name of an image, such as registry.example.com/microscanner-db:latest", ref)
	}
	image, err := remote.Image(r, o.remote(ctx)...)
	if err != nil {
		return Pulled{}, explain("pull "+ref, r.Context().RegistryStr(), err)
	}
	digest, err := image.Digest()
	if err != nil {
		return Pulled{}, explain("pull "+ref, r.Context().RegistryStr(), err)
	}
	meta, err := db.Install(ctx, dir, func(ctx context.Context, dir string) error { return unpack(ctx, image, dir) })
	if errors.Is(err, db.ErrNoDatabase) {
		return Pulled{}, fmt.Errorf("pull %s: the image holds no advisory database", ref)
	}
	if err != nil {
		return Pulled{}, explain("pull "+ref, r.Context().RegistryStr(), err)
	}
	return Pulled{Reference: r.Context().Digest(digest.String()).String(), Meta: meta}, nil
}

// unpack writes the files of all layers to the directory dir, which is empty.
func unpack(ctx context.Context, image v1.Image, dir string) error {
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	if len(layers) > maxLayers {
		return fmt.Errorf("the image has %d layers, more than %d: it is not an advisory database", len(layers), maxLayers)
	}
	u := unpacker{dir: dir, left: maxUnpacked}
	for _, l := range layers {
		if err := u.layer(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

type unpacker struct {
	dir   string
	files int
	left  int64 // bytes
}

func (u *unpacker) layer(ctx context.Context, l v1.Layer) (err error) {
	digest, err := l.Digest()
	if err != nil {
		return err
	}
	content, err := l.Uncompressed()
	if err != nil {
		return fmt.Errorf("layer %s: %w", digest, err)
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	archive := tar.NewReader(content)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			if err := drain(content); err != nil {
				return fmt.Errorf("layer %s: %w", digest, err)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("layer %s: %w", digest, err)
		}
		if err := u.entry(header, archive); err != nil {
			return fmt.Errorf("layer %s: %w", digest, err)
		}
	}
}

// drain reads what follows an archive to its end, where the digest is compared.
func drain(content io.Reader) error {
	n, err := io.Copy(io.Discard, io.LimitReader(content, maxPadding+1))
	if err == nil && n > maxPadding {
		err = fmt.Errorf("more than %d bytes after the end of its archive: it is not an advisory database", maxPadding)
	}
	return err
}

// entry writes a file. Only its content is taken from the archive: neither its
// owner nor its mode, and of its name nothing that is not a file's of a database.
func (u *unpacker) entry(header *tar.Header, content io.Reader) (err error) {
	// Folders count too: they have no size, and there may be no end of them.
	if u.files++; u.files > maxFiles || header.Size > u.left {
		return fmt.Errorf("more than %d files or %d bytes: it is not an advisory database", maxFiles, int64(maxUnpacked))
	}
	file := strings.TrimPrefix(path.Clean("/"+header.Name), "/")
	if header.Typeflag == tar.TypeDir && file == "" {
		return nil
	}
	if header.Typeflag != tar.TypeReg || !db.IsFileName(file) {
		return fmt.Errorf("%q is no file of an advisory database: the image holds something else", header.Name)
	}
	u.left -= header.Size
	//nolint:gosec // G304: a new directory, and a name without a separator.
	f, err := os.OpenFile(filepath.Join(u.dir, file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%q is there twice", header.Name)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content) // no more than the size, which was checked
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
