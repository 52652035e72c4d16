package redhat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/csaf/redhat"
)

var update = flag.Bool("update", false, "write the golden files")

func read(t testing.TB, path string) ([]advisory.Record, feed.Stats) {
	t.Helper()
	src, err := feed.NewSource(path, feed.Options{})
	require.NoError(t, err)
	var records []advisory.Record
	stats, err := redhat.Importer("rhel", redhat.WithoutELS)(context.Background(), src, func(r advisory.Record) error {
		require.NoError(t, r.Validate())
		records = append(records, r)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, len(records), stats.Rows)
	return records, stats
}

// Both kinds of documents, with all that they have in real ones.
func TestRecords(t *testing.T) {
	for name, malformed := range map[string][]string{
		"vex.json": nil,
		"vex-feed.json": {
			`vex-feed.json: vulnerabilities[0]: "rhel-8.10.z::appstream:python39-0:3.9-8100020240826142629.d47b87a4" is the version of a module; it cannot be told which packages of it are fixed`,
			`vex-feed.json: vulnerabilities[0]: the package URL "pkg:rpm/redhat/broken?arch=src&rpmmod=broken": rpmmod is not a module and its stream`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			records, stats := read(t, filepath.Join("testdata", name))
			var problems []string
			for _, p := range stats.Problems {
				problems = append(problems, p.String())
			}
			assert.Equal(t, malformed, problems)
			var got bytes.Buffer
			for _, r := range records {
				line, err := json.Marshal(r)
				require.NoError(t, err)
				got.Write(append(line, '\n'))
			}
			golden := filepath.Join("testdata", strings.TrimSuffix(name, ".json")+".golden.jsonl")
			if *update {
				require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), got.String())
		})
	}
}

// find gives the records on a package of the first fixture.
func find(t *testing.T, release, name string) []advisory.Record {
	t.Helper()
	records, _ := read(t, "testdata/vex.json")
	var out []advisory.Record
	for _, r := range records {
		if r.Release == release && r.Package == name {
			out = append(out, r)
		}
	}
	return out
}

func TestTrap15EpochOfFix(t *testing.T) {
	for _, r := range find(t, "8", "openssl") {
		assert.True(t, strings.HasPrefix(r.Fixed, "1:"), r.Fixed)
	}
	require.NotEmpty(t, find(t, "7", "sudo"))
	assert.Equal(t, "1.8.23-10.el7_9.1", find(t, "7", "sudo")[0].Fixed, "an epoch of 0 is left out")
}

func TestTrap17ModuleOfRecord(t *testing.T) {
	fixed := map[string]string{}
	for _, r := range find(t, "8", "nodejs") {
		fixed[r.Module+" "+string(r.Kind)] = r.Fixed
	}
	assert.Equal(t, map[string]string{
		"nodejs:18 binary": "1:18.9.1-1.module+el8.6.0+1+abcdef01",
		"nodejs:20 binary": "", "nodejs:20 source": "",
	}, fixed, "the fix in one stream takes nothing from another; the builds for Flatpak are of none")
	assert.Empty(t, find(t, "8", "gimp"))
}

func TestTrap21ProductOfRecord(t *testing.T) {
	for _, r := range find(t, "7", "rh-python38-python") {
		assert.Equal(t, []string{"cpe:/a:redhat:rhel_software_collections:3::el7"}, r.CPEs)
	}
	require.Len(t, find(t, "7", "rh-python38-python"), 1)
}

func TestTrap24UnderInvestigation(t *testing.T) {
	records := find(t, "10", "openssl")
	require.Len(t, records, 1)
	assert.Equal(t, advisory.StatusUnderInvestigation, records[0].Status)
}

func TestTrap25WhyThereIsNoFix(t *testing.T) {
	for release, want := range map[string]advisory.Status{"6": advisory.StatusEndOfLife, "7": advisory.StatusWillNotFix} {
		records := find(t, release, "openssl")
		require.NotEmpty(t, records)
		for _, r := range records {
			assert.Equal(t, want, r.Status)
			assert.Empty(t, r.CPEs, "it holds for all products of the release")
		}
	}
	assert.Equal(t, advisory.StatusDeferred, find(t, "9", "compat-openssl10")[0].Status)
}

