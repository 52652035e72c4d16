package amazon_test

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/amazon"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/feedtest"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

// update makes an advisory on packages: "name epoch version release arch".
func update(id, kind, severity, refs string, packages ...string) string {
	text := `<update type="` + kind + `"><id>` + id + `</id><severity>` + severity + `</severity><references>`
	for _, ref := range strings.Fields(refs) {
		text += `<reference id="` + ref + `" type="cve"/>`
	}
	text += `</references><pkglist><collection short="x"><name>x</name>`
	for _, p := range packages {
		f := strings.Split(p, " ")
		text += `<package name="` + f[0] + `" epoch="` + f[1] + `" version="` + f[2] + `" release="` + f[3] + `" arch="` + f[4] + `"><filename>x</filename></package>`
	}
	return text + `</collection></pkglist></update>`
}

func updateinfo(updates ...string) string {
	return `<?xml version="1.0" ?>` + "\n<updates>" + strings.Join(updates, "\n") + "</updates>\n"
}

func repomd(updateinfo string) string {
	if updateinfo == "" {
		return `<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary"><location href="repodata/primary.xml.gz"/></data></repomd>`
	}
	sum := sha256.Sum256([]byte(updateinfo))
	return `<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary"><location href="repodata/primary.xml.gz"/></data>
		<data type="updateinfo"><checksum type="sha256">` + hex.EncodeToString(sum[:]) + `</checksum><location href="repodata/updateinfo.xml"/></data></repomd>`
}

// addRepository puts a repository, as the vendor serves it, into a site.
func addRepository(site map[string]string, mirrors, place, updateinfo string) {
	site[mirrors] = "https://cdn.amazonlinux.com/" + place + "\nhttps://other.example/" + place + "\n"
	site[place+"/repodata/repomd.xml"] = repomd(updateinfo)
	if updateinfo != "" {
		site[place+"/repodata/updateinfo.xml"] = updateinfo
	}
}

const (
	mirrors2    = "2/core/latest/x86_64/mirror.list"
	mirrors2023 = "al2023/core/mirrors/latest/x86_64/mirror.list"
)

// vendorSite has all that the feed reads, without anything malformed.
func vendorSite() map[string]string {
	site := map[string]string{"2/extras-catalog.json": `{"status":"ok","topics":[{"n":"kernel-5.15","inst":["kernel"]},{"n":"docker"},{"n":"emacs"},{"n":"dnsmasq"}]}`}
	addRepository(site, mirrors2, "2/core/2.0/x86_64/0123", updateinfo(
		update("ALAS2-2024-1", "security", "critical", "CVE-2024-0001", "kernel 0 4.14.9 1.amzn2 x86_64", "kernel 0 4.14.9 1.amzn2 aarch64", "kernel-debuginfo 0 4.14.9 1.amzn2 x86_64"),
		update("ALAS2-2024-2", "security", "low", "CVE-2024-0002", "dnsmasq 0 2.76 9.amzn2 x86_64"),
	))
	addRepository(site, mirrors2023, "al2023/core/guids/4567/x86_64", updateinfo(
		update("ALAS2023-2024-001", "security", "Important", "cve-2024-0003 CVE-2024-0001 RHSA-2024:1", "bind 32 9.18.1 1.amzn2023 noarch"),
	))
	addRepository(site, "2/extras/kernel-5.15/latest/x86_64/mirror.list", "2/extras/kernel-5.15/5.15/x86_64/89", updateinfo(
		update("ALAS2KERNEL-5.15-2024-001", "security", "medium", "CVE-2024-0001", "kernel 0 5.15.9 2.amzn2 x86_64"),
	))
	addRepository(site, "2/extras/docker/latest/x86_64/mirror.list", "2/extras/docker/stable/x86_64/ab", updateinfo(
		update("ALAS2DOCKER-2024-001", "security", "high", "", "docker 0 25.0.3 1.amzn2 x86_64"),
		update("ALAS2DOCKER-2024-002", "bugfix", "low", "CVE-2024-0009", "docker 0 25.0.4 1.amzn2 x86_64"),
	))
	addRepository(site, "2/extras/dnsmasq/latest/x86_64/mirror.list", "2/extras/dnsmasq/2.85/x86_64/ef", updateinfo(
		update("ALAS2DNSMASQ-2024-001", "security", "low", "CVE-2024-0002", "dnsmasq 0 2.85 3.amzn2 x86_64"),
	))
	addRepository(site, "2/extras/emacs/latest/x86_64/mirror.list", "2/extras/emacs/25.3/x86_64/cd", "")
	return site
}

