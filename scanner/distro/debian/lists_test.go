package debian_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/debian"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/version"
)

// importWith runs an importer on a path.
func importWith(t testing.TB, importer feed.Importer, path string) ([]advisory.Record, feed.Stats, error) {
	t.Helper()
	src, err := feed.NewSource(path, feed.Options{})
	require.NoError(t, err)
	var records []advisory.Record
	stats, err := importer(context.Background(), src, func(r advisory.Record) error {
		records = append(records, r)
		return nil
	})
	return records, stats, err
}

func importList(t testing.TB, text string) ([]advisory.Record, feed.Stats, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return importWith(t, debian.ImportList, path)
}

// said are records as "id release package status fixed".
func said(records []advisory.Record) []string {
	out := []string{}
	for _, r := range records {
		out = append(out, strings.TrimSpace(strings.Join([]string{r.ID, r.Release, r.Package, string(r.Status), r.Fixed}, " ")))
	}
	return out
}

func TestList(t *testing.T) {
	records, stats, err := importList(t, `[27 Mar 2023] DSA-5000-1 foo - security update
	{CVE-2023-0001 cve-2023-0002 CVE-2023-XXXX}
	[bullseye] - foo 1:0.2.0-3+deb11u1
	[buster] - foo <not-affected> (Vulnerable code not present)
	NOTE: [buster] - foo 9 is for people
`)
	require.NoError(t, err)
	assert.Equal(t, feed.Stats{Rows: 4}, stats)
	require.NoError(t, records[0].Validate())
	assert.Equal(t, advisory.Record{
		ID: "CVE-2023-0001", Distro: "debian", Release: "11", Package: "foo", Kind: advisory.Source,
		Status: advisory.StatusFixed, Fixed: "1:0.2.0-3+deb11u1", Aliases: []string{"DSA-5000-1"},
		Published: "2023-03-27", URL: "https://security-tracker.debian.org/tracker/CVE-2023-0001",
	}, records[0])
	assert.Equal(t, []string{
		"CVE-2023-0001 11 foo fixed 1:0.2.0-3+deb11u1", "CVE-2023-0002 11 foo fixed 1:0.2.0-3+deb11u1",
		"CVE-2023-0001 10 foo not-affected", "CVE-2023-0002 10 foo not-affected",
	}, said(records))
}

func TestListVerdicts(t *testing.T) {
	for verdict, want := range map[string]string{
		"1.0-1":                      "fixed 1.0-1",
		" 1.0-1 (bug #1; medium)":    "fixed 1.0-1",
		"<not-affected>":             "not-affected",
		"<end-of-life> (no support)": "end-of-life",
		"<unfixed>":                  "affected",
		"<removed>":                  "affected",
		"<no-dsa> (Minor issue)":     "deferred",
		"<postponed>":                "deferred",
		"<ignored> (too intrusive)":  "will-not-fix",
		"<undetermined>":             "under-investigation",
		"<itp> (bug #1)":             "",
	} {
		for _, indent := range []string{"\t", "        ", " \t"} {
			text := "[01 Jan 2020] DLA-1-1 foo - x\n" + indent + "{CVE-2020-0001}\n" + indent + "[jessie] - foo " + verdict + "\n" + indent + "[jessie] - zzz 1\n"
			records, stats, err := importList(t, text)
			require.NoError(t, err, verdict)
			assert.Zero(t, stats.Malformed, verdict)
			list := []string{"CVE-2020-0001 8 zzz fixed 1"}
			if want != "" {
				list = append([]string{"CVE-2020-0001 8 foo " + want}, list...)
			}
			assert.Equal(t, list, said(records), verdict)
		}
	}
}

// TestListWithoutCVE: an advisory without a CVE counts under its own id, if it is
// about a vulnerability.
func TestListWithoutCVE(t *testing.T) {
	for title, want := range map[string][]string{
		"DSA-1-1 foo - buffer overflow":         {"DSA-1-1 7 foo fixed 2"},
		"DLA-2-1 foo - security update":         {"DLA-2-1 7 foo fixed 2"},
		"DSA-1-1 foo":                           {"DSA-1-1 7 foo fixed 2"},
		"DSA-1304 foo - several":                {"DSA-1304 7 foo fixed 2"},
		"DSA-1-2 foo - buffer overflow":         nil, // repairs the first
		"DLA-2-1 foo - regression update":       nil,
		"DLA-2-1 tzdata - new upstream version": nil,
		"DLA-2-1 foo - bugfix update":           nil,
	} {
		records, stats, err := importList(t, "[01 Jan 2015] "+title+"\n\t[wheezy] - foo 2\n[01 Jan 2015] DSA-9-1 zzz - x\n\t{CVE-2015-XXXX}\n\t[wheezy] - zzz 1\n")
		require.NoError(t, err)
		assert.Zero(t, stats.Malformed)
		assert.Equal(t, append(want, "DSA-9-1 7 zzz fixed 1"), said(records), title)
	}
}

