package db_test

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/severity"
	"github.com/example/microscanner-frontend/scanner/version"
)

var built = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func options() db.BuilderOptions {
	schemes := map[string]version.Scheme{"debian": version.Deb, "alpine": version.Apk, "rhel": version.Rpm}
	return db.BuilderOptions{Built: built, Scheme: func(distro string) (version.Scheme, bool) {
		s, ok := schemes[distro]
		return s, ok
	}}
}

// fixed is a record of Debian 12.
func fixed(name, id, version string) advisory.Record {
	return advisory.Record{
		ID: id, Distro: "debian", Release: "12", Package: name,
		Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: version,
	}
}

func with(r advisory.Record, change func(*advisory.Record)) advisory.Record {
	change(&r)
	return r
}

func unfixed(r advisory.Record, status advisory.Status) advisory.Record {
	r.Status, r.Fixed = status, ""
	return r
}

// write makes a database of records that are all good.
func write(t testing.TB, records []advisory.Record) string {
	t.Helper()
	b := db.NewBuilder(options())
	for _, r := range records {
		require.NoError(t, b.Add(r))
	}
	return writeBuilder(t, b)
}

func writeBuilder(t testing.TB, b *db.Builder) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	_, err := b.Write(context.Background(), dir)
	require.NoError(t, err)
	return dir
}

func open(t testing.TB, dir string) *db.DB {
	t.Helper()
	d, err := db.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, d.Close()) })
	return d
}

func release(t testing.TB, dir, distro, name string) *db.Release {
	t.Helper()
	r, err := open(t, dir).Release(distro, name)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	return r
}

func lookup(t testing.TB, dir, name string) []db.Advisory {
	t.Helper()
	rows, err := release(t, dir, "debian", "12").Lookup(advisory.Source, name)
	require.NoError(t, err)
	return rows
}

func shuffle(records []advisory.Record) {
	rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
}

func TestLookup(t *testing.T) {
	dir := write(t, []advisory.Record{
		fixed("openssl", "CVE-2024-10000", "3.0-2"),
		fixed("openssl", "CVE-2024-9999", "3.0-1"),
		fixed("openssl", "DSA-1-1", "3.0-1"),
		unfixed(fixed("bash", "CVE-2024-1111", ""), advisory.StatusAffected),
		with(fixed("openssl", "CVE-2023-1111", "9"), func(r *advisory.Record) { r.Kind = advisory.Binary }),
		with(fixed("openssl", "CVE-2022-1111", "9"), func(r *advisory.Record) { r.Release = "11" }),
		with(fixed("openssl", "CVE-2021-1111", "9-r0"), func(r *advisory.Record) { r.Distro, r.Release = "alpine", "3.20" }),
	})
	assert.Equal(t, []db.Advisory{
		{ID: "CVE-2024-9999", Status: advisory.StatusFixed, Fixed: "3.0-1"},
		{ID: "CVE-2024-10000", Status: advisory.StatusFixed, Fixed: "3.0-2"},
		{ID: "DSA-1-1", Status: advisory.StatusFixed, Fixed: "3.0-1"},
	}, lookup(t, dir, "openssl"))
	assert.Equal(t, []db.Advisory{{ID: "CVE-2024-1111", Status: advisory.StatusAffected}}, lookup(t, dir, "bash"))
	for _, name := range []string{"", "openss", "openssl1", "zsh", "\x00"} {
		assert.Empty(t, lookup(t, dir, name), name)
	}

	r := release(t, dir, "debian", "12")
	rows, err := r.Lookup(advisory.Binary, "openssl")
	require.NoError(t, err)
	assert.Equal(t, []db.Advisory{{ID: "CVE-2023-1111", Status: advisory.StatusFixed, Fixed: "9"}}, rows)
	_, err = r.Lookup("", "openssl")
	assert.Error(t, err)

	rows, err = r.Select(advisory.Source, "openssl", func(fixed string) (bool, error) { return fixed == "3.0-2", nil })
	require.NoError(t, err)
	assert.Equal(t, []db.Advisory{{ID: "CVE-2024-10000", Status: advisory.StatusFixed, Fixed: "3.0-2"}}, rows)
	_, err = r.Select(advisory.Source, "openssl", func(string) (bool, error) { return false, fs.ErrInvalid })
	assert.ErrorIs(t, err, fs.ErrInvalid)
	assert.NotErrorIs(t, err, db.ErrCorrupt)
}

