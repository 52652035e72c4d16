package debian_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/debian"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/severity"
)

func importFile(t testing.TB, path string) ([]advisory.Record, feed.Stats, error) {
	t.Helper()
	src, err := feed.NewSource(path, feed.Options{})
	require.NoError(t, err)
	var records []advisory.Record
	stats, err := debian.Import(context.Background(), src, func(r advisory.Record) error {
		records = append(records, r)
		return nil
	})
	return records, stats, err
}

func importText(t testing.TB, text string) ([]advisory.Record, feed.Stats, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tracker.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return importFile(t, path)
}

// Every entry of the table in the tracker's meaning.
func TestVerdicts(t *testing.T) {
	for text, want := range map[string]advisory.Record{
		`"status":"resolved","fixed_version":"1:2.0-1+deb12u1","urgency":"not yet assigned"`: {Status: advisory.StatusFixed, Fixed: "1:2.0-1+deb12u1"},
		`"status":"resolved","fixed_version":"0","urgency":"unimportant"`:                    {Status: advisory.StatusNotAffected, Severity: severity.Negligible},
		`"status":"resolved","fixed_version":"1","urgency":"end-of-life"`:                    {Status: advisory.StatusFixed, Fixed: "1"},
		`"status":"open","urgency":"not yet assigned"`:                                       {Status: advisory.StatusAffected},
		`"status":"open","urgency":"low"`:                                                    {Status: advisory.StatusAffected, Severity: severity.Low},
		`"status":"open","urgency":"medium*"`:                                                {Status: advisory.StatusAffected, Severity: severity.Medium},
		`"status":"open","urgency":"high**"`:                                                 {Status: advisory.StatusAffected, Severity: severity.High},
		`"status":"open","urgency":"unimportant"`:                                            {Status: advisory.StatusAffected, Severity: severity.Negligible},
		`"status":"open"`:                         {Status: advisory.StatusAffected},
		`"status":"open","urgency":"end-of-life"`: {Status: advisory.StatusEndOfLife},
		`"status":"open","urgency":"end-of-life","nodsa":"x","nodsa_reason":"ignored"`: {Status: advisory.StatusEndOfLife},
		`"status":"open","urgency":"low","nodsa":"Minor","nodsa_reason":""`:            {Status: advisory.StatusDeferred, Severity: severity.Low},
		`"status":"open","urgency":"low","nodsa":""`:                                   {Status: advisory.StatusDeferred, Severity: severity.Low},
		`"status":"open","urgency":"low","nodsa":"Minor","nodsa_reason":"postponed"`:   {Status: advisory.StatusDeferred, Severity: severity.Low},
		`"status":"open","urgency":"low","nodsa":"Minor","nodsa_reason":"ignored"`:     {Status: advisory.StatusWillNotFix, Severity: severity.Low},
		`"status":"undetermined","urgency":"not yet assigned"`:                         {Status: advisory.StatusUnderInvestigation},
	} {
		records, stats, err := importText(t, `{"openssl":{"CVE-2024-0001":{"description":"A flaw","releases":{"bookworm":{`+text+`}}}}}`)
		require.NoError(t, err, text)
		assert.Equal(t, feed.Stats{Rows: 1}, stats, text)
		want.ID, want.Distro, want.Release, want.Package, want.Kind = "CVE-2024-0001", "debian", "12", "openssl", advisory.Source
		want.Description, want.URL = "A flaw", "https://security-tracker.debian.org/tracker/CVE-2024-0001"
		require.Len(t, records, 1)
		records[0].Normalize()
		assert.NoError(t, records[0].Validate(), text)
		assert.Equal(t, want, records[0], text)
	}
}

const good = `{"status":"open","urgency":"low"}`

func TestReleases(t *testing.T) {
	names := []string{
		"squeeze", "wheezy", "jessie", "stretch", "buster", "bullseye", "bookworm", "trixie", "forky", "sid",
	}
	numbers := []string{"6", "7", "8", "9", "10", "11", "12", "13", "14", "sid"}
	var members []string
	for _, n := range names {
		members = append(members, `"`+n+`":`+good)
	}
	records, _, err := importText(t, `{"p":{"CVE-2024-0001":{"releases":{`+strings.Join(members, ",")+`}}}}`)
	require.NoError(t, err)
	var got []string
	for _, r := range records {
		got = append(got, r.Release)
	}
	assert.ElementsMatch(t, numbers, got)
}

