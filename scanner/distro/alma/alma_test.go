package alma_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/alma"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/feedtest"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/version"
)

const (
	osvRecord = `{"id":"ALSA-2024:1","summary":"Important: nodejs:18 security update","related":["CVE-2024-0001"],
		"affected":[{"package":{"ecosystem":"AlmaLinux:9","name":"nodejs"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1:18.1-1.module_el9.3.0+1+aaaaaaaa"}]}]}]}`
	erratum = `{"id":"ALSA-2024:1","severity":"Important","title":"Important: nodejs:18 security update",
		"references":[{"id":"CVE-2024-0001","type":"cve"},{"id":"ALSA-2024-1","type":"self"}],
		"packages":[{"name":"nodejs","epoch":"1","version":"18.1","release":"1.module_el9.3.0+1+aaaaaaaa","arch":"x86_64","module":"nodejs:18:9030020240101:abcdef01:x86_64"},
			{"name":"nodejs","epoch":"1","version":"18.1","release":"1.module_el9.3.0+1+aaaaaaaa","arch":"aarch64","module":"nodejs:18:9030020240101:abcdef01:aarch64"}]}`
)

func errata(list ...string) string {
	return `{"schema_version":"1.0","data":[` + strings.Join(list, ",") + `]}`
}

func archive(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, text := range files {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(w, text)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return buf.Bytes()
}

func feedOf(t testing.TB, name string) feed.Feed {
	t.Helper()
	f, ok := distro.FeedByName([]distro.Distro{alma.Distro()}, name)
	require.True(t, ok)
	return f
}

// importFeed lists the records of a feed.
func importFeed(t testing.TB, name, location string) (got []advisory.Record, stats feed.Stats, err error) {
	t.Helper()
	src, err := feed.NewSource(location, feed.Options{})
	require.NoError(t, err)
	stats, err = feedOf(t, name).Records(context.Background(), src, func(r advisory.Record) error {
		r.Normalize()
		require.NoError(t, r.Validate())
		got = append(got, r)
		return nil
	})
	return got, stats, err
}

func write(t testing.TB, docs map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range docs {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

func TestRecognise(t *testing.T) {
	os, ok := alma.Distro().Recognise(osrelease.Release{ID: "almalinux", VersionID: "8.4"})
	require.True(t, ok)
	assert.Equal(t, inventory.OS{Distro: "alma", Release: "8", Version: "8.4", Pretty: "almalinux 8.4"}, os)
	_, foreign := alma.Distro().Rules.Foreign(&os, &inventory.Package{Name: "nginx", Vendor: "Fedora Project"})
	assert.True(t, foreign)
	_, foreign = alma.Distro().Rules.Foreign(&os, &inventory.Package{Name: "nginx", Vendor: "AlmaLinux"})
	assert.False(t, foreign)
	l, ok := alma.Distro().Lifecycle("8")
	assert.True(t, ok)
	assert.Equal(t, "2029-03-01", l.End.Format(time.DateOnly))
}

func TestRealReleaseFiles(t *testing.T) {
	fsys := os.DirFS(scantest.Shared(t, "rootfs/release-files/grype-almalinux"))
	r, err := osrelease.Read(fsys)
	require.NoError(t, err)
	os, ok := alma.Distro().Recognise(r)
	assert.True(t, ok)
	assert.Equal(t, "8", os.Release)
}

func TestFeedsSayTheSame(t *testing.T) {
	want := advisory.Record{
		ID: "CVE-2024-0001", Distro: "alma", Release: "9", Package: "nodejs", Kind: advisory.Binary,
		Status: advisory.StatusFixed, Fixed: "1:18.1-1.module_el9.3.0+1+aaaaaaaa", Module: "nodejs:18",
		Aliases: []string{"ALSA-2024:1"}, Severity: 4,
	}
	got, stats, err := importFeed(t, "alma", write(t, map[string]string{"ALSA-2024:1.json": osvRecord}))
	require.NoError(t, err)
	assert.Equal(t, []advisory.Record{want}, got)
	assert.Zero(t, stats.Malformed)

	got, stats, err = importFeed(t, "alma-errata", write(t, map[string]string{"9/errata.full.json": errata(erratum)}))
	require.NoError(t, err)
	want.URL = "https://errata.almalinux.org/9/ALSA-2024-1.html"
	assert.Equal(t, []advisory.Record{want}, got)
	assert.Equal(t, 2, stats.Malformed, "8 and 10 are missing")
}

func TestErrataOfModules(t *testing.T) {
	const pkg = `{"name":"%n","epoch":"0","version":"1","release":"%r","arch":"x86_64","module":"%m"}`
	of := func(name, release, module string) string {
		return strings.NewReplacer("%n", name, "%r", release, "%m", module).Replace(pkg)
	}
	advisoryOf := func(title string, packages ...string) string {
		return `{"id":"ALSA-2024:2","title":"` + title + `","severity":"None","references":[{"id":"cve-2024-0001"}],"packages":[` + strings.Join(packages, ",") + `]}`
	}
	const modular = "1.module_el8.6.0+2904+12ab34cd"
	got, stats, err := importFeed(t, "alma-errata", write(t, map[string]string{
		"8/errata.full.json": errata(
			advisoryOf("Low: m:1 update", of("a", modular, "m-devel:1:8:c:x86_64"), of("b", modular, ""), of("c", "1.el8", "")),
			advisoryOf("Low: m update", of("d", modular, ""), of("e", modular, "m:1:8:c:x86_64")),
			`{"id":"ALBA-2024:3","references":[],"packages":[`+of("f", "1", "")+`]}`,
			advisoryOf("Low: x", of("", "1", ""), `{"name":"g","version":"1","release":"1","arch":"src"}`),
			`{"id":1}`, `7`,
		),
		"9/errata.full.json": errata(), "10/errata.full.json": errata(),
	}))
	require.NoError(t, err)
	var rows []string
	for _, r := range got {
		rows = append(rows, strings.Join([]string{r.Package, r.Module, r.Fixed, r.Severity.String()}, " "))
	}
	assert.Equal(t, []string{"a m-devel:1 1-" + modular + " unknown", "b m:1 1-" + modular + " unknown", "c  1-1.el8 unknown", "e m:1 1-" + modular + " unknown"}, rows)
	assert.Equal(t, 4, stats.Malformed)
	assert.Contains(t, stats.Problems[0].String(), "8/errata.full.json: data[1]: ALSA-2024:2: d is of a module")
}

func TestErrataRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		docs map[string]string
		want string
	}{
		"nothing":         {nil, "no advisory is in them; looked for 8/errata.full.json"},
		"empty":           {map[string]string{"8/errata.full.json": errata()}, "no advisory is in them"},
		"another kind":    {map[string]string{"8/errata.full.json": `{}`}, "8/errata.full.json: these are not AlmaLinux's errata"},
		"array":           {map[string]string{"8/errata.full.json": `[]`}, "8/errata.full.json: these are not AlmaLinux's errata"},
		"data is no list": {map[string]string{"8/errata.full.json": `{"data":{}}`}, "8/errata.full.json: these are not AlmaLinux's errata"},
		"cut off":         {map[string]string{"8/errata.full.json": errata(erratum)[:200]}, "8/errata.full.json: cut off"},
		"page":            {map[string]string{"8/errata.full.json": "<html>"}, "8/errata.full.json: not JSON"},
	} {
		_, _, err := importFeed(t, "alma-errata", write(t, tc.docs))
		assert.ErrorContains(t, err, tc.want, name)
	}
}

func TestHostileServer(t *testing.T) {
	feedtest.Hostile(t, feedOf(t, "alma"), map[string][]byte{"/all.zip": archive(t, map[string]string{"ALSA-2024:1.json": osvRecord})}, "/all.zip")
	site := map[string][]byte{}
	for _, release := range []string{"8", "9", "10"} {
		site["/"+release+"/errata.full.json"] = []byte(errata(erratum))
	}
	feedtest.Hostile(t, feedOf(t, "alma-errata"), site, "/9/errata.full.json")
}

// TestSharedArchive reads all advisories of AlmaLinux, and counts the modular
// fixes whose stream is known.
func TestSharedArchive(t *testing.T) {
	got, stats, err := importFeed(t, "alma", scantest.Shared(t, "almalinux/osv-all.zip"))
	require.NoError(t, err)
	assert.Len(t, got, stats.Rows)
	modular := map[[4]string]bool{}
	for _, r := range got {
		if strings.Contains(r.Fixed, ".module_el") {
			assert.NotEmpty(t, r.Module, r)
			modular[[4]string{r.Aliases[0], r.Release, r.Package, r.Fixed}] = true
		} else {
			assert.Empty(t, r.Module, r)
		}
		_, err := version.Rpm.Parse(r.Fixed)
		assert.NoError(t, err)
	}
	// Seven advisories have modular packages, and name no stream.
	assert.Equal(t, 7, stats.Malformed)
	for _, p := range stats.Problems {
		t.Log(p)
		assert.Contains(t, p.Reason, "does not name the stream")
	}
	t.Logf("%d rows, %d modular fixes with a stream", stats.Rows, len(modular))
}

func TestSharedErrata(t *testing.T) {
	const sample = "vuls-data-update/pkg/fetch/alma/errata/testdata/fixtures/errata.full.json"
	z, err := zip.OpenReader(scantest.Shared(t, "almalinux/errata-oval-samples.zip"))
	require.NoError(t, err)
	defer func() { assert.NoError(t, z.Close()) }()
	f, err := z.Open(sample)
	require.NoError(t, err)
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	got, stats, err := importFeed(t, "alma-errata", write(t, map[string]string{"8/errata.full.json": string(text)}))
	require.NoError(t, err)
	assert.Equal(t, 2, stats.Malformed, "9 and 10 are missing")
	modules := map[string]bool{}
	for _, r := range got {
		modules[r.Module] = true
	}
	assert.Contains(t, modules, "mariadb:10.3")
	assert.Contains(t, modules, "mariadb-devel:10.3")
}

func FuzzErrata(f *testing.F) {
	f.Add(errata(erratum))
	f.Add(errata(`{"id":"ALSA-1","title":"m:1","references":[{"id":"CVE-2024-0001"}],"packages":[{"name":"a","version":"1","release":"1.module_el8"}]}`))
	f.Fuzz(func(t *testing.T, text string) {
		src, err := feed.NewSource(write(t, map[string]string{"8/errata.full.json": text}), feed.Options{})
		require.NoError(t, err)
		rows := 0
		stats, err := alma.ImportErrata(context.Background(), src, func(r advisory.Record) error {
			rows++
			assert.True(t, strings.HasPrefix(r.ID, "CVE-"))
			assert.NotEmpty(t, r.Package)
			assert.NotEmpty(t, r.Fixed)
			return nil
		})
		assert.Equal(t, rows, stats.Rows)
		if err == nil {
			assert.NotZero(t, rows)
		}
	})
}
