package scan_test

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/report"
)

// TestExpected scans real package databases with real advisories and compares
// with findings that were computed independently, with dpkg's and apk's own
// comparison.
func TestExpected(t *testing.T) {
	expected := scantest.Shared(t, "expected")
	feeds := map[string]string{
		"debian": scantest.Shared(t, "debian/tracker-shape-from-dsa-dla.json.gz"),
		"alpine": scantest.Shared(t, "alpine/secdb-json"),
	}
	// Those files of the folder whose advisories are in the feeds.
	counts := map[string]int{"debian": 9, "alpine": 7}
	for id, feed := range feeds {
		t.Run(id, func(t *testing.T) {
			database := scantest.Open(t, scantest.DatabaseFromFeed(t, id, feed))
			files, err := filepath.Glob(filepath.Join(expected, id+"-*.tsv"))
			require.NoError(t, err)
			require.Len(t, files, counts[id])
			for _, file := range files {
				name := strings.TrimSuffix(filepath.Base(file), ".tsv")
				t.Run(name, func(t *testing.T) {
					r := scanRootfs(t, scantest.Shared(t, filepath.Join("rootfs", name)), database)
					assert.Equal(t, readRows(t, file), rows(r))
					assert.False(t, r.PartialResults)
				})
			}
		})
	}
}

// rows are a report's findings in the form of the expected files.
func rows(r *report.Report) []string {
	out := []string{}
	for _, f := range r.Findings() {
		state := f.Status
		switch advisory.Status(f.Status) {
		case advisory.StatusAffected:
			state = "unfixed:needed"
		case advisory.StatusDeferred:
			state = "unfixed:deferred"
		}
		out = append(out, strings.Join([]string{f.Source.Name, f.Source.Version, f.ID, f.Fixed, state}, "\t"))
	}
	slices.Sort(out)
	return out
}

func readRows(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	out := []string{}
	lines := bufio.NewScanner(f)
	require.True(t, lines.Scan(), "a line of names")
	for lines.Scan() {
		out = append(out, lines.Text())
	}
	require.NoError(t, lines.Err())
	slices.Sort(out)
	return out
}
