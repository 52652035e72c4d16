package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/cli"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// scanner runs the scanner's command line and demands that it exits with 0.
func scanner(t *testing.T, args ...string) {
	t.Helper()
	code := cli.Main(t.Context(), cli.Env{
		Args: args, Stdout: t.Output(), Stderr: t.Output(), CacheDir: t.TempDir(),
		Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) },
	})
	require.Zero(t, code, args)
}

// TestOneReleaseIsOpened: of the files of a database, a scan opens the one of
// the image's release, the metadata, and the descriptions if it found anything.
func TestOneReleaseIsOpened(t *testing.T) {
	database, records := filepath.Join(t.TempDir(), "db"), filepath.Join(t.TempDir(), "records.jsonl")
	f, err := os.Create(records)
	require.NoError(t, err)
	for _, r := range []struct {
		distro, release string
		kind            advisory.Kind
	}{
		{"debian", "11", advisory.Source}, {"debian", "12", advisory.Source}, {"ubuntu", "22.04", advisory.Source},
		{"alpine", "3.22", advisory.Source}, {"alpine", "3.23", advisory.Source},
		{"azurelinux", "3.0", advisory.Source}, {"rocky", "9", advisory.Binary},
	} {
		require.NoError(t, json.NewEncoder(f).Encode(advisory.Record{
			ID: "CVE-2026-0001", Distro: r.distro, Release: r.release, Package: "found", Kind: r.kind,
			Status: advisory.StatusFixed, Fixed: "9-r1", Severity: severity.Low, Description: "It is bad.",
		}))
	}
	require.NoError(t, f.Close())
	scanner(t, "db", "build", "--output", database, "--feed", "records="+records)

	const (
		dpkg = "Package: %s\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1-1\n\n"
		apk  = "P:%s\nV:1-r1\nA:x86_64\n\n"
		rpm  = "%[1]s\t1-1\t1700000000\t1700000000\tMicrosoft Corporation\t(none)\t1\tx86_64\t0\t%[1]s-1-1.src.rpm\n"
	)
	for _, tc := range []struct{ osRelease, path, content, file string }{
		{"ID=debian\nVERSION_ID=12\n", "var/lib/dpkg/status", dpkg, "debian-12.sst"},
		{"ID=ubuntu\nVERSION_ID=22.04\n", "var/lib/dpkg/status", dpkg, "ubuntu-22.04.sst"},
		{"ID=alpine\nVERSION_ID=3.23.0\n", "lib/apk/db/installed", apk, "alpine-3.23.sst"},
		{"ID=azurelinux\nVERSION_ID=3.0\n", "var/lib/rpmmanifest/container-manifest-2", rpm, "azurelinux-3.0.sst"},
	} {
		for name, want := range map[string][]string{
			"found": {tc.file, "details.sst", "metadata.json"}, "other": {tc.file, "metadata.json"},
		} {
			root := t.TempDir()
			require.NoError(t, write(filepath.Join(root, "etc/os-release"), []byte(tc.osRelease)))
			require.NoError(t, write(filepath.Join(root, tc.path), fmt.Appendf(nil, tc.content, name)))
			files, err := opened(database, func() error {
				scanner(t, "rootfs", root, "--db", database, "--fail-on", "never", "--on-unsupported", "warn")
				return nil
			})
			require.NoError(t, err)
			assert.ElementsMatch(t, want, files, tc.file)
		}
	}
}

func TestSplitHeaders(t *testing.T) {
	one := append([]byte("\x8e\xad\xe8\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02"), "0123456789abcdefno"...)
	headers, err := splitHeaders(append(one, one...))
	require.NoError(t, err)
	assert.Equal(t, [][]byte{one[8:], one[8:]}, headers)
	_, err = splitHeaders(one[:len(one)-1])
	assert.ErrorContains(t, err, "ends in the middle")
	_, err = splitHeaders(one[:12])
	assert.ErrorContains(t, err, "ends in the middle")
}
