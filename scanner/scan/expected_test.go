package scan_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"maps"
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
// comparison. Raspbian is assessed with Debian's advisories.
func TestExpected(t *testing.T) {
	expected := scantest.Shared(t, "expected")
	for _, tc := range []struct {
		feed, data string
		images     []string // patterns of the files
		count      int
	}{
		{"debian", scantest.Shared(t, "debian/tracker-shape-from-dsa-dla.json.gz"), []string{"debian-*.tsv", "raspbian-*.tsv"}, 10},
		{"alpine", scantest.Shared(t, "alpine/secdb-json"), []string{"alpine-*.tsv"}, 7},
		{"ubuntu-cve-tracker", plainTracker(t), []string{"ubuntu-*.tsv"}, 5},
	} {
		t.Run(tc.feed, func(t *testing.T) {
			database := scantest.Open(t, scantest.DatabaseFromFeed(t, tc.feed, tc.data))
			var files []string
			for _, pattern := range tc.images {
				found, err := filepath.Glob(filepath.Join(expected, pattern))
				require.NoError(t, err)
				files = append(files, found...)
			}
			require.Len(t, files, tc.count)
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

// plainTracker gives the path of Ubuntu's CVE tracker as the expected findings
// were computed from: without the rows of Ubuntu Pro, and without those that
// are ignored. What these add is tested in the folder of Ubuntu.
func plainTracker(t *testing.T) string {
	t.Helper()
	in, err := os.Open(scantest.Shared(t, "ubuntu/uct-2020-06.jsonl.gz"))
	require.NoError(t, err)
	defer in.Close()
	z, err := gzip.NewReader(in)
	require.NoError(t, err)
	var out bytes.Buffer
	records, plain := json.NewDecoder(z), json.NewEncoder(&out)
	for records.More() {
		var rec map[string]any
		require.NoError(t, records.Decode(&rec))
		packages, _ := rec["packages"].(map[string]any)
		for _, rows := range packages {
			maps.DeleteFunc(rows.(map[string]any), func(release string, row any) bool {
				return strings.Contains(release, "esm") || row.([]any)[0] == "ignored"
			})
		}
		require.NoError(t, plain.Encode(rec))
	}
	path := filepath.Join(t.TempDir(), "plain.jsonl")
	require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
	return path
}

// rows are a report's findings in the form of the expected files.
func rows(r *report.Report) []string {
	out := []string{}
	for _, f := range r.AllFindings() { // with the kernel's headers, as the expected files
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
		// A record has one word for a fix that is needed, and one that is made
		// but not published.
		// A note in the tracker that ends with a space has it in the file, too.
		out = append(out, strings.NewReplacer("\tunfixed:pending", "\tunfixed:needed", " \t", "\t").Replace(lines.Text()))
	}
	require.NoError(t, lines.Err())
	slices.Sort(out)
	return out
}
