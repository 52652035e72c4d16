package version_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/version"
)

// BenchmarkCompare compares one parsed installed version with a fixed one, as a
// scan does for each advisory.
func BenchmarkCompare(b *testing.B) {
	for _, tc := range []struct {
		scheme           version.Scheme
		installed, fixed string
	}{
		{version.Deb, "2.36-9+deb12u10", "2.36-9+deb12u9"},
		{version.Deb, "1:9.2p1-2+deb12u3", "1:9.2p1-2+deb12u5"},
		{version.Apk, "1.36.1_p2-r15", "1.36.1_p2-r14"},
		{version.Rpm, "1:1.1.1k-12.el8_10", "1:1.1.1k-12.el8_9"},
	} {
		b.Run(string(tc.scheme)+"/"+tc.installed, func(b *testing.B) {
			installed, err := tc.scheme.Parse(tc.installed)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := installed.Compare(tc.fixed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
