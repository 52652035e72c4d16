package debian_test

import (
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
)

const extendedRecord = `{"id":"ELA-1-1","modified":"2023-11-15T00:00:00Z","database_specific":{"type":"security update"},"related":["CVE-2023-0001"],"affected":[
{"package":{"ecosystem":"Debian:8","name":"foo"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.0-1+deb8u1"}]}]},
{"package":{"ecosystem":"Debian:9","name":"foo"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.0-1+deb9u1"}]}]}]}`

func importExtended(t testing.TB, text string) ([]advisory.Record, feed.Stats, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ELA-1-1.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return importWith(t, debian.ImportExtended, path)
}

func TestExtended(t *testing.T) {
	records, stats, err := importExtended(t, extendedRecord)
	require.NoError(t, err)
	assert.Equal(t, feed.Stats{Rows: 2}, stats)
	require.NoError(t, records[0].Validate())
	assert.Equal(t, advisory.Record{
		ID: "CVE-2023-0001", Distro: "debian", Release: "8", Package: "foo", Kind: advisory.Source,
		Status: advisory.StatusFixed, Fixed: "1.0-1+deb8u1", Aliases: []string{"ELA-1-1"},
		Modified: "2023-11-15", URL: "https://deb.freexian.com/extended-lts/tracker/CVE-2023-0001",
	}, records[0])
	assert.Equal(t, "CVE-2023-0001 9 foo fixed 1.0-1+deb9u1", said(records)[1])

	without := strings.Replace(extendedRecord, "CVE-2023-0001", "", 1)
	records, _, err = importExtended(t, without)
	require.NoError(t, err)
	assert.Equal(t, "ELA-1-1 8 foo fixed 1.0-1+deb8u1", said(records)[0])
	_, stats, err = importExtended(t, strings.Replace(without, "security update", "regression update", 1))
	assert.ErrorContains(t, err, "ELA-1-1.json: these are not the advisories of Debian's Extended LTS: no advisory is in it")
	assert.Zero(t, stats.Malformed)

	open := strings.Replace(extendedRecord, `,{"fixed":"1.0-1+deb8u1"}`, "", 1)
	records, _, err = importExtended(t, open)
	require.NoError(t, err)
	assert.Equal(t, "CVE-2023-0001 8 foo affected", said(records)[0])
}

func TestOneBadExtendedPackageDoesNotStopTheRest(t *testing.T) {
	for old, want := range map[string]string{
		"Debian:8":                       `ELA-1-1.json: there is no release "Debian:99" of Debian`,
		"0\"},{\"fixed\":\"1.0-1+deb8u1": "",
	} {
		bad := strings.Replace(extendedRecord, old, "Debian:99", 1)
		if want == "" {
			bad = strings.Replace(extendedRecord, `[{"introduced":"0"},{"fixed":"1.0-1+deb8u1"}]`, "[]", 1)
			want = "ELA-1-1.json: it states no version of foo"
		}
		records, stats, err := importExtended(t, bad)
		require.NoError(t, err)
		assert.Len(t, records, 1)
		require.Equal(t, 1, stats.Malformed)
		assert.Equal(t, want, stats.Problems[0].String())
	}
}

func TestSharedExtended(t *testing.T) {
	records, stats, err := importWith(t, debian.ImportExtended, scantest.Shared(t, "debian/elts-osv.zip"))
	require.NoError(t, err)
	rows := map[string]int{}
	for _, r := range records {
		r.Normalize()
		require.NoError(t, r.Validate())
		assert.True(t, strings.HasPrefix(r.ID, "CVE-"), r.ID)
		rows[r.Release]++
	}
	t.Log(rows, stats)
	assert.LessOrEqual(t, stats.Malformed, 1, "one record has an object where OSV has a list")
	assert.Greater(t, rows["10"], 1000)
	assert.Len(t, records, stats.Rows)
}

func FuzzImportExtended(f *testing.F) {
	f.Add(extendedRecord)
	f.Fuzz(func(t *testing.T, text string) {
		records, stats, err := importExtended(t, text)
		if err == nil {
			assert.Len(t, records, stats.Rows)
		}
		for _, r := range records {
			assert.NotEmpty(t, r.Status)
			assert.NotEmpty(t, r.Release)
		}
	})
}
