package db_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/severity"
)

func details(t testing.TB, dir, id, distro string) (db.Details, bool) {
	t.Helper()
	got, found, err := open(t, dir).Details(id, distro)
	require.NoError(t, err)
	return got, found
}

// The order in which facts and records come decides nothing.
func TestFacts(t *testing.T) {
	record := with(fixed("p", "CVE-2024-0001", "1"), func(r *advisory.Record) {
		r.Aliases, r.Modified = []string{"GHSA-jfh8-c2jp-5v3q"}, "2026-01-01"
	})
	other := with(fixed("p", "CVE-2024-0001", "1"), func(r *advisory.Record) {
		r.Release, r.Distro, r.Description, r.Published = "3.20", "alpine", "Alpine's words", "2020-01-01"
		r.Fixed = "1-r0"
	})
	nvd := advisory.CVSS{Version: "3.1", Score: 9.8, Source: "nvd"}
	facts := []advisory.Facts{
		{ID: "cve-2024-0001", CVSS: []advisory.CVSS{{Version: "2.0", Score: 5, Source: "cna"}, nvd}, Description: "NVD's words", Published: "2024-01-02", Modified: "2024-02-03"},
		{ID: "CVE-2024-0001", CVSS: []advisory.CVSS{nvd}, Exploited: "2025-05-06"},
		{ID: "CVE-2024-0001", Exploited: "2025-05-05"},
		{ID: "CVE-2024-0001", EPSS: &advisory.EPSS{Score: 0.00043, Percentile: 0.12345, Date: "2026-01-31"}},
		{ID: "CVE-2024-0001", EPSS: &advisory.EPSS{Score: 0.9, Percentile: 0.9, Date: "2026-01-30"}},
		{ID: "GHSA-jfh8-c2jp-5v3q", Exploited: "2023-01-01"},
		{ID: "CVE-2024-0002", Exploited: "2025-05-06"}, // of no record
	}
	for _, factsFirst := range []bool{true, false} {
		b := db.NewBuilder(options())
		add := func() {
			for _, f := range facts {
				require.NoError(t, b.AddFacts(f))
			}
		}
		if factsFirst {
			add()
		}
		require.NoError(t, b.Add(record))
		require.NoError(t, b.Add(other))
		if !factsFirst {
			add()
		}
		dir := writeBuilder(t, b)

		got, found := details(t, dir, "CVE-2024-0001", "debian")
		assert.True(t, found)
		assert.Equal(t, db.Details{
			// The vendor's own word, then the general feeds', then others'.
			Description: "NVD's words", Published: "2024-01-02", Modified: "2026-01-01",
			CVSS: []advisory.CVSS{nvd, {Version: "2.0", Score: 5, Source: "cna"}}, Exploited: "2025-05-05",
			EPSS: &advisory.EPSS{Score: 0.00043, Percentile: 0.12345, Date: "2026-01-31"},
		}, got)
		got, found = details(t, dir, "GHSA-jfh8-c2jp-5v3q", "debian")
		assert.True(t, found, "an alias")
		assert.Equal(t, "2023-01-01", got.Exploited)
		_, found = details(t, dir, "CVE-2024-0002", "debian")
		assert.False(t, found, "of no record")
		rows := lookup(t, dir, "p")
		assert.Equal(t, severity.Critical, rows[0].Severity)
		assert.Equal(t, "nvd", rows[0].SeveritySource)
	}
}

func TestAddFactsRefuses(t *testing.T) {
	b := db.NewBuilder(options())
	for want, f := range map[string]advisory.Facts{
		"id is missing":       {},
		"published":           {ID: "CVE-2024-0001", Published: "today"},
		"exploited":           {ID: "CVE-2024-0001", Exploited: "today"},
		"cvss score":          {ID: "CVE-2024-0001", CVSS: []advisory.CVSS{{Score: math.NaN()}}},
		"epss score":          {ID: "CVE-2024-0001", EPSS: &advisory.EPSS{Score: math.NaN()}},
		"epss percentile":     {ID: "CVE-2024-0001", EPSS: &advisory.EPSS{Percentile: 1.1}},
		"epss date":           {ID: "CVE-2024-0001", EPSS: &advisory.EPSS{Date: "x"}},
		"description":         {ID: "CVE-2024-0001", Description: "\xff"},
		"cvss has 1025 entri": {ID: "CVE-2024-0001", CVSS: make([]advisory.CVSS, 1025)},
	} {
		var bad *db.RecordError
		require.ErrorAs(t, b.AddFacts(f), &bad, want)
		assert.ErrorContains(t, bad, want)
	}
}

