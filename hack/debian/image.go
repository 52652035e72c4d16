package debian

import (
	"compress/gzip"
	"fmt"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Image makes an OCI image of one layer, for this machine's architecture, from
// the root file system that Rootfs returned.
func Image(tar string) (v1.Image, error) {
	// Compressed once, and quickly: it only goes to a registry on loopback.
	layer, err := tarball.LayerFromFile(tar, tarball.WithMediaType(types.OCILayer),
		tarball.WithCompressionLevel(gzip.BestSpeed), tarball.WithCompressedCaching)
	if err != nil {
		return nil, fmt.Errorf("make an image of %s: %w", tar, err)
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err = mutate.AppendLayers(img, layer)
	if err != nil {
		return nil, fmt.Errorf("make an image of %s: %w", tar, err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("make an image of %s: %w", tar, err)
	}
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	config.Config.Cmd = []string{"bash"}
	img, err = mutate.ConfigFile(img, config)
	if err != nil {
		return nil, fmt.Errorf("make an image of %s: %w", tar, err)
	}
	return img, nil
}
