package rebuild_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/internal/rebuild"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/osv"
)

// record makes a record of OSV on the packages: "ecosystem name fixed".
func record(id, title, related string, packages ...string) string {
	var affected []string
	for _, p := range packages {
		f := strings.Split(p, " ")
		affected = append(affected, `{"package":{"ecosystem":"Some Linux`+f[0]+`","name":"`+f[1]+`"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"`+f[2]+`"}]}]}`)
	}
	return `{"id":"` + id + `","summary":"` + title + `","related":[` + related + `],"affected":[` + strings.Join(affected, ",") + `],
		"references":[{"type":"REPORT","url":"https://bugs.example/1"},{"type":"ADVISORY","url":"https://errata.example/` + id + `"}]}`
}

func importOSV(t testing.TB, records map[string]string) (got []string, stats feed.Stats, err error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range records {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	src, err := feed.NewSource(dir, feed.Options{})
	require.NoError(t, err)
	o := rebuild.OSV{
		Distro: "some", Ecosystem: "Some Linux", Kind: advisory.Binary,
		Skip: func(p osv.Package) bool { return p.Name == "skipped" },
	}
	stats, err = o.Import(context.Background(), src, func(r advisory.Record) error {
		r.Normalize()
		assert.NoError(t, r.Validate())
		assert.Equal(t, "some", r.Distro)
		assert.Equal(t, advisory.Binary, r.Kind)
		got = append(got, strings.Join([]string{r.Release, r.Package, r.Module, r.ID, string(r.Status), r.Fixed, r.Severity.String(), strings.Join(r.Aliases, ","), r.URL}, " "))
		return nil
	})
	return got, stats, err
}

func TestImport(t *testing.T) {
	got, stats, err := importOSV(t, map[string]string{
		"a.json": record("SA-1", "Important: a security update", `"CVE-2024-0002","CVE-2024-0001"`, ":9 a 1:2-3", ":8 a 2-3.el8", ":9 skipped 1", "X:9 other 1"),
	})
	require.NoError(t, err)
	const rest = " high SA-1 https://errata.example/SA-1"
	assert.Equal(t, []string{
		"9 a  CVE-2024-0001 fixed 1:2-3" + rest, "9 a  CVE-2024-0002 fixed 1:2-3" + rest,
		"8 a  CVE-2024-0001 fixed 2-3.el8" + rest, "8 a  CVE-2024-0002 fixed 2-3.el8" + rest,
	}, got)
	assert.Equal(t, feed.Stats{Rows: 4}, stats)
}

// A record may refer to the advisory that it was made from, and to a page for
// each release.
func TestPageOfTheDistribution(t *testing.T) {
	text := record("SA-1:2", "Low: a", `"CVE-2024-0001"`, ":8 a 0:1-2", ":9 a 1:1-2")
	text = strings.Replace(text, `"references":[`, `"references":[{"type":"ADVISORY","url":"https://other.example/errata/RHSA-1:2"},
		{"type":"ADVISORY","url":"https://errata.example/8/SA-1-2.html"},{"type":"ADVISORY","url":"https://errata.example/9/SA-1-2.html"},`, 1)
	got, _, err := importOSV(t, map[string]string{"a.json": text})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"8 a  CVE-2024-0001 fixed 1-2 low SA-1:2 https://errata.example/8/SA-1-2.html",
		"9 a  CVE-2024-0001 fixed 1:1-2 low SA-1:2 https://errata.example/9/SA-1-2.html",
	}, got, "an epoch of 0 is left out")
}

// TestTrap17StreamsOfModules has the module of a fix in the title only. A fix of
// a module that is not named is of no use to any package.
func TestTrap17StreamsOfModules(t *testing.T) {
	const modular = "1-2.module_el8.6.0+2904+12ab34cd"
	got, stats, err := importOSV(t, map[string]string{
		"a.json": record("SA-1", "Low: m:1 and m-devel:1 update", `"CVE-2024-0001"`, ":8 a "+modular, ":8 plain 1-2.el8"),
		"b.json": record("SA-2", "Low: m update", `"CVE-2024-0001"`, ":8 a "+modular, ":8 b "+modular, ":8 plain 1-3.el8"),
		"c.json": record("SA-3", "Low: pam:1.5.1 update", `"CVE-2024-0001"`, ":8 pam 1.5.1-2.el8"),
	})
	require.NoError(t, err)
	const id = " CVE-2024-0001 fixed "
	for i := range got {
		got[i], _, _ = strings.Cut(got[i], " low ")
	}
	assert.Equal(t, []string{
		"8 a m-devel:1" + id + modular, "8 a m:1" + id + modular, "8 plain " + id + "1-2.el8",
		"8 plain " + id + "1-3.el8", "8 pam " + id + "1.5.1-2.el8",
	}, got)
	require.Equal(t, 1, stats.Malformed, "once for an advisory")
	assert.Contains(t, stats.Problems[0].String(), `b.json: its packages are of a module, and "Low: m update" does not name the stream`)
}

