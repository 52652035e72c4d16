package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/example/microscanner-frontend/hack/harness"
)

// run builds the archive and checks its size.
func run(ctx context.Context, frontend harness.Frontend, limit int64) (err error) {
	frontend.Archive, err = filepath.Abs(frontend.Archive)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(frontend.Archive), 0o755); err != nil {
		return fmt.Errorf("make the output directory: %w", err)
	}
	env, err := harness.Start(ctx, harness.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, env.Close()) }()
	if _, err := env.BuildFrontend(ctx, frontend); err != nil {
		return err
	}
	fmt.Println(frontend.Archive)
	return printSizes(filepath.Join(env.Dir(), "layout"), frontend.Archive, limit)
}

// printSizes unpacks the archive into dir and prints a line for each platform.
func printSizes(dir, archive string, limit int64) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}

	if out, err := exec.Command("tar", "-xf", archive, "-C", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("read the archive: %w: %s", err, out)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
	var tooBig error
	err = eachImage(index, func(platform *v1.Platform, img v1.Image) error {
		size, err := compressedSize(img)
		if err != nil {
			return err
		}
		fmt.Printf("%-12s %5.1f MB compressed (%d bytes)\n", platform, float64(size)/1e6, size)
		if limit > 0 && size > limit {
			tooBig = errors.Join(tooBig, fmt.Errorf("the image for %s has %d bytes compressed; the limit is %d", platform, size, limit))
		}
		return nil
	})
	return errors.Join(err, tooBig)
}

// eachImage calls f for the images of an index and of the indexes in it. An
// image's platform is what its own configuration says.
func eachImage(index v1.ImageIndex, f func(*v1.Platform, v1.Image) error) error {
	manifest, err := index.IndexManifest()
	if err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
	for _, desc := range manifest.Manifests {
		if desc.MediaType.IsIndex() {
			inner, err := index.ImageIndex(desc.Digest)
			if err != nil {
				return fmt.Errorf("read the archive: %w", err)
			}
			if err := eachImage(inner, f); err != nil {
				return err
			}
			continue
		}
		img, err := index.Image(desc.Digest)
		if err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		config, err := img.ConfigFile()
		if err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		if err := f(config.Platform(), img); err != nil {
			return err
		}
	}
	return nil
}

// compressedSize is what a pull transfers: layers, configuration, manifest.
func compressedSize(img v1.Image) (int64, error) {
	manifest, err := img.Manifest()
	if err != nil {
		return 0, fmt.Errorf("read the archive: %w", err)
	}
	size, err := img.Size()
	if err != nil {
		return 0, fmt.Errorf("read the archive: %w", err)
	}
	size += manifest.Config.Size
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	return size, nil
}