func TestOneBadLineDoesNotStopTheRest(t *testing.T) {
	for bad, want := range map[string]string{
		"[01 Jan 2015] XSA-1-1 foo - x\n\t[wheezy] - foo 2":                 "list:4: the line is not of the form \"[day] DSA-number source - title\"",
		"[44 Jan 2015] DSA-1-2 foo - x\n":                                   `list:4: "44 Jan 2015" is not a day`,
		"[01 Jan 2015] DSA-1-1 foo - x\n\t{CVE-2015-0001\n":                 "list:5: the list of ids has no end",
		"[01 Jan 2015] DSA-1-1 foo - x\n\t{CVE-2015}\n":                     `list:5: "CVE-2015" is not a CVE id`,
		"[01 Jan 2015] DSA-1-1 foo - x\n\t[wheezy] foo 2\n":                 "list:5: the line is not of the form \"[release] - source version\"",
		"[01 Jan 2015] DSA-1-1 foo - x\n\t[wheezy] - foo\n":                 "list:5: the line is not of the form",
		"[01 Jan 2015] DSA-1-1 foo - x\n\tfoo 2\n":                          "list:5: the line is of no known form",
		"[01 Jan 2015] DSA-1-1 foo - x\n\t[wheezy] - foo <maybe>\n":         "list: DSA-1-1: foo in wheezy: the word <maybe> is not known",
		"[01 Jan 2015] DSA-1-1 foo - x\n\t[zurg] - foo 2\n\t[zurg] - foo 3": `list: there is no release "zurg"; left out: 2`,
	} {
		good := "[01 Jan 2015] DSA-9-1 zzz - x\n\t{CVE-2015-0009}\n\t[wheezy] - zzz 1\n"
		records, stats, err := importList(t, good+bad+"\n"+good)
		require.NoError(t, err, bad)
		assert.Equal(t, []string{"CVE-2015-0009 7 zzz fixed 1", "CVE-2015-0009 7 zzz fixed 1"}, said(records), bad)
		require.Equal(t, 1, stats.Malformed, bad)
		assert.Contains(t, stats.Problems[0].String(), want)
	}
}

func TestListRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "list: this is not a list of Debian's security advisories: no advisory is in it",
		"<html>503</html>":         "no advisory is in it",
		`{"a":{}}`:                 "no advisory is in it",
		strings.Repeat("x", 2<<20): "list: a line of more than 1048576 bytes",
	} {
		_, _, err := importList(t, text)
		assert.ErrorContains(t, err, want)
	}
	many := "[01 Jan 2015] DSA-1-1 foo - x\n\t{" + strings.Repeat("CVE-2015-0001 ", 1000) + "}\n" + strings.Repeat("\t[wheezy] - foo 2\n", 1000)
	_, stats, err := importList(t, many)
	assert.Error(t, err)
	assert.Equal(t, "list: DSA-1-1: it has more than 100000 rows", stats.Problems[0].String())
}

// TestTrap35OldReleases: the tracker's JSON has nothing of Debian 7 to 10; the
// lists and Extended LTS do.
func TestTrap35OldReleases(t *testing.T) {
	rows := map[string]int{}
	for name, importer := range map[string]feed.Importer{
		"debian/dsa-list.txt.gz": debian.ImportList, "debian/dla-list.txt.gz": debian.ImportList, "debian/elts-osv.zip": debian.ImportExtended,
	} {
		records, _, err := importWith(t, importer, scantest.Shared(t, name))
		require.NoError(t, err)
		for _, r := range records {
			rows[r.Release]++
		}
	}
	for _, release := range []string{"7", "8", "9", "10"} {
		assert.Greater(t, rows[release], 4000, release)
		_, known := debian.Distro().Lifecycle(release)
		assert.True(t, known)
	}
}

// row is what is known of a vulnerability in a package of a release.
type row struct{ release, source, id string }

// TestSharedLists compares the lists with the document in the tracker's form
// that was derived from them by somebody else.
func TestSharedLists(t *testing.T) {
	ours := map[row]string{}
	for _, name := range []string{"debian/dsa-list.txt.gz", "debian/dla-list.txt.gz"} {
		records, stats, err := importWith(t, debian.ImportList, scantest.Shared(t, name))
		require.NoError(t, err)
		assert.Zero(t, stats.Malformed, stats.Problems)
		for _, r := range records {
			r.Normalize()
			require.NoError(t, r.Validate())
			k := row{r.Release, r.Package, r.ID}
			if r.Status == advisory.StatusFixed && higher(t, r.Fixed, ours[k]) {
				ours[k] = r.Fixed
			} else if _, ok := ours[k]; !ok {
				ours[k] = string(r.Status)
			}
		}
	}
	theirs := map[row]string{}
	records, _, err := importFile(t, scantest.Shared(t, "debian/tracker-shape-from-dsa-dla.json.gz"))
	require.NoError(t, err)
	for _, r := range records {
		r.Normalize()
		theirs[row{r.Release, r.Package, r.ID}] = r.Fixed
		if r.Fixed == "" {
			theirs[row{r.Release, r.Package, r.ID}] = string(r.Status)
		}
	}
	// All that they have is in ours, the same. What ours have besides are the
	// advisories without a CVE, which the document has no place for, and the
	// packages that an advisory names as not fixed: Mozilla in Debian 3.0.
	more := map[string]int{}
	for k, fixed := range ours {
		switch _, ok := theirs[k]; {
		case ok:
		case strings.HasPrefix(k.id, "CVE-"):
			more[fmt.Sprint(k.release, " ", k.source, " ", fixed)]++
		default:
			more["without a CVE"]++
		}
		if want, ok := theirs[k]; ok {
			assert.Equal(t, want, fixed, k)
			delete(theirs, k)
		}
	}
	assert.Empty(t, theirs)
	assert.Equal(t, map[string]int{"3.0 mozilla affected": 8, "without a CVE": 117}, more)
}

func higher(t *testing.T, a, b string) bool {
	t.Helper()
	if b == "" || b[0] > '9' {
		return true
	}
	order, err := version.Deb.Compare(a, b)
	require.NoError(t, err)
	return order > 0
}

func FuzzImportList(f *testing.F) {
	f.Add("[27 Mar 2023] DSA-5000-1 foo - security update\n\t{CVE-2023-0001}\n\t[bullseye] - foo 1\n\t[buster] - foo <end-of-life>\n")
	f.Fuzz(func(t *testing.T, text string) {
		records, stats, err := importList(t, text)
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
