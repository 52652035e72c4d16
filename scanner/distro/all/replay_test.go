package all_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/internal/feedtest"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

// fixtures is where vuls-data-update keeps what it cut from the real feeds.
const fixtures = "vuls-data-update/pkg/fetch/"

// TestReplay runs the importers against a server that has real samples under
// the vendors' paths, and then goes wrong in every way. Each importer's own
// tests do the same with documents made by hand.
func TestReplay(t *testing.T) {
	const (
		alma     = "almalinux/errata-oval-samples.zip"
		alpine   = "alpine/feeds-samples.zip"
		rocky    = "rocky/errata-osv-samples.zip"
		suse     = "suse/oval.zip"
		ubuntu   = "ubuntu/feeds-samples.zip"
		wolfi    = "wolfi/feeds-samples.zip"
		secdb    = fixtures + "alpine/secdb/testdata/fixtures/"
		suseOVAL = fixtures + "suse/oval/testdata/fixtures/happy/"
	)
	for name, tc := range map[string]struct {
		main string
		site map[string][]byte
		opts []feedtest.Option
	}{
		"debian":     {main: "/json", site: map[string][]byte{"/json": file(t, "debian/tracker-shape-from-dsa-dla.json.gz")}},
		"debian-dsa": {main: "/list", site: map[string][]byte{"/list": file(t, "debian/dsa-list.txt.gz")}},
		"debian-dla": {main: "/list", site: map[string][]byte{"/list": file(t, "debian/dla-list.txt.gz")}},
		"ubuntu":     {main: "/osv-all.tar.xz", site: map[string][]byte{"/osv-all.tar.xz": member(t, ubuntu, fixtures+"ubuntu/osv/testdata/fixtures/happy/osv-all.tar.xz")}},
		"alpine": {main: "/v3.16/main.json", site: map[string][]byte{
			"/v3.16/main.json": member(t, alpine, secdb+"v3.16/main.json"), "/v3.16/community.json": member(t, alpine, secdb+"v3.16/community.json"),
			"/edge/main.json": member(t, alpine, secdb+"edge/main.json"), "/edge/community.json": member(t, alpine, secdb+"edge/community.json"),
		}},
		"rhel": {main: "/csaf_vex_2026-01-01.tar.zst", site: map[string][]byte{
			"/archive_latest.txt": []byte("csaf_vex_2026-01-01.tar.zst\n"), "/changes.csv": []byte(`"2010/cve-2010-2057.json","2024-01-01T00:00:00+00:00"` + "\n"), "/deletions.csv": {},
			"/csaf_vex_2026-01-01.tar.zst": tarOf(t, "2023/cve-2023-28484.json", member(t, "redhat/vex.zip", "vuls-data-update/pkg/extract/redhat/vex/v1/testdata/fixtures/vex/2023/CVE-2023-28484.json")),
		}},
		"rhel-repositories": {main: "/repository-to-cpe.json", site: map[string][]byte{"/repository-to-cpe.json": file(t, "redhat/repository-to-cpe.json.gz")}},
		"oracle":            {main: "/com.oracle.elsa-all.xml.bz2", site: map[string][]byte{"/com.oracle.elsa-all.xml.bz2": member(t, "oracle/oval.zip", fixtures+"oracle/linux/testdata/fixtures/com.oracle.elsa-all.xml.bz2")}},
		"alma":              {main: "/all.zip", site: map[string][]byte{"/all.zip": member(t, alma, fixtures+"alma/osv/testdata/fixtures/all.zip")}},
		"rocky":             {main: "/all.zip", site: map[string][]byte{"/all.zip": member(t, rocky, fixtures+"rocky/osv/testdata/fixtures/all.zip")}},
		"suse": {main: "/opensuse.leap.15.2.xml.gz", site: map[string][]byte{
			"/opensuse.leap.15.2.xml.gz": member(t, suse, suseOVAL+"opensuse.leap.15.2.xml.gz"), "/opensuse.tumbleweed.xml.gz": member(t, suse, suseOVAL+"opensuse.tumbleweed.xml.gz"),
		}},
		"wolfi":      {main: "/security.json", site: map[string][]byte{"/security.json": member(t, wolfi, fixtures+"wolfi/secdb/testdata/fixtures/happy/security.json")}},
		"chainguard": {main: "/security.json", site: map[string][]byte{"/security.json": member(t, wolfi, fixtures+"chainguard/secdb/testdata/fixtures/happy/security.json")}},
	} {
		t.Run(name, func(t *testing.T) {
			f, ok := distro.FeedByName(all.List(), name)
			require.True(t, ok)
			feedtest.Hostile(t, f, tc.site, tc.main, tc.opts...)
		})
	}
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(scantest.Shared(t, name))
	require.NoError(t, err)
	return text
}

// member is a file of a zip archive.
func member(t *testing.T, archive, name string) []byte {
	t.Helper()
	z, err := zip.OpenReader(scantest.Shared(t, archive))
	require.NoError(t, err)
	defer z.Close()
	f, err := z.Open(name)
	require.NoError(t, err)
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	return text
}

func tarOf(t *testing.T, name string, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Format: tar.FormatUSTAR}))
	_, err := w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}