func vendorRows() []string {
	const base = "cpe:/o:amazon:linux:2"
	return []string{
		"2 CVE-2024-0001 kernel 4.14.9-1.amzn2 aarch64,x86_64  critical ALAS2-2024-1",
		"2 CVE-2024-0002 dnsmasq 2.76-9.amzn2 x86_64  low ALAS2-2024-2",
		"2 CVE-2024-0001 kernel 5.15.9-2.amzn2 x86_64 " + base + "," + base + "::extras-kernel-5.15:5.15 medium ALAS2KERNEL-5.15-2024-001",
		"2 ALAS2DOCKER-2024-001 docker 25.0.3-1.amzn2 x86_64 " + base + "," + base + "::extras-docker high ",
		"2 CVE-2024-0002 dnsmasq 2.85-3.amzn2 x86_64 " + base + "," + base + "::extras-dnsmasq:2.85 low ALAS2DNSMASQ-2024-001",
		"2023 CVE-2024-0001 bind 32:9.18.1-1.amzn2023 noarch  high ALAS2023-2024-001",
		"2023 CVE-2024-0003 bind 32:9.18.1-1.amzn2023 noarch  high ALAS2023-2024-001",
	}
}

func feedOf(t testing.TB, name string) feed.Feed {
	t.Helper()
	f, ok := distro.FeedByName([]distro.Distro{amazon.Distro()}, name)
	require.True(t, ok)
	return f
}

func importFeed(t testing.TB, name, location string) (got []string, stats feed.Stats, err error) {
	t.Helper()
	src, err := feed.NewSource(location, feed.Options{})
	require.NoError(t, err)
	stats, err = feedOf(t, name).Records(context.Background(), src, func(r advisory.Record) error {
		r.Normalize()
		require.NoError(t, r.Validate())
		assert.Equal(t, "amazon", r.Distro)
		assert.Equal(t, advisory.Binary, r.Kind)
		got = append(got, strings.Join([]string{
			r.Release, r.ID, r.Package, r.Fixed, strings.Join(r.Arches, ","), strings.Join(r.CPEs, ","), r.Severity.String(), strings.Join(r.Aliases, ","),
		}, " "))
		return nil
	})
	return got, stats, err
}

