package version_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/version"
)

// FuzzCompare checks, for any two strings in every scheme, that nothing panics,
// that an error and an order exclude each other, and that the order is one:
// reflexive, antisymmetric, and the same for parsed versions.
func FuzzCompare(f *testing.F) {
	for _, row := range ascending() {
		f.Add(row.versions[0], row.versions[1])
	}
	f.Add("", "\xff")
	f.Add("1:-", "~^")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, s := range []version.Scheme{version.Deb, version.Apk, version.Rpm} {
			_, errA := s.Parse(a)
			_, errB := s.Parse(b)
			got, err := s.Compare(a, b)
			if errA != nil || errB != nil {
				require.Error(t, err)
				require.Zero(t, got)
				continue
			}
			require.NoError(t, err)
			require.Contains(t, []int{-1, 0, 1}, got)
			mirror, err := s.Compare(b, a)
			require.NoError(t, err)
			require.Equal(t, got, -mirror)
			same, err := s.Compare(a, a)
			require.NoError(t, err)
			require.Zero(t, same)
		}
	})
}

// FuzzTransitive checks that the order holds across three versions: without
// this, the highest of several fixes would depend on their order in a feed.
func FuzzTransitive(f *testing.F) {
	for _, row := range ascending() {
		f.Add(row.versions[0], row.versions[1], row.versions[len(row.versions)-1])
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for _, s := range []version.Scheme{version.Deb, version.Apk, version.Rpm} {
			ab, err1 := s.Compare(a, b)
			bc, err2 := s.Compare(b, c)
			ac, err3 := s.Compare(a, c)
			if err1 != nil || err2 != nil || err3 != nil {
				continue
			}
			if ab <= 0 && bc <= 0 {
				require.LessOrEqualf(t, ac, 0, "%s: %q <= %q <= %q", s, a, b, c)
			}
			if ab == 0 {
				require.Equalf(t, bc, ac, "%s: %q = %q", s, a, b)
			}
		}
	})
}
