package frontend

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/formats/all"
	"github.com/example/microscanner-frontend/scanner/severity"
)

func TestArchiveHoldsEveryFormat(t *testing.T) {
	o := outcomes{
		scanned("linux/amd64", policy.ExitGate, severity.High, "zlib"),
		ofStage(scanned("linux/amd64", policy.ExitPass, severity.Low, "bash"), "build"),
		ofStage(scanned("linux/amd64", policy.ExitPass, severity.Low, "bash"), "../.."),
	}
	archive, err := o.archive()
	require.NoError(t, err)
	packed, err := gzip.NewReader(bytes.NewReader(archive))
	require.NoError(t, err)
	files := map[string][]byte{}
	r := tar.NewReader(packed)
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.Equal(t, int64(0o644), header.Mode)
		require.NotContains(t, files, header.Name)
		files[header.Name], err = io.ReadAll(r)
		require.NoError(t, err)
	}
	require.Len(t, files, 3*len(all.List()))
	for _, f := range all.List() {
		require.NotEmpty(t, files["report"+f.Extension], f.Name)
		require.Contains(t, files, "stages/build/report"+f.Extension)
		require.Contains(t, files, "stages/report"+f.Extension, "no name leads out of the folder")
	}
	got, err := report.Decode(bytes.NewReader(files["report.json"]))
	require.NoError(t, err)
	require.Equal(t, policy.ExitGate, got.Verdict.ExitCode)
	again, err := o.archive()
	require.NoError(t, err)
	require.Equal(t, archive, again)
}

// TestArchiveOfManyFindings fits a message of BuildKit's.
func TestArchiveOfManyFindings(t *testing.T) {
	archive, err := outcomes{scanned("linux/amd64", policy.ExitGate, severity.High, many(5000)...)}.archive()
	require.NoError(t, err)
	require.Less(t, len(archive), maxArchive)
	t.Logf("%d bytes", len(archive))
}

func TestOutcomesOfAPlatform(t *testing.T) {
	o := outcomes{
		scanned("linux/amd64", policy.ExitPass, severity.Low), scanned("linux/arm64", policy.ExitPass, severity.Low),
		ofStage(scanned("linux/arm64", policy.ExitPass, severity.Low), "build"),
	}
	require.Len(t, o.of("linux/amd64"), 1)
	require.Len(t, o.of("linux/arm64"), 2)
}