func write(t testing.TB, site map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range site {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

func TestImport(t *testing.T) {
	got, stats, err := importFeed(t, "amazon", write(t, vendorSite()))
	require.NoError(t, err)
	assert.Equal(t, vendorRows(), got)
	assert.Equal(t, feed.Stats{Rows: len(got)}, stats)
}

// TestDirectory has the updateinfo without the metadata of repositories.
func TestDirectory(t *testing.T) {
	site := map[string]string{}
	for name, text := range vendorSite() {
		switch {
		case strings.HasSuffix(name, "/updateinfo.xml"):
			place := strings.Join(strings.Split(name, "/")[:3], "/")
			place = strings.NewReplacer("2/core/2.0", "2/core", "al2023/core/guids", "2023/core").Replace(place)
			site[place+"/updateinfo.xml"] = text
		case strings.HasSuffix(name, "-catalog.json"):
			site[name] = text
		}
	}
	got, stats, err := importFeed(t, "amazon", write(t, site))
	require.NoError(t, err)
	assert.Equal(t, vendorRows(), got)
	require.Equal(t, 1, stats.Malformed)
	assert.Contains(t, stats.Problems[0].String(), "there is no repository of the topic emacs")
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	const one = "CVE-2024-0001"
	core := updateinfo(update("A", "security", "", one, "a 0 1 1 x86_64"))
	_, stats, err := importFeed(t, "amazon", write(t, map[string]string{"2/core/updateinfo.xml": core}))
	require.NoError(t, err)
	require.Equal(t, 2, stats.Malformed)
	assert.Contains(t, stats.Problems[0].Reason, "there is no 2/extras-catalog.json")
	assert.Contains(t, stats.Problems[1].Reason, "nothing will be known of Amazon Linux 2023")
}

func TestMalformedUpdates(t *testing.T) {
	got, stats, err := importFeed(t, "amazon-1", write(t, map[string]string{"u.xml": updateinfo(
		update("", "security", "low", "CVE-2024-0001", "a 0 1 1 x86_64"),
		update("ALAS-1", "security", "low", "CVE-2024-0001"),
		update("ALAS-2", "security", "dreadful", "CVE-2024-0001", "a 0  1 x86_64", "b  1 1 src", "b  1 1 i686"),
		"<other><update/></other>",
	)})+"/u.xml")
	require.NoError(t, err)
	assert.Equal(t, []string{"1 CVE-2024-0001 b 1-1 i686  unknown ALAS-2"}, got)
	assert.Equal(t, 4, stats.Malformed)
}

func TestImportRefuses(t *testing.T) {
	with := func(name, text string) map[string]string { site := vendorSite(); site[name] = text; return site }
	for name, tc := range map[string]struct {
		site map[string]string
		want string
	}{
		"nothing":             {nil, "these are not Amazon Linux's repositories"},
		"no address":          {with(mirrors2, "<html>\n"), mirrors2 + ": this is not a list of mirrors"},
		"address outside":     {with(mirrors2, "https://x.example/../../../etc\n"), "is not a path inside a feed"},
		"empty mirror list":   {with(mirrors2023, ""), mirrors2023 + ": this is not a list of mirrors"},
		"no repository":       {with(mirrors2023, "https://x.example/gone"), "gone/repodata/repomd.xml"},
		"another index":       {with("2/core/2.0/x86_64/0123/repodata/repomd.xml", "<html></html>"), "repomd.xml: this is not the index of a repository"},
		"place outside":       {with("2/core/2.0/x86_64/0123/repodata/repomd.xml", strings.ReplaceAll(repomd("x"), "repodata/updateinfo.xml", "../../../../../../x")), "is not a path inside a feed"},
		"catalog is none":     {with("2/extras-catalog.json", "{}"), "extras-catalog.json: it lists no topic"},
		"catalog is not JSON": {with("2/extras-catalog.json", "<html>"), "extras-catalog.json: not JSON"},
		"bad checksum":        {with("2/core/2.0/x86_64/0123/repodata/updateinfo.xml", updateinfo()), "updateinfo.xml"},
	} {
		_, _, err := importFeed(t, "amazon", write(t, tc.site))
		assert.ErrorContains(t, err, tc.want, name)
	}
	for text, want := range map[string]string{
		updateinfo():         "no advisory is in it",
		"<html></html>":      "this is not updateinfo: it starts with <html>",
		"":                   "this is not updateinfo",
		"<updates><update>":  "unexpected EOF",
		`{"updates":[]}`:     "this is not updateinfo",
		"<updates>&x;":       "u.xml: read update[0]: XML syntax error",
		"<updates></update>": "u.xml: read update[0]: XML syntax error",
		"<updates><update>" + strings.Repeat("<x>", 10_001) + "</update></updates>": "u.xml: ",
		"<updates><update><id>" + strings.Repeat("x", 17<<20):                       "an element of more than",
	} {
		_, _, err := importFeed(t, "amazon-2022", write(t, map[string]string{"u.xml": text})+"/u.xml")
		assert.ErrorContains(t, err, want, "%.40s", text)
	}
}

func TestTopicNames(t *testing.T) {
	site := vendorSite()
	site["2/extras-catalog.json"] = `{"topics":[{"n":"docker"},{"n":"../core"},{"n":""},{"n":7},"x",{"n":"a:b"}]}`
	got, stats, err := importFeed(t, "amazon", write(t, site))
	require.NoError(t, err)
	assert.Len(t, got, 5)
	assert.Equal(t, 5, stats.Malformed)
}

func TestImportStopsWhenTold(t *testing.T) {
	src, err := feed.NewSource(write(t, vendorSite()), feed.Options{})
	require.NoError(t, err)
	stop := errors.New("stop")
	_, err = amazon.Import(context.Background(), src, func(advisory.Record) error { return stop })
	assert.ErrorIs(t, err, stop)
}

func TestHostileServer(t *testing.T) {
	site := map[string][]byte{}
	for name, text := range vendorSite() {
		site["/"+name] = []byte(text)
	}
	const main = "/al2023/core/guids/4567/x86_64/repodata/updateinfo.xml"
	feedtest.Hostile(t, feedOf(t, "amazon"), site, main)
	feedtest.BadChecksum(t, feedOf(t, "amazon"), site, main, []byte(updateinfo()))
}

// TestSharedSamples reads what other projects keep of the repositories.
func TestSharedSamples(t *testing.T) {
	const folder = "vuls-data-update/pkg/fetch/amazon/testdata/fixtures/"
	z, err := zip.OpenReader(scantest.Shared(t, "amazon/updateinfo.zip"))
	require.NoError(t, err)
	defer func() { assert.NoError(t, z.Close()) }()
	sample := func(name string) string {
		f, err := z.Open(folder + name)
		require.NoError(t, err)
		text, err := io.ReadAll(f)
		require.NoError(t, err)
		return string(text)
	}
	dir := write(t, map[string]string{
		"2/core/updateinfo.xml.gz":               sample("updateinfo_2.xml.gz"),
		"2/extras-catalog.json":                  sample("extras-catalog_valid.json"),
		"2/extras/kernel-5.15/updateinfo.xml.gz": sample("updateinfo_2_kernel-5.15.xml.gz"),
		"2023/core/updateinfo.xml.gz":            sample("updateinfo_2023.xml.gz"),
		"1.xml.gz":                               sample("updateinfo_1.xml.gz"),
		"2022.xml.gz":                            sample("updateinfo_2022.xml.gz"),
	})
	got, stats, err := importFeed(t, "amazon", dir)
	require.NoError(t, err)
	assert.Equal(t, 1, stats.Malformed, "the topic emacs is not among the samples")
	assert.Contains(t, got, "2023 CVE-2022-24903 rsyslog 8.2204.0-3.amzn2023.0.2 aarch64,i686,x86_64  high ALAS2023-2023-001")
	for _, row := range got {
		// Live patches are numbered from 1.0, whatever kernel they are for.
		isTopic, isPatch := strings.Contains(row, "ALAS2KERNEL-5.15"), strings.Contains(row, " kernel-livepatch-")
		assert.Equal(t, isTopic, strings.Contains(row, "extras-kernel-5.15"), row)
		assert.Equal(t, isTopic && !isPatch, strings.Contains(row, "extras-kernel-5.15:5.15"), row)
	}
	got, _, err = importFeed(t, "amazon-1", dir+"/1.xml.gz")
	require.NoError(t, err)
	assert.Equal(t, []string{"1 CVE-2011-3192 httpd-devel 2.2.21-1.18.amzn1 i686  medium ALAS-2011-1"}, got)
	_, _, err = importFeed(t, "amazon-2022", dir+"/2022.xml.gz")
	assert.ErrorContains(t, err, "no advisory is in it", "the sample has debugging symbols only")
}

func FuzzUpdateinfo(f *testing.F) {
	f.Add(updateinfo(update("ALAS-1", "security", "low", "CVE-2024-0001", "a 1 1 1 x86_64", "a 1 1 1 i686")))
	f.Add("<updates><update type=\"security\"><id>A</id></update>")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "u.xml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		src, err := feed.NewSource(path, feed.Options{})
		require.NoError(t, err)
		rows := 0
		importer, _ := distro.FeedByName([]distro.Distro{amazon.Distro()}, "amazon-1")
		stats, err := importer.Records(context.Background(), src, func(r advisory.Record) error {
			rows++
			assert.NotEmpty(t, r.ID)
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

func FuzzRepository(f *testing.F) {
	f.Add("https://cdn.example/2/core/x", repomd("x"), `{"topics":[{"n":"docker"}]}`)
	f.Add("https://cdn.example/..", `<repomd><data type="updateinfo"><location href="../x"/></data></repomd>`, `{"topics":[{"n":".."}]}`)
	f.Fuzz(func(t *testing.T, mirrors, index, catalog string) {
		dir := write(t, map[string]string{
			mirrors2: mirrors, "2/core/x/repodata/repomd.xml": index, "2/extras-catalog.json": catalog,
			"2023/core/updateinfo.xml": updateinfo(update("A", "security", "", "", "a 0 1 1 x86_64")),
		})
		src, err := feed.NewSource(dir, feed.Options{})
		require.NoError(t, err)
		stats, err := amazon.Import(context.Background(), src, func(advisory.Record) error { return nil })
		assert.True(t, err != nil || stats.Rows == 1)
	})
}
