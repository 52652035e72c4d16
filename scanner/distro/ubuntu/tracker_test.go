package ubuntu_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/ubuntu"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/severity"
	"github.com/example/microscanner-frontend/scanner/version"
)

// trackerFile is a file of the CVE tracker as its authors write them.
const trackerFile = `PublicDateAtUSN: 2022-07-27 04:15:00 UTC
Candidate: CVE-2022-0001
PublicDate: 2022-07-27 04:15:00 UTC
References:
 https://example.com/xenial_foo: needed
Description:
 A flaw in
 foo.
Ubuntu-Description:
Notes:
 somebody> xenial_foo: released (1)
Mitigation:
Priority: medium
 reason of some length
Priority_bar: high
Priority_bar_focal: low
Discovered-by:
CVSS:
 nvd: CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H [5.5 MEDIUM]

Patches_foo:
 upstream: https://example.com
upstream_foo: released (9)
#jammy_foo: needed
xenial_foo: ignored (end of standard support, was needed)
esm-infra/xenial_foo: released (1.0-1ubuntu2+esm1)
bionic_foo: released (1.0-1ubuntu2, 1.1)
focal_foo: not-affected ((2.0))
jammy_foo: needs-triage
noble_foo: DNE
devel_foo: needed

Tags_bar: universe-binary
focal_bar: deferred (2022-08-01)
jammy_bar: needed
`

func TestTrackerText(t *testing.T) {
	records, stats, err := importText(t, ubuntu.ImportTracker, "CVE-2022-0001", trackerFile)
	require.NoError(t, err)
	assert.Equal(t, feed.Stats{Rows: 6}, stats)
	assert.Equal(t, []string{
		"20.04 bar deferred", "22.04 bar affected",
		"16.04 foo needs-pro 1.0-1ubuntu2+esm1", "18.04 foo fixed 1.0-1ubuntu2",
		"20.04 foo not-affected", "22.04 foo under-investigation",
	}, said(records))
	foo := records[2]
	require.NoError(t, foo.Validate())
	assert.Equal(t, advisory.Record{
		ID: "CVE-2022-0001", Distro: "ubuntu", Release: "16.04", Package: "foo", Kind: advisory.Source,
		Status: advisory.StatusNeedsPro, Fixed: "1.0-1ubuntu2+esm1", Severity: severity.Medium,
		Published: "2022-07-27", Description: "A flaw in\nfoo.", URL: "https://ubuntu.com/security/CVE-2022-0001",
		CVSS: &advisory.CVSS{Version: "3.1", Vector: "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H", Score: 5.5, Source: "nvd"},
	}, foo)
	assert.Equal(t, severity.Low, records[0].Severity, "of bar in focal")
	assert.Equal(t, severity.High, records[1].Severity, "of bar elsewhere")
}

// condensed is a record of the condensed form with rows "release status note".
func condensed(rows ...string) string {
	var list []string
	for _, row := range rows {
		words := append(strings.SplitN(row, " ", 3), "")
		list = append(list, fmt.Sprintf("%q:[%q,%q]", words[0], words[1], words[2]))
	}
	return `{"cve":"CVE-2020-0001","public":"2020-01-02 03:04:05 UTC","priority":"low","packages":{"foo":{` + strings.Join(list, ",") + `}}}` + "\n"
}

func statuses(t *testing.T, rows ...string) []string {
	t.Helper()
	// The row of another package makes sure that there is one.
	records, stats, err := importText(t, ubuntu.ImportTracker, "uct.jsonl", condensed(rows...)+strings.Replace(condensed("hardy needed"), "foo", "zzz", 1))
	require.NoError(t, err)
	require.Zero(t, stats.Malformed, stats.Problems)
	return said(records[:len(records)-1])
}

func TestStatuses(t *testing.T) {
	for row, want := range map[string]string{
		"trusty released 1.0-1":                                   "fixed 1.0-1",
		"trusty released 1.0-1, 1.1 in backports":                 "fixed 1.0-1",
		"trusty needed":                                           "affected",
		"trusty pending 1.0-2":                                    "affected",
		"trusty active":                                           "affected",
		"trusty in-progress":                                      "affected",
		"trusty deferred 2020-01-01":                              "deferred",
		"trusty needs-triage":                                     "under-investigation",
		"trusty not-affected 1.0-1":                               "not-affected",
		"trusty DNE":                                              "",
		"trusty ignored":                                          "",
		"trusty ignored reached end-of-life":                      "",
		"trusty ignored code-not-compiled":                        "",
		"trusty ignored was needed now end-of-life":               "end-of-life",
		"trusty ignored end of standard support, was needed":      "end-of-life",
		"trusty ignored was pending [1.0] now end-of-life":        "end-of-life",
		"trusty ignored was needed ESM criteria":                  "will-not-fix",
		"trusty ignored changes too intrusive":                    "will-not-fix",
		"trusty ignored was needs-triage now end-of-life":         "under-investigation",
		"trusty ignored was not-affected now end-of-life":         "not-affected",
		"upstream released 9":                                     "",
		"devel needed":                                            "",
		"vivid/stable-phone-overlay needed":                       "",
		"fips/xenial needed":                                      "",
		"trusty/esm released 1.0-1+esm1":                          "needs-pro 1.0-1+esm1",
		"esm-infra-legacy/trusty released 1.0-1+esm1":             "needs-pro 1.0-1+esm1",
		"trusty/esm DNE trusty was needed":                        "end-of-life",
		"trusty/esm DNE trusty was needs-triage":                  "under-investigation",
		"trusty/esm DNE trusty was ignored [reached end-of-life]": "",
		"trusty/esm needed":                                       "affected",
	} {
		var list []string
		if want != "" {
			list = append(list, "14.04 foo "+want)
		}
		assert.ElementsMatch(t, list, statuses(t, row), row)
	}
}

