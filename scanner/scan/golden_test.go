package scan_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/report"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden scans small root file systems, made by hand, with a handful of
// advisories, and compares whole reports.
func TestGolden(t *testing.T) {
	dir := scantest.Database(t, readRecords(t, "testdata/records.jsonl")...)
	database := scantest.Open(t, dir)
	wants, err := filepath.Glob("testdata/*/rootfs")
	require.NoError(t, err)
	require.NotEmpty(t, wants)
	for _, root := range wants {
		name := filepath.Base(filepath.Dir(root))
		t.Run(name, func(t *testing.T) {
			r := scanRootfs(t, root, database)
			require.NotEmpty(t, r.Database.Digest)
			r.Database.Digest = "" // the database's own tests are about it
			var got bytes.Buffer
			require.NoError(t, report.WriteJSON(&got, r))
			path := filepath.Join("testdata", name, "want.json")
			if *update {
				require.NoError(t, os.WriteFile(path, got.Bytes(), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, string(want), got.String())
		})
	}
}

func readRecords(t testing.TB, name string) []advisory.Record {
	t.Helper()
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	var out []advisory.Record
	for r := advisory.NewReader(f); ; {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		out = append(out, rec)
	}
}
