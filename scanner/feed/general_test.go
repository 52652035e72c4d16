package feed_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
)

func facts(t testing.TB, read feed.FactsImporter, path string) ([]advisory.Facts, feed.Stats, error) {
	t.Helper()
	var got []advisory.Facts
	stats, err := read(context.Background(), source(t, path, feed.Options{}), func(f advisory.Facts) error {
		got = append(got, f)
		return nil
	})
	return got, stats, err
}

func TestGeneral(t *testing.T) {
	var names []string
	for _, f := range feed.General() {
		names = append(names, f.Name)
		assert.NotNil(t, f.Facts, f.Name)
		assert.Nil(t, f.Records, f.Name)
		assert.Nil(t, f.Repositories, f.Name)
	}
	assert.Equal(t, []string{feed.NameNVD, feed.NameKEV, feed.NameEPSS, feed.NameSeverity}, names)
}

// nvdDocument is the document of a year with vulnerabilities, written at the
// start of 2004.
func nvdDocument(vulnerabilities ...string) string {
	return `{"resultsPerPage":1,"startIndex":0,"totalResults":1,"format":"NVD_CVE","version":"2.0","timestamp":"2004-01-01T03:00:09.000","vulnerabilities":[` +
		strings.Join(vulnerabilities, ",") + `]}`
}

// nvdMirror is a folder with the documents of the years from 2002. Each has its
// checksum beside it.
func nvdMirror(t testing.TB, years ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, text := range years {
		base := filepath.Join(dir, fmt.Sprintf("nvdcve-2.0-%d", 2002+i))
		require.NoError(t, os.WriteFile(base+".json.gz", gzipped(t, text), 0o600))
		meta := fmt.Sprintf("lastModifiedDate:2004-01-01T03:00:10-05:00\r\nsize:%d\r\nsha256:%X\r\n", len(text), sha256.Sum256([]byte(text)))
		require.NoError(t, os.WriteFile(base+".meta", []byte(meta), 0o600))
	}
	return dir
}

const nvdRated = `{"cve":{"id":"CVE-2002-0001","sourceIdentifier":"cve@mitre.org","published":"2002-05-03T04:00:00.000","lastModified":"2003-11-20T23:30:00.000",
 "vulnStatus":"Modified","descriptions":[{"lang":"es","value":"Un fallo"},{"lang":"en","value":"A flaw"}],
 "metrics":{"cvssMetricV2":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"version":"2.0","vectorString":"AV:N/AC:L/Au:N/C:P/I:P/A:P","baseScore":7.5}}],
  "cvssMetricV31":[{"source":"134c704f-9b21-4f2e-91b3-4a467353bcc0","type":"Secondary","cvssData":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8}}],
  "cvssMetricV40":[{"source":"security@example.com","type":"Secondary","cvssData":{"version":"4.0","vectorString":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:X/CR:X","baseScore":9.3}}]},
 "configurations":[{"nodes":[{"cpeMatch":[{"vulnerable":true}]}]}]}}`

