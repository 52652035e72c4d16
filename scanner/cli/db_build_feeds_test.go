//go:build !scanonly

package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A distribution that is named twice is fetched once.
func TestDistroTwice(t *testing.T) {
	once := &buildFlags{distros: []string{"debian", "alpine"}}
	want, err := once.chooseFeeds()
	require.NoError(t, err)
	twice := &buildFlags{distros: []string{"debian", "alpine", "debian"}}
	got, err := twice.chooseFeeds()
	require.NoError(t, err)
	assert.Equal(t, want, got)
}