// The facts of vulnerabilities that no record is about must not fill the
// database: EPSS alone rates 300,000.
func TestFactsTakeFewBytes(t *testing.T) {
	size := func(n int, epss bool) int64 {
		b := db.NewBuilder(options())
		for i := range n {
			require.NoError(t, b.Add(fixed("p", fmt.Sprintf("CVE-2024-%d", 10000+i), "1")))
		}
		for i := range 3 * n {
			if epss {
				require.NoError(t, b.AddFacts(advisory.Facts{
					ID:   fmt.Sprintf("CVE-2024-%d", 10000+i),
					EPSS: &advisory.EPSS{Score: float64(i%1000) / 1e5, Percentile: float64(i%99_999) / 1e5, Date: "2026-01-31"},
				}))
			}
		}
		return open(t, writeBuilder(t, b)).Meta().Details.Size
	}
	const n = 10_000
	perID := float64(size(n, true)-size(n, false)) / n
	t.Logf("%.1f bytes for each vulnerability with a rating of EPSS", perID)
	assert.Less(t, perID, 18.0)
}

func TestRepositories(t *testing.T) {
	b := db.NewBuilder(options())
	const baseos, appstream = "cpe:/o:redhat:enterprise_linux:9::baseos", "cpe:/a:redhat:enterprise_linux:9::appstream"
	require.NoError(t, b.AddRepository("rhel-9-for-x86_64-baseos-rpms", []string{baseos}))
	require.NoError(t, b.AddRepository("both", []string{baseos}))
	require.NoError(t, b.AddRepository("both", []string{appstream, baseos}))
	require.NoError(t, b.AddRepository("none", nil))
	for want, add := range map[string]struct {
		id   string
		cpes []string
	}{
		"the id is missing": {"", []string{baseos}},
		"or longer than":    {strings.Repeat("x", 513), nil},
		"a CPE is missing":  {"x", []string{""}},
		"1025 CPEs":         {"x", make([]string, 1025)},
	} {
		var bad *db.RecordError
		require.ErrorAs(t, b.AddRepository(add.id, add.cpes), &bad, want)
		assert.ErrorContains(t, bad, want)
	}
	dir := writeBuilder(t, b)
	d := open(t, dir)
	for id, want := range map[string][]string{
		"rhel-9-for-x86_64-baseos-rpms": {baseos}, "both": {appstream, baseos}, "none": nil,
	} {
		cpes, found, err := d.Repository(id)
		require.NoError(t, err, id)
		assert.True(t, found, id)
		assert.Equal(t, want, cpes, id)
	}
	for _, id := range []string{"", "x", "bot", "both2"} {
		_, found, err := d.Repository(id)
		require.NoError(t, err, id)
		assert.False(t, found, id)
	}
}

func TestDamagedRepositories(t *testing.T) {
	b := db.NewBuilder(options())
	require.NoError(t, b.AddRepository("baseos", []string{"cpe:/o:redhat:enterprise_linux:9::baseos"}))
	dir := writeBuilder(t, b)
	path := filepath.Join(dir, "repositories.sst")
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	repository := func() error {
		d := open(t, dir)
		cpes, found, err := d.Repository("baseos")
		if err == nil && (!found || len(cpes) != 1) {
			return fmt.Errorf("found %t, %q", found, cpes)
		}
		return err
	}
	require.NoError(t, repository())
	for i := range good {
		bad := []byte(string(good))
		bad[i] ^= 0x41
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		assert.ErrorIs(t, repository(), db.ErrCorrupt, "byte %d", i)
	}
	require.NoError(t, os.Remove(path))
	assert.ErrorIs(t, repository(), db.ErrCorrupt)
	assert.ErrorIs(t, open(t, dir).Verify(), db.ErrCorrupt)
}
