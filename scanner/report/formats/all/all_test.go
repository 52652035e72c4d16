package all_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/report/formats"
	"github.com/example/microscanner-frontend/scanner/report/formats/all"
)

func TestList(t *testing.T) {
	names, extensions := map[string]bool{}, map[string]bool{}
	for _, f := range all.List() {
		assert.Regexp(t, `^[a-z]+$`, f.Name)
		assert.Regexp(t, `^(\.[a-z]+)+$`, f.Extension)
		assert.Regexp(t, `^[a-z]+/`, f.MediaType)
		assert.False(t, names[f.Name])
		assert.False(t, extensions[f.Extension], "the formats of one report could not be files side by side")
		names[f.Name], extensions[f.Extension] = true, true
	}
	assert.Equal(t, formats.Native()[0].Name, all.List()[0].Name)
}

// TestSameReportSameBytes: no format looks at a clock or goes through a map.
func TestSameReportSameBytes(t *testing.T) {
	for _, f := range all.List() {
		for name, reports := range reporttest.Samples() {
			if len(reports) > 1 && f.Name == "html" {
				continue
			}
			var a, b bytes.Buffer
			require.NoError(t, f.WriteAll(&a, reports), "%s %s", f.Name, name)
			require.NoError(t, f.WriteAll(&b, reports), "%s %s", f.Name, name)
			assert.Equal(t, a.String(), b.String(), "%s %s", f.Name, name)
		}
	}
}

// TestHostile: no format writes what a terminal would obey.
func TestHostile(t *testing.T) {
	for _, f := range all.List() {
		for name, r := range reporttest.Hostiles() {
			t.Run(f.Name+" "+name, func(t *testing.T) {
				var b bytes.Buffer
				require.NoError(t, f.Write(&b, r))
				reporttest.Harmless(t, b.Bytes())
			})
		}
	}
}

// TestWriteError: a disk that is full is an error in every format.
func TestWriteError(t *testing.T) {
	for _, f := range all.List() {
		assert.ErrorIs(t, f.Write(full{}, reporttest.Sample()), io.ErrShortWrite, f.Name)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// BenchmarkWrite writes 5,000 findings: 200 ms are what a format may take.
func BenchmarkWrite(b *testing.B) {
	r := reporttest.Many(5000)
	require.Len(b, r.Findings(), 5000)
	for _, f := range all.List() {
		b.Run(f.Name, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, f.Write(io.Discard, r))
			}
		})
	}
}
