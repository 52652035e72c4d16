package main

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSizes(t *testing.T) {
	img, err := random.Image(1000, 2)
	require.NoError(t, err)
	inner := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img})
	outer := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: inner})

	images := 0
	require.NoError(t, eachImage(outer, func(_ *v1.Platform, found v1.Image) error {
		images++
		size, err := compressedSize(found)
		require.NoError(t, err)
		manifest, err := found.RawManifest()
		require.NoError(t, err)
		config, err := found.RawConfigFile()
		require.NoError(t, err)
		layers, err := found.Layers()
		require.NoError(t, err)
		want := int64(len(manifest) + len(config))
		for _, layer := range layers {
			n, err := layer.Size()
			require.NoError(t, err)
			want += n
		}
		assert.Equal(t, want, size)
		return nil
	}))
	assert.Equal(t, 1, images, "an index in an index")
}