// TestTrap24UndecidedIsNotAffected: what nobody looked at is not a finding.
func TestTrap24UndecidedIsNotAffected(t *testing.T) {
	assert.Equal(t, []string{"18.04 foo under-investigation"}, statuses(t, "bionic needs-triage"))
}

// TestTrap25IgnoredIsNotFixed: what will not be fixed is still there.
func TestTrap25IgnoredIsNotFixed(t *testing.T) {
	assert.Equal(t, []string{"16.04 foo will-not-fix"}, statuses(t, "xenial ignored was needed ESM criteria"))
}

// TestTrap27FixesOfUbuntuPro: a fix for subscribers is not one for everybody,
// and does not hide one that is.
func TestTrap27FixesOfUbuntuPro(t *testing.T) {
	for _, tc := range []struct{ base, pro, want string }{
		{"released 1.0-1", "released 1.0-1+esm1", "fixed 1.0-1"},
		{"not-affected", "released 1.0-1+esm1", "not-affected"},
		{"needed", "released 1.0-1+esm1", "needs-pro 1.0-1+esm1"},
		{"needs-triage", "released 1.0-1+esm1", "needs-pro 1.0-1+esm1"},
		{"ignored end of standard support, was needed", "released 1.0-1+esm1", "needs-pro 1.0-1+esm1"},
		{"ignored end of standard support", "released 1.0-1+esm1", "needs-pro 1.0-1+esm1"},
		{"ignored end of standard support, was needed", "needed", "end-of-life"},
		{"ignored end of standard support", "needed", "affected"},
		{"ignored end of standard support", "deferred", "deferred"},
		{"ignored end of standard support", "not-affected", "not-affected"},
		{"needs-triage", "not-affected", "not-affected"},
		{"needs-triage", "needed", "affected"},
		{"needed", "not-affected", "affected"},
		{"needed", "needs-triage", "affected"},
		{"needed", "DNE", "affected"},
		{"DNE", "DNE", ""},
	} {
		var want []string
		if tc.want != "" {
			want = []string{"16.04 foo " + tc.want}
		}
		assert.ElementsMatch(t, want, statuses(t, "xenial "+tc.base, "esm-infra/xenial "+tc.pro), tc)
	}
	assert.Equal(t, []string{"14.04 foo needs-pro 1.0-1+esm10"},
		statuses(t, "trusty/esm released 1.0-1+esm9", "esm-infra-legacy/trusty released 1.0-1+esm10"), "the higher of two")
	assert.Equal(t, []string{"16.04 foo affected"}, statuses(t, "esm-apps/xenial not-affected", "esm-infra/xenial needed"))
}

// TestTrap28ESMVersions: the order of versions is dpkg's.
func TestTrap28ESMVersions(t *testing.T) {
	sorted := []string{"1.0-1ubuntu1~esm1", "1.0-1ubuntu1", "1.0-1ubuntu1+esm1", "1.0-1ubuntu1.1"}
	assert.True(t, slices.IsSortedFunc(sorted, func(a, b string) int {
		order, err := ubuntu.Distro().Rules.Scheme.Compare(a, b)
		require.NoError(t, err)
		return order
	}))
	assert.Equal(t, version.Deb, ubuntu.Distro().Rules.Scheme)
}

// TestTrap39PseudoReleases: upstream often has Debian's version.
func TestTrap39PseudoReleases(t *testing.T) {
	assert.Equal(t, []string{"18.04 foo fixed 1.0-1ubuntu1"},
		statuses(t, "upstream released 1.0-1", "devel released 2.0-1", "bionic released 1.0-1ubuntu1", "product needed", "snap released 1.5"))
}

func TestOneBadTrackerRecordDoesNotStopTheRest(t *testing.T) {
	for bad, want := range map[string]string{
		"{\n":                                   "uct.jsonl:2: it is not a record of the CVE tracker",
		"{}\n":                                  "uct.jsonl:2: it is not a record",
		`{"cve":"CVE-2020-0002","packages":[]}`: "uct.jsonl:2: it is not a record",
		condensed("trusty fixed 1"):             `uct.jsonl:2: foo in trusty: the status "fixed" is not known`,
		condensed("trusty released"):            "uct.jsonl:2: foo in trusty: released without a version",
		condensed("trusty released ?"):          "uct.jsonl:2: foo in trusty: released without a version",
		condensed("zesty-ish needed"):           `uct.jsonl: there is no release "zesty-ish"; left out: 1`,
	} {
		good := condensed("trusty needed")
		records, stats, err := importText(t, ubuntu.ImportTracker, "uct.jsonl", good+strings.TrimSpace(bad)+"\n"+good)
		require.NoError(t, err, bad)
		assert.Len(t, records, 2, bad)
		require.Equal(t, 1, stats.Malformed, bad)
		assert.Contains(t, stats.Problems[0].String(), want)
	}
}

