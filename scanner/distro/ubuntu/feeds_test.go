package ubuntu_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/ubuntu"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

// importAny reads a path that was given as Ubuntu's.
func importAny(t testing.TB, path string) ([]advisory.Record, error) {
	t.Helper()
	f, ok := distro.FeedByName([]distro.Distro{ubuntu.Distro()}, ubuntu.ID)
	require.True(t, ok)
	src, err := feed.NewSource(path, feed.Options{})
	require.NoError(t, err)
	found, err := f.Form(t.Context(), src)
	if err != nil {
		return nil, err
	}
	records, _, err := importPath(t, found.Records, path)
	return records, err
}

func TestForm(t *testing.T) {
	const needed = "CVE-2022-36879"
	oval := ovalDocument("Ubuntu 16.04 LTS", "foo package in xenial is affected and needs fixing.")
	record := osvRecord("UBUNTU-CVE-2022-0001", affected("Ubuntu:22.04:LTS", "1.0-1", ""))
	for name, tc := range map[string]struct{ path, text, file string }{ // file: below path, if that is a directory
		"OSV":                 {"a", record, ""},
		"OSV, directory":      {"a", record, "x/UBUNTU-CVE-2022-0001.json"},
		"OSV, archive":        {"a", string(archive(t, "osv/cve/x.json", record)), ""},
		"OVAL":                {"a", oval, ""},
		"OVAL, directory":     {"a", oval, ovalName},
		"tracker text":        {"a", trackerFile, ""},
		"tracker, tree":       {"a", trackerFile, "active/" + needed},
		"tracker, archive":    {"a", string(archive(t, "master/retired/"+needed, trackerFile)), ""},
		"tracker, condensed":  {"a", condensed("xenial needed"), ""},
		"tracker, JSON Lines": {"a", condensed("xenial needed"), "uct.jsonl"},
	} {
		path := filepath.Join(t.TempDir(), tc.path)
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(path, tc.file)), 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(path, tc.file), []byte(tc.text), 0o600))
		records, err := importAny(t, path)
		require.NoError(t, err, name)
		assert.NotEmpty(t, records, name)
	}
	for name, text := range map[string]string{
		"empty": "", "page": "<html>", "another object": `{"openssl":{}}`, "another archive": string(archive(t, "README", "x")),
		"another tree": string(archive(t, "a.json", `{"cve":"CVE-2022-0001"}`)),
	} {
		path := filepath.Join(t.TempDir(), "a")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := importAny(t, path)
		assert.ErrorContains(t, err, "a: it is not known as something of Ubuntu; that would be OSV records, ", name)
		assert.ErrorContains(t, err, "or the CVE tracker", name)
	}
}

func TestFormsOfShared(t *testing.T) {
	for _, path := range []string{"ubuntu/uct-2020-06.jsonl.gz", "ubuntu/uct-raw-sample.zip"} {
		records, err := importAny(t, scantest.Shared(t, path))
		require.NoError(t, err, path)
		assert.NotEmpty(t, records, path)
	}
}