func TestNVD(t *testing.T) {
	mirror := nvdMirror(t,
		nvdDocument(nvdRated, `{"cve":{"id":"CVE-2002-0002","vulnStatus":"Rejected","descriptions":[{"lang":"en","value":"Rejected reason: none"}]}}`),
		nvdDocument(`{"cve":{"id":"CVE-2003-0001","published":"2003-01-01T00:00:00.000","vulnStatus":"Awaiting Analysis"}}`, `{"cve":[]}`, `{"cve":{"id":""}}`))
	got, stats, err := facts(t, feed.NVD, mirror)
	require.NoError(t, err)
	assert.Equal(t, []advisory.Facts{
		{
			ID: "CVE-2002-0001", Description: "A flaw", Published: "2002-05-03", Modified: "2003-11-20",
			CVSS: []advisory.CVSS{
				{Version: "4.0", Vector: "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Score: 9.3, Source: "cna"},
				{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8, Source: "adp"},
				{Version: "2.0", Vector: "AV:N/AC:L/Au:N/C:P/I:P/A:P", Score: 7.5, Source: "nvd"},
			},
		},
		{ID: "CVE-2003-0001", Published: "2003-01-01"},
	}, got)
	assert.Equal(t, feed.Stats{Rows: 2, Malformed: 2, Problems: []feed.Problem{
		{Where: "nvdcve-2.0-2003.json.gz: vulnerability 2", Reason: "not a vulnerability in the NVD's form"},
		{Where: "nvdcve-2.0-2003.json.gz: vulnerability 3", Reason: "id is missing"},
	}}, stats)
}

// A rating that is none takes nothing from the others.
func TestNVDBadRating(t *testing.T) {
	mirror := nvdMirror(t, nvdDocument(strings.Replace(nvdRated, `"baseScore":9.3`, `"baseScore":93`, 1)))
	got, stats, err := facts(t, feed.NVD, mirror)
	require.ErrorContains(t, err, "nvdcve-2.0-2003")
	require.Len(t, got, 1)
	assert.Len(t, got[0].CVSS, 2)
	require.Len(t, stats.Problems, 1)
	assert.Equal(t, "nvdcve-2.0-2002.json.gz: vulnerability 1: cvss score 93 is not between 0.0 and 10.0", stats.Problems[0].String())
}

func TestNVDChecksums(t *testing.T) {
	mirror := nvdMirror(t, nvdDocument(), nvdDocument())
	path := filepath.Join(mirror, "nvdcve-2.0-2003.meta")
	for text, want := range map[string]string{
		"sha256:00\r\n":                   "nvdcve-2.0-2003.json.gz: its SHA-256 is",
		"size:1\r\n":                      "nvdcve-2.0-2003.meta: no line states the checksum",
		strings.Repeat("size:1\n", 1_000): "nvdcve-2.0-2003.meta:",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, _, err := facts(t, feed.NVD, mirror)
		assert.ErrorContains(t, err, want)
	}
	// A mirror may have no checksums.
	require.NoError(t, os.Remove(path))
	_, _, err := facts(t, feed.NVD, mirror)
	assert.NoError(t, err)
}

func TestNVDRefuses(t *testing.T) {
	whole := nvdDocument()
	for name, c := range map[string]struct {
		years []string
		want  string
	}{
		"no year":          {nil, "nvdcve-2.0-2002.json.gz"},
		"a year missing":   {[]string{whole}, "nvdcve-2.0-2003.json.gz"},
		"cut off":          {[]string{whole[:60]}, "cut off at byte"},
		"another format":   {[]string{strings.Replace(whole, "NVD_CVE", "MITRE", 1)}, "not a document of the NVD's JSON feeds, version 2.0"},
		"another version":  {[]string{strings.Replace(whole, `"2.0"`, `"1.1"`, 1)}, "not a document of the NVD's JSON feeds, version 2.0"},
		"no list":          {[]string{strings.Replace(whole, "vulnerabilities", "CVE_Items", 1)}, "not a document of the NVD's JSON feeds, version 2.0"},
		"not JSON":         {[]string{"<html>"}, "not JSON at byte"},
		"array":            {[]string{"[]"}, "not a document of the NVD's JSON feeds"},
		"no date":          {[]string{strings.Replace(whole, "2004-01-01", "soon", 1)}, `its date "soon`},
		"more at the end":  {[]string{whole + "{}"}, "there is more after the end"},
		"not there at all": {[]string{strings.Replace(whole, "2004-", "2002-", 1), whole[:10]}, ""},
	} {
		_, _, err := facts(t, feed.NVD, nvdMirror(t, c.years...))
		if c.want == "" {
			assert.NoError(t, err, name) // Of 2003 nothing is expected, and nothing is read.
			continue
		}
		assert.ErrorContains(t, err, c.want, name)
	}
}

func TestKEV(t *testing.T) {
	text := `{"title":"CISA Catalog","catalogVersion":"2026.01.02","count":3,"vulnerabilities":[
		{"cveID":"CVE-2021-44228","vendorProject":"Apache","dateAdded":"2021-12-10","knownRansomwareCampaignUse":"Known"},
		{"cveID":"CVE-2021-1","dateAdded":"yesterday"}, {"cveID":"CVE-2021-0002"}, 7, {"dateAdded":"2021-12-10"}]}`
	got, stats, err := facts(t, feed.KEV, file(t, "kev.json", []byte(text)))
	require.NoError(t, err)
	assert.Equal(t, []advisory.Facts{{ID: "CVE-2021-44228", Exploited: "2021-12-10"}}, got)
	assert.Equal(t, 1, stats.Rows)
	assert.Equal(t, 4, stats.Malformed)
	for text, want := range map[string]string{
		"[]":                          "kev.json: no list of vulnerabilities",
		`{"vulnerabilities":{}}`:      "kev.json: no list of vulnerabilities",
		`{"vulnerabilities":[7]}`:     "kev.json: none of 1 ",
		`{"vulnerabilities":[`:        "cut off",
		`{"vulnerabilities":[]} junk`: "more after the end",
	} {
		_, _, err := facts(t, feed.KEV, file(t, "kev.json", []byte(text)))
		assert.ErrorContains(t, err, want, text)
	}
}

const epssTable = "#model_version:v2025.03.14,score_date:2026-01-31T12:55:00Z\n" +
	"cve,epss,percentile\n" +
	"CVE-1999-0001,0.01297,0.85788\r\n" +
	"cve-1999-0002,0.5,1\n"

func TestEPSS(t *testing.T) {
	got, stats, err := facts(t, feed.EPSS, file(t, "epss.csv.gz", gzipped(t, epssTable+
		"CVE-1999-0003,1.5,0.5\nCVE-1999-0004\nCVE-1999-0005,high,0.5\nCVE-1999-0006,0.5,\"0\"1\n,0.1,0.1\nCVE-1999-0007,0.00043,0.1")))
	require.NoError(t, err)
	want := func(id string, score, percentile float64) advisory.Facts {
		return advisory.Facts{ID: id, EPSS: &advisory.EPSS{Score: score, Percentile: percentile, Date: "2026-01-31"}}
	}
	assert.Equal(t, []advisory.Facts{
		want("CVE-1999-0001", 0.01297, 0.85788), want("CVE-1999-0002", 0.5, 1), want("CVE-1999-0007", 0.00043, 0.1),
	}, got)
	assert.Equal(t, 3, stats.Rows)
	assert.Equal(t, 5, stats.Malformed)

	// The tables of the first model have no line before the header.
	got, _, err = facts(t, feed.EPSS, file(t, "epss.csv", []byte("cve,epss,percentile\nCVE-1999-0001,0.1,0.2\n")))
	require.NoError(t, err)
	assert.Equal(t, []advisory.Facts{{ID: "CVE-1999-0001", EPSS: &advisory.EPSS{Score: 0.1, Percentile: 0.2}}}, got)
}

func TestEPSSRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "does not name the columns cve, epss and percentile",
		"#score_date:2026-01-31T":          "the first line has no end",
		"#" + strings.Repeat("x", 100_000): "the first line has no end",
		"{\"data\":[]}\n":                  "cannot be read",
		"cve,epss\nCVE-1999-0001,0.1\n":    "does not name the columns",
		"cve,epss,percentile\nx\n":         "none of 1 ",
		"cve,epss,percentile\n\"" + strings.Repeat("x", 17<<20): "more than 16777216 bytes",
	} {
		_, _, err := facts(t, feed.EPSS, file(t, "epss.csv", []byte(text)))
		assert.ErrorContains(t, err, want)
	}
}

func FuzzNVD(f *testing.F) {
	f.Add(nvdDocument(nvdRated))
	f.Fuzz(func(t *testing.T, text string) {
		checkFacts(t, feed.NVD, nvdMirror(t, text, nvdDocument(), nvdDocument()))
	})
}

func FuzzKEV(f *testing.F) {
	f.Add(`{"vulnerabilities":[{"cveID":"CVE-2021-44228","dateAdded":"2021-12-10"}]}`)
	f.Fuzz(func(t *testing.T, text string) { checkFacts(t, feed.KEV, file(t, "kev.json", []byte(text))) })
}

func FuzzEPSS(f *testing.F) {
	f.Add(epssTable)
	f.Fuzz(func(t *testing.T, text string) { checkFacts(t, feed.EPSS, file(t, "epss.csv", []byte(text))) })
}

// checkFacts reads a feed that may hold anything: what is handed on is valid.
func checkFacts(t *testing.T, read feed.FactsImporter, path string) {
	got, stats, err := facts(t, read, path)
	if err == nil {
		assert.Len(t, got, stats.Rows)
	}
	for _, f := range got {
		assert.NoError(t, f.Validate())
	}
}