func TestRowsOutliveTheDatabase(t *testing.T) {
	dir := write(t, []advisory.Record{fixed("openssl", "CVE-2024-9999", "3.0-1")})
	d, err := db.Open(dir)
	require.NoError(t, err)
	r, err := d.Release("debian", "12")
	require.NoError(t, err)
	rows, err := r.Lookup(advisory.Source, "openssl")
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.NoError(t, r.Close())
	require.NoError(t, d.Close())
	assert.Equal(t, "CVE-2024-9999", rows[0].ID)
	assert.Equal(t, "3.0-1", rows[0].Fixed)
	_, err = r.Lookup(advisory.Source, "openssl")
	assert.Error(t, err)
	_, _, err = d.Details("CVE-2024-9999", "debian")
	assert.Error(t, err)
}

func TestMerge(t *testing.T) {
	base := fixed("p", "CVE-2024-0001", "1.10-1")
	for name, c := range map[string]struct {
		records []advisory.Record
		want    []db.Advisory
	}{
		"highest fix": {
			[]advisory.Record{fixed("p", base.ID, "1.9-1"), base, fixed("p", base.ID, "1.10~rc1-1")},
			[]db.Advisory{{ID: base.ID, Status: advisory.StatusFixed, Fixed: "1.10-1"}},
		},
		"equal versions": {
			[]advisory.Record{fixed("p", base.ID, "0:1.10-1"), base},
			[]db.Advisory{{ID: base.ID, Status: advisory.StatusFixed, Fixed: "0:1.10-1"}},
		},
		"id in small letters": {
			[]advisory.Record{fixed("p", "cve-2024-0001", "1.9-1"), base},
			[]db.Advisory{{ID: base.ID, Status: advisory.StatusFixed, Fixed: "1.10-1"}},
		},
		"fix and none": {
			[]advisory.Record{unfixed(base, advisory.StatusAffected), base, unfixed(base, advisory.StatusEndOfLife)},
			[]db.Advisory{{ID: base.ID, Status: advisory.StatusFixed, Fixed: "1.10-1"}},
		},
		"free fix before one that costs": {
			[]advisory.Record{with(base, func(r *advisory.Record) { r.Status = advisory.StatusNeedsPro }), base},
			[]db.Advisory{{ID: base.ID, Status: advisory.StatusFixed, Fixed: "1.10-1"}},
		},
		"reason for no fix": {
			[]advisory.Record{unfixed(base, advisory.StatusAffected), unfixed(base, advisory.StatusWillNotFix), unfixed(base, advisory.StatusDeferred)},
			[]db.Advisory{{ID: base.ID, Status: advisory.StatusWillNotFix}},
		},
		"affected and undecided": {
			[]advisory.Record{unfixed(base, advisory.StatusUnderInvestigation), unfixed(base, advisory.StatusAffected)},
			[]db.Advisory{{ID: base.ID, Status: advisory.StatusAffected}},
		},
		"not affected": {
			[]advisory.Record{unfixed(base, advisory.StatusNotAffected), fixed("p", "CVE-2024-0002", "0")},
			nil,
		},
		"not affected does not hide a fix": {
			[]advisory.Record{unfixed(base, advisory.StatusNotAffected), base},
			[]db.Advisory{{ID: base.ID, Status: advisory.StatusFixed, Fixed: "1.10-1"}},
		},
		"module, arches and CPEs are apart": {
			[]advisory.Record{
				base,
				with(base, func(r *advisory.Record) { r.Fixed, r.Module = "2", "nodejs:18" }),
				with(base, func(r *advisory.Record) { r.Fixed, r.Arches = "3", []string{"x86_64", "aarch64"} }),
				with(base, func(r *advisory.Record) { r.Fixed, r.Arches = "4", []string{"aarch64", "x86_64", "x86_64"} }),
				with(base, func(r *advisory.Record) { r.Fixed, r.CPEs = "5", []string{"cpe:/o:x:9"} }),
			},
			[]db.Advisory{
				{ID: base.ID, Status: advisory.StatusFixed, Fixed: "1.10-1"},
				{ID: base.ID, Status: advisory.StatusFixed, Fixed: "5", CPEs: []string{"cpe:/o:x:9"}},
				{ID: base.ID, Status: advisory.StatusFixed, Fixed: "4", Arches: []string{"aarch64", "x86_64"}},
				{ID: base.ID, Status: advisory.StatusFixed, Fixed: "2", Module: "nodejs:18"},
			},
		},
		"aliases and worst severity": {
			[]advisory.Record{
				with(base, func(r *advisory.Record) { r.Aliases = []string{"B-1", "A-1"} }),
				with(base, func(r *advisory.Record) { r.Fixed, r.Severity, r.Aliases = "1.9-1", severity.Low, []string{"A-1"} }),
				with(base, func(r *advisory.Record) { r.Fixed, r.Severity = "1.8-1", severity.High }),
				with(base, func(r *advisory.Record) { r.CVSS = &advisory.CVSS{Score: 10, Source: "nvd"} }),
			},
			[]db.Advisory{{
				ID: base.ID, Status: advisory.StatusFixed, Fixed: "1.10-1",
				Severity: severity.High, SeveritySource: "debian", Aliases: []string{"A-1", "B-1"},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				shuffle(c.records)
				assert.Equal(t, c.want, lookup(t, write(t, c.records), "p"))
			}
		})
	}
}