// TestTrap34OnlyRecordsWithACVE has bug fixes and enhancements among the
// records.
func TestTrap34OnlyRecordsWithACVE(t *testing.T) {
	got, stats, err := importOSV(t, map[string]string{
		"a.json": record("ALSA-1", "Low: a", `"CVE-2024-0001"`, ":9 a 1"),
		"b.json": record("ALBA-1", "b bug fix update", ``, ":9 b 1"),
		"c.json": record("ALEA-1", "new packages: c", `"RHEA-1"`, ":9 c 1"),
	})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Contains(t, got[0], "9 a ")
	assert.Zero(t, stats.Malformed)
}

func TestImportRefuses(t *testing.T) {
	_, _, err := importOSV(t, nil)
	assert.ErrorContains(t, err, "this is not the OSV archive of Some Linux: no advisory is in it")
	_, _, err = importOSV(t, map[string]string{"a.json": "<html>"})
	assert.ErrorContains(t, err, "a.json: this is not a record of OSV")
	_, _, err = importOSV(t, map[string]string{"a.json": `{"id":"CVE-2024-0001","affected":[{"package":{"ecosystem":"Debian:9","name":"a"},"ranges":[{"type":"ECOSYSTEM","events":[{"fixed":"1"}]}]}]}`})
	assert.ErrorContains(t, err, "no advisory is in it")
}

func TestMalformedRecords(t *testing.T) {
	got, stats, err := importOSV(t, map[string]string{
		"a.json": record("SA-1", "", `"CVE-2024-0001"`, " norelease 1", ":9  1", ":9 fine 1"),
		"b.json": `{"id":"SA-2","related":["CVE-2024-0002"],"affected":[{"package":{"ecosystem":"Some Linux:9","name":"open"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}],"references":[{"type":"ADVISORY","url":"javascript:alert(1)"}]}`,
		"c.json": "{",
	})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"9 fine  CVE-2024-0001 fixed 1 unknown SA-1 https://errata.example/SA-1",
		"9 open  CVE-2024-0002 affected  unknown SA-2 ",
	}, got)
	assert.Equal(t, 3, stats.Malformed)
}

func TestImportStopsWhenTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	require.NoError(t, os.WriteFile(path, []byte(record("SA-1", "", `"CVE-2024-0001"`, ":9 a 1")), 0o600))
	src, err := feed.NewSource(path, feed.Options{})
	require.NoError(t, err)
	stop := errors.New("stop")
	_, err = rebuild.OSV{Distro: "some", Ecosystem: "Some Linux", Kind: advisory.Binary}.Import(context.Background(), src, func(advisory.Record) error { return stop })
	assert.ErrorIs(t, err, stop)
}

func FuzzImport(f *testing.F) {
	f.Add(record("SA-1", "Low: m:1 update", `"CVE-2024-0001"`, ":8 a 1-2.module_el8.6.0+2904+12ab34cd"))
	f.Add(record("SA-1", "Low: m:1 update", `"CVE-2024-0001"`, ":8 a 1-2", ": b 2"))
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "a.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		src, err := feed.NewSource(path, feed.Options{})
		require.NoError(t, err)
		rows := 0
		stats, err := rebuild.OSV{Distro: "some", Ecosystem: "Some Linux", Kind: advisory.Binary}.Import(context.Background(), src, func(r advisory.Record) error {
			rows++
			assert.True(t, strings.HasPrefix(r.ID, "CVE-"))
			assert.NotEmpty(t, r.Release)
			assert.NotEmpty(t, r.Package)
			return nil
		})
		assert.Equal(t, rows, stats.Rows)
		assert.Equal(t, rows == 0, err != nil)
	})
}
