package ubuntu_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro/ubuntu"
)

// TestTrap04UnfixedHasNoVersion: what has no fix holds for any version.
func TestTrap04UnfixedHasNoVersion(t *testing.T) {
	records, _, err := importText(t, ubuntu.ImportOSV, "x.json", osvRecord("UBUNTU-CVE-2024-0001", affected("Ubuntu:22.04:LTS", "", "")))
	require.NoError(t, err)
	assert.Equal(t, []string{"22.04 foo affected"}, said(records))
}

// TestTrap40NumbersInVersions: numbers are compared as numbers.
func TestTrap40NumbersInVersions(t *testing.T) {
	sorted := []string{"1.0-1ubuntu9", "1.0-1ubuntu10", "1.0-1ubuntu10+esm9", "1.0-1ubuntu10+esm10"}
	assert.True(t, slices.IsSortedFunc(sorted, func(a, b string) int {
		order, err := ubuntu.Distro().Rules.Scheme.Compare(a, b)
		require.NoError(t, err)
		return order
	}))
}
