package ubuntu_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro/ubuntu"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/feedtest"
)

// archive makes a tar.gz with one file.
func archive(t *testing.T, name, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Format: tar.FormatUSTAR}))
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	return out.Bytes()
}

// TestHostileServers runs the importers against servers that go wrong.
func TestHostileServers(t *testing.T) {
	feeds := map[string]feed.Feed{}
	for _, f := range ubuntu.Distro().Feeds {
		feeds[f.Name] = f
	}
	osv := archive(t, "osv/cve/2024/UBUNTU-CVE-2024-0001.json", osvRecord("UBUNTU-CVE-2024-0001", affected("Ubuntu:22.04:LTS", "1.0-1", free)))
	for name, site := range map[string]struct {
		path string
		body []byte
	}{
		"ubuntu":             {"/osv-all.tar.xz", osv},
		"ubuntu-cve-tracker": {"/ubuntu-cve-tracker-master.tar.gz", archive(t, "uct-master/active/CVE-2022-0001", trackerFile)},
		"ubuntu-oval":        {"/com.ubuntu.xenial.cve.oval.xml.bz2", []byte(ovalDocument("Ubuntu 16.04 LTS", "foo package in xenial is affected and needs fixing."))},
	} {
		t.Run(name, func(t *testing.T) {
			feedtest.Hostile(t, feeds[name], map[string][]byte{site.path: site.body}, site.path)
		})
	}
}