func TestUnreadableVersion(t *testing.T) {
	b := db.NewBuilder(options())
	for _, r := range []advisory.Record{
		fixed("alone", "CVE-2024-0001", "a:1"), fixed("both", "CVE-2024-0001", "b:1"),
	} {
		err := b.Add(r)
		var bad *db.RecordError
		require.ErrorAs(t, err, &bad)
		assert.True(t, bad.Kept)
		assert.ErrorContains(t, err, "debian 12 "+r.Package+" CVE-2024-0001: invalid deb version")
	}
	require.NoError(t, b.Add(fixed("both", "CVE-2024-0001", "1")))
	dir := writeBuilder(t, b)
	// A scan must be able to say that it could not decide.
	assert.Equal(t, []db.Advisory{{ID: "CVE-2024-0001", Status: advisory.StatusFixed, Fixed: "a:1"}}, lookup(t, dir, "alone"))
	assert.Equal(t, []db.Advisory{{ID: "CVE-2024-0001", Status: advisory.StatusFixed, Fixed: "1"}}, lookup(t, dir, "both"))
}

func TestAddRefuses(t *testing.T) {
	b := db.NewBuilder(options())
	for name, r := range map[string]advisory.Record{
		"invalid":        with(fixed("p", "CVE-2024-0001", "1"), func(r *advisory.Record) { r.Kind = "" }),
		"unknown distro": with(fixed("p", "CVE-2024-0001", "1"), func(r *advisory.Record) { r.Distro = "debain" }),
	} {
		var bad *db.RecordError
		require.ErrorAs(t, b.Add(r), &bad, name)
		assert.False(t, bad.Kept, name)
	}
	_, err := open(t, writeBuilder(t, b)).Release("debian", "12")
	assert.ErrorIs(t, err, db.ErrNoRelease)
}

func TestSeverity(t *testing.T) {
	b := db.NewBuilder(options())
	rate := func(id, source, version string, score float64) {
		require.NoError(t, b.AddFacts(advisory.Facts{ID: id, CVSS: []advisory.CVSS{{Version: version, Score: score, Source: source}}}))
	}
	add := func(id string, change func(*advisory.Record)) {
		require.NoError(t, b.Add(with(fixed("p", id, "1"), change)))
	}
	add("CVE-2024-0001", func(r *advisory.Record) { r.Severity = severity.Negligible })
	rate("CVE-2024-0001", "nvd", "3.1", 10)
	add("CVE-2024-0002", func(*advisory.Record) {})
	rate("CVE-2024-0002", "adp", "3.1", 9.8)
	rate("cve-2024-0002", "cna", "3.1", 4.0)
	add("CVE-2024-0003", func(*advisory.Record) {})
	rate("CVE-2024-0003", "cna", "4.0", 9)
	rate("CVE-2024-0003", "nvd-2020", "3.0", 3.9)
	add("CVE-2024-0004", func(*advisory.Record) {})
	rate("CVE-2024-0004", "nvd", "2.0", 10) // Version 2 has no critical.
	add("CVE-2024-0005", func(*advisory.Record) {})
	rate("CVE-2024-0005", "nvd", "3.1", 0)
	add("GHSA-jfh8-c2jp-5v3q", func(r *advisory.Record) { r.Aliases = []string{"CVE-2024-9000", "CVE-2024-9001"} })
	rate("CVE-2024-9001", "", "3.1", 7)
	add("CVE-2024-0006", func(r *advisory.Record) { r.CVSS = &advisory.CVSS{Score: 5} })
	rate("CVE-2024-0006", "nvd", "3.1", 9)
	add("CVE-2024-0007", func(*advisory.Record) {})

	var got []string
	for _, a := range lookup(t, writeBuilder(t, b), "p") {
		got = append(got, a.ID+" "+a.Severity.String()+" "+a.SeveritySource)
	}
	assert.Equal(t, []string{
		"CVE-2024-0001 negligible debian", // The vendor's word goes first,
		"CVE-2024-0002 medium cna",        // then the authority's before CISA's,
		"CVE-2024-0003 low nvd-2020",      // and the NVD's before both.
		"CVE-2024-0004 high nvd",
		"CVE-2024-0005 negligible nvd",
		"CVE-2024-0006 medium debian", // The vendor's own score.
		"CVE-2024-0007 unknown ",
		"GHSA-jfh8-c2jp-5v3q high cvss",
	}, got)
}