func TestOneBadRecordDoesNotStopTheRest(t *testing.T) {
	for bad, want := range map[string]string{
		`"p":[]`:                                       "tracker.json: p: the vulnerabilities are not an object",
		`"p":{"CVE-2024-0001":1}`:                      "tracker.json: p/CVE-2024-0001: its members are not what the tracker writes",
		`"p":{"CVE-2024-0001":{"releases":[]}}`:        "tracker.json: p/CVE-2024-0001: its members",
		`"p":{"CVE-2024-0001":{"releases":{"sid":1}}}`: "tracker.json: p/CVE-2024-0001/sid: its members",
		`"p":{"CVE-2024-0001":{"releases":{"sid":{"status":"resolved"}}}}`:             "tracker.json: p/CVE-2024-0001/sid: resolved without a fixed version",
		`"p":{"CVE-2024-0001":{"releases":{"sid":{"status":"new"}}}}`:                  `tracker.json: p/CVE-2024-0001/sid: the status "new" is not known`,
		`"p":{"CVE-2024-0001":{"releases":{"sid":{"urgency":"low"}}}}`:                 `tracker.json: p/CVE-2024-0001/sid: the status "" is not known`,
		`"p":{"CVE-2024-0001":{"releases":{"zurg":` + good + `,"zurg":` + good + `}}}`: `tracker.json: there is no release "zurg"; left out: 1`,
	} {
		records, stats, err := importText(t, `{"a":{"CVE-2024-0001":{"releases":{"sid":`+good+`}}},`+bad+`,"z":{"CVE-2024-0001":{"releases":{"sid":`+good+`}}}}`)
		require.NoError(t, err, bad)
		assert.Len(t, records, 2, bad)
		assert.Equal(t, 2, stats.Rows)
		require.Equal(t, 1, stats.Malformed, bad)
		assert.Contains(t, stats.Problems[0].String(), want)
	}
	// A rating that is not understood is a problem, but no reason to lose the row.
	records, stats, err := importText(t, `{"a":{"CVE-2024-0001":{"releases":{"sid":{"status":"open","urgency":"urgent"}}}}}`)
	require.NoError(t, err)
	assert.Equal(t, advisory.StatusAffected, records[0].Status)
	assert.Equal(t, severity.Unknown, records[0].Severity)
	assert.Equal(t, 1, stats.Malformed)
}

func TestTemporaryAndRejectedIDs(t *testing.T) {
	records, _, err := importText(t, `{"p":{
		"TEMP-0000000-0CA7E3":{"releases":{"sid":`+good+`}},
		"CVE-2024-0001":{"description":"** REJECT ** DO NOT USE","releases":{"sid":`+good+`}},
		"CVE-2024-0002":{"description":"Rejected reason: no","releases":{"sid":`+good+`}}}}`)
	require.NoError(t, err)
	require.Len(t, records, 1)
	assert.Equal(t, "TEMP-0000000-0CA7E3", records[0].ID)
}