// One document that is none must not stop the others; a source of nothing but
// such documents is an error.
func TestNotVEX(t *testing.T) {
	good, err := os.ReadFile("testdata/vex.json")
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("a.json", `{"document": {"category": "csaf_security_advisory", "tracking": {"id": "RHSA-2030:1"}}}`)
	write("b.json", `{"document": {"category": "csaf_vex", "tracking": {"id": "CVE-2030-9"}}, "vulnerabilities": [{"cve": "CVE-2030-9", "notes": [{"category": "description", "text": "** REJECT ** no"}]}]}`)
	src, err := feed.NewSource(dir, feed.Options{})
	require.NoError(t, err)
	importer := redhat.Importer("rhel", redhat.WithoutELS)
	_, err = importer(context.Background(), src, func(advisory.Record) error { return nil })
	require.ErrorContains(t, err, "this is not Red Hat's VEX")

	write("c.json", string(good))
	_, stats := read(t, dir)
	require.Len(t, stats.Problems, 1)
	assert.Contains(t, stats.Problems[0].String(), `a.json: it is of the category "csaf_security_advisory", not csaf_vex`)
}

// What is wrong with a date, a score or a text hides no vulnerability.
func TestBadDetails(t *testing.T) {
	text, err := os.ReadFile("testdata/vex.json")
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(text, &doc))
	vuln := doc["vulnerabilities"].([]any)[0].(map[string]any)
	vuln["release_date"], vuln["discovery_date"] = "in the year 2030", "2030-13-01"
	vuln["notes"] = []any{map[string]any{"category": "description", "text": strings.Repeat("ä", advisory.MaxDescription)}}
	vuln["scores"] = []any{map[string]any{"cvss_v3": map[string]any{"version": "3.1", "baseScore": 11}}}
	text, err = json.Marshal(doc)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "vex.json")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	all, _ := read(t, "testdata/vex.json")
	records, stats := read(t, path) // It looks whether they are valid.
	require.Len(t, records, len(all))
	assert.Empty(t, records[0].Published)
	assert.Nil(t, records[0].CVSS)
	assert.Len(t, records[0].Description, advisory.MaxDescription)
	require.Equal(t, 1, stats.Malformed)
	assert.Contains(t, stats.Problems[0].Reason, "cvss score 11 is not between")
}

func FuzzImporter(f *testing.F) {
	for _, name := range []string{"testdata/vex.json", "testdata/vex-feed.json"} {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "vex.json")
		require.NoError(t, os.WriteFile(path, text, 0o600))
		src, err := feed.NewSource(path, feed.Options{MaxUnpacked: 1 << 20})
		require.NoError(t, err)
		var stats feed.Stats
		rows := 0
		stats, err = redhat.Importer("rhel", redhat.WithoutELS)(context.Background(), src, func(r advisory.Record) error {
			rows++
			require.Equal(t, r.Status == advisory.StatusFixed, r.Fixed != "")
			require.NotEmpty(t, r.Package)
			return nil
		})
		if err == nil {
			require.Equal(t, rows, stats.Rows)
		}
	})
}

func TestRepositoryCPEs(t *testing.T) {
	for name, tt := range map[string]struct{ has, want []string }{
		"base": {
			[]string{"cpe:/o:redhat:enterprise_linux:9::baseos"},
			[]string{"cpe:/o:redhat:enterprise_linux:9", "cpe:/o:redhat:enterprise_linux:9::baseos"},
		},
		"base of RHEL 10": {
			[]string{"cpe:/o:redhat:enterprise_linux:10.0::baseos", "cpe:/o:redhat:enterprise_linux:10.1::baseos"},
			[]string{"cpe:/o:redhat:enterprise_linux:10", "cpe:/o:redhat:enterprise_linux:10.0::baseos", "cpe:/o:redhat:enterprise_linux:10.1::baseos"},
		},
		"updates of a minor release": {
			[]string{"cpe:/a:redhat:rhel_e4s:9.2::appstream"},
			[]string{
				"cpe:/a:redhat:rhel_e4s:9.2::appstream", "cpe:/o:redhat:enterprise_linux:9.0", "cpe:/o:redhat:enterprise_linux:9.1",
				"cpe:/o:redhat:enterprise_linux:9.2", "cpe:/o:redhat:rhel_eus:9.2",
			},
		},
		"updates of a minor release of RHEL 10": {
			[]string{"cpe:/o:redhat:enterprise_linux:10.0::baseos", "cpe:/o:redhat:enterprise_linux_e2s:10.0::baseos"},
			[]string{
				"cpe:/o:redhat:enterprise_linux:10.0", "cpe:/o:redhat:enterprise_linux:10.0::baseos",
				"cpe:/o:redhat:enterprise_linux_e2s:10.0::baseos", "cpe:/o:redhat:rhel_eus:10.0",
			},
		},
		"another product": {[]string{"cpe:/a:redhat:openshift:4.16::el9"}, []string{"cpe:/a:redhat:openshift:4.16::el9"}},
		"not one":         {[]string{"cpe:/o:redhat:rhel_eus:9.99999999999999999999"}, []string{"cpe:/o:redhat:rhel_eus:9.99999999999999999999"}},
	} {
		assert.Equal(t, tt.want, redhat.RepositoryCPEs(tt.has), name)
	}
}