func TestDetails(t *testing.T) {
	b := db.NewBuilder(options())
	for _, change := range []func(*advisory.Record){
		func(r *advisory.Record) { r.Description, r.Published, r.Modified = "Short", "2020-02-02", "2021-01-01" },
		func(r *advisory.Record) {
			r.Release, r.Description, r.Published, r.Modified = "11", "Longer text", "2020-01-01", "2020-05-05"
			r.URL = "https://security-tracker.debian.org/tracker/CVE-2024-0001"
		},
		func(r *advisory.Record) {
			r.Distro, r.Release = "alpine", "3.20"
			r.CVSS = &advisory.CVSS{Version: "3.1", Score: 5, Vector: "CVSS:3.1/AV:N"}
		},
	} {
		require.NoError(t, b.Add(with(fixed("p", "CVE-2024-0001", "1"), change)))
	}
	require.NoError(t, b.Add(fixed("p", "CVE-2024-0002", "1")))
	require.NoError(t, b.AddFacts(advisory.Facts{ID: "CVE-2024-0001", CVSS: []advisory.CVSS{{Version: "3.1", Score: 9.8, Source: "nvd"}}}))
	require.NoError(t, b.AddFacts(advisory.Facts{ID: "CVE-2024-0003", CVSS: []advisory.CVSS{{Score: 1, Source: "nvd"}}}))
	d := open(t, writeBuilder(t, b))

	got, found, err := d.Details("cve-2024-0001", "debian")
	require.NoError(t, err)
	require.True(t, found)
	ratings := []advisory.CVSS{
		{Version: "3.1", Score: 9.8, Source: "nvd"},
		{Version: "3.1", Score: 5, Vector: "CVSS:3.1/AV:N", Source: "alpine"},
	}
	assert.Equal(t, db.Details{
		Description: "Longer text", Published: "2020-01-01", Modified: "2021-01-01",
		URL: "https://security-tracker.debian.org/tracker/CVE-2024-0001", CVSS: ratings,
	}, got)
	got, _, err = d.Details("CVE-2024-0001", "alpine")
	require.NoError(t, err)
	assert.Equal(t, db.Details{Description: "Longer text", Published: "2020-01-01", Modified: "2021-01-01", CVSS: ratings}, got)
	// Nothing is known of the second; the third is in no row.
	for _, id := range []string{"CVE-2024-0002", "CVE-2024-0003", "", "x"} {
		_, found, err = d.Details(id, "debian")
		require.NoError(t, err)
		assert.False(t, found, id)
	}
}

func TestSameInputSameBytes(t *testing.T) {
	var records []advisory.Record
	for i := range 200 {
		r := fixed("p"+string(rune('a'+i%7)), "CVE-2024-"+string(rune('1'+i%9))+"000", "1."+string(rune('0'+i%10)))
		r.Release = []string{"11", "12"}[i%2]
		r.Severity = severity.Severity(i % 6)
		r.Description = string(rune('a' + i%5))
		records = append(records, r)
	}
	want := files(t, write(t, records))
	assert.Len(t, want, 5)
	for range 5 {
		shuffle(records)
		assert.Equal(t, want, files(t, write(t, records)))
	}
}

// files gives the content of a directory.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(text)
	}
	return out
}