func TestImportRefuses(t *testing.T) {
	row := `"a":{"CVE-2024-0001":{"releases":{"sid":` + good + `}}}`
	for text, want := range map[string]string{
		``:                         "tracker.json: cut off at byte 0",
		`{`:                        "cut off at byte 1",
		`{` + row:                  "cut off at byte",
		`{` + row + `}{`:           "more after the end",
		`{}`:                       "tracker.json: this is not the JSON of Debian's security tracker: no advisory is in it",
		`[]`:                       "this is not the JSON",
		`{"packages":null}`:        "this is not the JSON",
		`<html><body>503</body>`:   "not JSON at byte",
		`{` + row + `,"b":{"c":}}`: "not JSON at byte",
	} {
		_, _, err := importText(t, text)
		assert.ErrorContains(t, err, want, text)
	}
	src, err := feed.NewSource(filepath.Join(t.TempDir(), "none"), feed.Options{})
	require.NoError(t, err)
	_, err = debian.Import(context.Background(), src, nil)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestImportStopsWhenTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tracker.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"a":{"CVE-2024-0001":{"releases":{"sid":`+good+`}}}}`), 0o600))
	src, err := feed.NewSource(path, feed.Options{})
	require.NoError(t, err)
	stop := errors.New("stop")
	_, err = debian.Import(context.Background(), src, func(advisory.Record) error { return stop })
	assert.ErrorIs(t, err, stop)
}

// TestSharedTracker reads real data of all releases since 2002.
func TestSharedTracker(t *testing.T) {
	records, stats, err := importFile(t, scantest.Shared(t, "debian/tracker-shape-from-dsa-dla.json.gz"))
	require.NoError(t, err)
	assert.Equal(t, feed.Stats{Rows: 26329}, stats)
	assert.Len(t, records, 26329)
	rows := map[string]int{}
	for _, r := range records {
		r.Normalize()
		require.NoError(t, r.Validate())
		rows[r.Release]++
		if r.Status == advisory.StatusNotAffected {
			rows["not affected"]++
		}
	}
	assert.Equal(t, map[string]int{
		"3.0": 1222, "3.1": 2179, "4": 1470, "5": 1256, "6": 2196, "7": 4350,
		"8": 4860, "9": 4321, "10": 2915, "11": 1560, "not affected": 71,
	}, rows)
	i := slices.IndexFunc(records, func(r advisory.Record) bool {
		return r.Package == "a2ps" && r.ID == "CVE-2014-0466" && r.Release == "7"
	})
	assert.Equal(t, "1:4.14-1.1+deb7u1", records[i].Fixed)
}

func FuzzImport(f *testing.F) {
	f.Add(`{"p":{"CVE-2024-0001":{"description":"x","releases":{"sid":` + good + `,"bookworm":{"status":"resolved","fixed_version":"0"}}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		records, stats, err := importText(t, text)
		if err == nil {
			assert.Len(t, records, stats.Rows)
		}
		for _, r := range records {
			assert.NotEmpty(t, r.Status)
			assert.NotEmpty(t, r.Release)
		}
	})
}

// TestTrap03ZeroIsNotAffected: the version "0" is no floor that everything is
// below or above.
func TestTrap03ZeroIsNotAffected(t *testing.T) {
	assert.Equal(t, advisory.Record{Status: advisory.StatusNotAffected}, judged(t, `"status":"resolved","fixed_version":"0"`))
}

// TestTrap04OpenIsVulnerable: without a fixed version, every version is.
func TestTrap04OpenIsVulnerable(t *testing.T) {
	assert.Equal(t, advisory.Record{Status: advisory.StatusAffected}, judged(t, `"status":"open"`))
}

// TestTrap24UndeterminedIsNotAffected: what nobody looked at is not a finding.
func TestTrap24UndeterminedIsNotAffected(t *testing.T) {
	assert.Equal(t, advisory.StatusUnderInvestigation, judged(t, `"status":"undetermined"`).Status)
}

// TestTrap25NoAdvisoryIsNotFixed: what gets no DSA is still there.
func TestTrap25NoAdvisoryIsNotFixed(t *testing.T) {
	assert.Equal(t, advisory.StatusDeferred, judged(t, `"status":"open","nodsa":"Minor issue","nodsa_reason":""`).Status)
	assert.Equal(t, advisory.StatusWillNotFix, judged(t, `"status":"open","nodsa":"Minor issue","nodsa_reason":"ignored"`).Status)
}

// TestTrap26UnimportantIsNegligible: and fails no gate.
func TestTrap26UnimportantIsNegligible(t *testing.T) {
	assert.Equal(t, severity.Negligible, judged(t, `"status":"open","urgency":"unimportant"`).Severity)
}

// judged is what the tracker says in these words: status, version and severity.
func judged(t *testing.T, text string) advisory.Record {
	t.Helper()
	records, _, err := importText(t, `{"openssl":{"CVE-2024-0001":{"releases":{"bookworm":{`+text+`}}}}}`)
	require.NoError(t, err)
	require.Len(t, records, 1)
	records[0].Normalize()
	return advisory.Record{Status: records[0].Status, Fixed: records[0].Fixed, Severity: records[0].Severity}
}
