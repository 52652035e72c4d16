package sbom_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/frontend/sbom"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

// list is a report of one package.
func list() *report.Report {
	r := &report.Report{
		OS: "debian", Version: "12", SchemaVersion: report.SchemaVersion, Scanner: "microscanner 1.0.0", NotAssessed: []report.NotAssessed{},
		Resources: []report.Resource{{Resource: report.Package{
			Format: "deb", Name: "tar", Version: "1.34", Arch: "amd64", PURL: "pkg:deb/debian/tar@1.34?arch=amd64", Source: report.Source{Name: "tar", Version: "1.34"},
		}}},
	}
	r.Judge(policy.Default())
	return r
}

// scanner writes a program that prints a report, if the directory that it is
// called with has a file "rootfs".
func scanner(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var text bytes.Buffer
	require.NoError(t, report.WriteJSON(&text, list()))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "report.json"), text.Bytes(), 0o600))
	path := filepath.Join(dir, "scanner")
	script := "#!/bin/sh\n[ \"$1\" = packages ] && [ -e \"$2/rootfs\" ] || { echo no rootfs >&2; exit 1; }\nexec /bin/cat " + filepath.Join(dir, "report.json") + "\n"
	require.NoError(t, os.WriteFile(path, []byte(script), 0o700))
	return path
}

// request is one with a root file system and those of stages.
func request(t *testing.T, stages ...string) sbom.Request {
	t.Helper()
	dir := t.TempDir()
	r := sbom.Request{Source: filepath.Join(dir, "core", "sbom"), Extras: filepath.Join(dir, "extras"), Destination: filepath.Join(dir, "out")}
	require.NoError(t, os.Mkdir(r.Destination, 0o700))
	rootfs := []string{r.Source}
	for _, s := range stages {
		rootfs = append(rootfs, filepath.Join(r.Extras, s))
	}
	for _, path := range rootfs {
		require.NoError(t, os.MkdirAll(path, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(path, "rootfs"), nil, 0o600))
	}
	return r
}

func TestGenerate(t *testing.T) {
	r := request(t, "sbom-build")
	require.NoError(t, r.Generate(t.Context(), scanner(t), io.Discard))
	files, err := filepath.Glob(filepath.Join(r.Destination, "*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(r.Destination, "sbom-build.spdx.json"), filepath.Join(r.Destination, "sbom.spdx.json")}, files)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		var s struct {
			Type          string `json:"_type"`
			PredicateType string
			Subject       []json.RawMessage
			Predicate     json.RawMessage
		}
		require.NoError(t, json.Unmarshal(text, &s))
		assert.Equal(t, "https://in-toto.io/Statement/v1", s.Type)
		assert.Equal(t, "https://spdx.dev/Document", s.PredicateType)
		assert.Empty(t, s.Subject)
		doc, err := spdxjson.Read(bytes.NewReader(s.Predicate))
		require.NoError(t, err)
		assert.Len(t, doc.Packages, 3, "the image, its system and its package")
		assert.Equal(t, "tar", doc.Packages[2].PackageName)
	}
}

func TestGenerateFails(t *testing.T) {
	program := scanner(t)
	r := request(t)
	require.NoError(t, os.RemoveAll(r.Source))
	var log bytes.Buffer
	require.ErrorContains(t, r.Generate(t.Context(), program, &log), "list the packages of sbom: the scanner failed, see above")
	assert.Equal(t, "no rootfs\n", log.String())

	r = request(t)
	require.ErrorContains(t, r.Generate(t.Context(), "/bin/echo", io.Discard), "not a JSON document of this program")
	require.NoError(t, os.RemoveAll(r.Destination))
	require.ErrorContains(t, r.Generate(t.Context(), program, io.Discard), "write the SBOM")
	require.ErrorContains(t, sbom.Request{Source: "/x"}.Generate(t.Context(), program, io.Discard), "needs both BUILDKIT_SCAN_SOURCE and BUILDKIT_SCAN_DESTINATION")
}

func TestFromEnviron(t *testing.T) {
	environ := map[string]string{"BUILDKIT_SCAN_SOURCE": "/a", "BUILDKIT_SCAN_DESTINATION": "/b", "BUILDKIT_SCAN_SOURCE_EXTRAS": "/c"}
	got, ok := sbom.FromEnviron(func(key string) string { return environ[key] })
	assert.True(t, ok)
	assert.Equal(t, sbom.Request{Source: "/a", Extras: "/c", Destination: "/b"}, got)
	_, ok = sbom.FromEnviron(func(string) string { return "" })
	assert.False(t, ok)
}