func TestTrackerLeavesOut(t *testing.T) {
	placeholder := strings.Replace(condensed("trusty needed"), "CVE-2020-0001", "CVE-2012-NNN1", 1)
	rejected := strings.Replace(condensed("trusty needed"), `"public"`, `"description":"** REJECT ** no","public"`, 1)
	records, stats, err := importText(t, ubuntu.ImportTracker, "uct.jsonl", placeholder+rejected+"\n"+condensed("trusty needed"))
	require.NoError(t, err)
	assert.Len(t, records, 1)
	assert.Zero(t, stats.Malformed)
}

func TestTrackerTree(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	for name, text := range map[string]string{
		"uct-master/active/CVE-2022-0001":  trackerFile,
		"uct-master/retired/CVE-2019-0001": strings.ReplaceAll(trackerFile, "CVE-2022-0001", "CVE-2019-0001"),
		"uct-master/retired/CVE-2019-0002": "no candidate",
		"uct-master/ignored/CVE-2018-0001": strings.ReplaceAll(trackerFile, "CVE-2022-0001", "CVE-2018-0001"),
		"uct-master/active/00boilerplate":  trackerFile,
		"uct-master/README":                "{}",
		"uct-master/scripts/cve.json":      "{}",
	} {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Format: tar.FormatUSTAR}))
		_, err := io.WriteString(w, text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	path := filepath.Join(t.TempDir(), "uct.tar.gz")
	require.NoError(t, os.WriteFile(path, packed.Bytes(), 0o600))
	records, stats, err := importPath(t, ubuntu.ImportTracker, path)
	require.NoError(t, err)
	assert.Len(t, records, 12)
	require.Equal(t, 1, stats.Malformed)
	assert.Equal(t, "uct-master/retired/CVE-2019-0002: it does not say which vulnerability it is about", stats.Problems[0].String())
}

func TestTrackerRefuses(t *testing.T) {
	for _, text := range []string{"", "<html></html>", "{}", `{"packages":1}`, "Candidate: CVE-2020-0001\n", strings.Repeat("x", 9<<20)} {
		_, _, err := importText(t, ubuntu.ImportTracker, "uct", text)
		assert.ErrorContains(t, err, "uct: this is not Ubuntu's CVE tracker: no advisory is in it")
	}
	_, _, err := importText(t, ubuntu.ImportTracker, "uct", "{"+strings.Repeat("x", 9<<20))
	assert.ErrorContains(t, err, "uct: a line of more than 8388608 bytes")
}

// TestSharedTracker reads the real tracker, in both forms.
func TestSharedTracker(t *testing.T) {
	records, stats, err := importPath(t, ubuntu.ImportTracker, scantest.Shared(t, "ubuntu/uct-2020-06.jsonl.gz"))
	require.NoError(t, err)
	count := map[advisory.Status]int{}
	invalid := 0
	for _, r := range records {
		r.Normalize()
		if r.Validate() != nil {
			invalid++
		}
		count[r.Status]++
	}
	t.Logf("%d rows, %d malformed, %d invalid, %v", stats.Rows, stats.Malformed, invalid, count)
	for _, p := range stats.Problems {
		t.Log(p)
	}
	assert.Zero(t, invalid)

	raw, stats, err := importPath(t, ubuntu.ImportTracker, scantest.Shared(t, "ubuntu/uct-raw-sample.zip"))
	require.NoError(t, err)
	assert.NotEmpty(t, raw)
	for _, p := range stats.Problems {
		t.Log(p)
	}
	// What both have is the same.
	same := map[string]bool{}
	for _, r := range records {
		same[key(r)] = true
	}
	for _, r := range raw {
		assert.True(t, same[key(r)], key(r))
	}
}

func key(r advisory.Record) string {
	return strings.Join([]string{r.ID, r.Release, r.Package, string(r.Status), r.Fixed, r.Severity.String(), r.Published, fmt.Sprint(r.CVSS == nil)}, " ")
}

func FuzzImportTracker(f *testing.F) {
	f.Add(trackerFile)
	f.Add(condensed("trusty released 1.0-1", "trusty/esm DNE trusty was needed"))
	f.Fuzz(func(t *testing.T, text string) {
		records, stats, err := importText(t, ubuntu.ImportTracker, "uct", text)
		if err == nil {
			assert.Len(t, records, stats.Rows)
		}
		for _, r := range records {
			assert.NotEmpty(t, r.Status)
			assert.NotEmpty(t, r.Release)
			assert.NotEmpty(t, r.Package)
		}
	})
}
