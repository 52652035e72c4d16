package feed_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

const record = `{"id":"CVE-2024-0001","distro":"debian","release":"12","package":"openssl","kind":"source","status":"fixed","fixed":"1"}` + "\n"

func records(t testing.TB, text string) ([]string, feed.Stats, error) {
	t.Helper()
	var ids []string
	stats, err := feed.Records(context.Background(), source(t, file(t, "r.jsonl", []byte(text)), feed.Options{}), func(r advisory.Record) error {
		ids = append(ids, r.ID)
		return nil
	})
	return ids, stats, err
}

func TestRecords(t *testing.T) {
	ids, stats, err := records(t, record+"x\n"+strings.ReplaceAll(record, "0001", "0002")+"{}\n")
	require.NoError(t, err)
	assert.Equal(t, []string{"CVE-2024-0001", "CVE-2024-0002"}, ids)
	assert.Equal(t, 2, stats.Rows)
	assert.Equal(t, 2, stats.Malformed)
	assert.Equal(t, "r.jsonl:2", stats.Problems[0].Where)
	assert.Equal(t, feed.Problem{Where: "r.jsonl:4", Reason: "id is missing"}, stats.Problems[1])
	assert.Equal(t, "r.jsonl:4: id is missing", stats.Problems[1].String())

	_, stats, err = records(t, "")
	require.NoError(t, err)
	assert.Zero(t, stats)
	_, _, err = records(t, "<html>\n</html>\n")
	assert.ErrorContains(t, err, "r.jsonl: none of 2 lines can be read; the first: r.jsonl:1: invalid character")

	_, stats, err = records(t, record+strings.Repeat("x\n", 100))
	require.NoError(t, err)
	assert.Equal(t, 100, stats.Malformed)
	assert.Len(t, stats.Problems, 20)
}

func TestRecordsStopsWhenTold(t *testing.T) {
	stop := errors.New("stop")
	s := source(t, file(t, "r.jsonl", []byte(record+record)), feed.Options{})
	stats, err := feed.Records(context.Background(), s, func(advisory.Record) error { return stop })
	assert.ErrorIs(t, err, stop)
	assert.Zero(t, stats.Rows)
	s = source(t, file(t, "s.tsv", []byte(severities)), feed.Options{})
	_, err = feed.Severities(context.Background(), s, func(advisory.Facts) error { return stop })
	assert.ErrorIs(t, err, stop)
}

type rating struct {
	id string
	advisory.CVSS
}

func ratings(t testing.TB, path string) ([]rating, feed.Stats, error) {
	t.Helper()
	var got []rating
	stats, err := feed.Severities(context.Background(), source(t, path, feed.Options{}), func(f advisory.Facts) error {
		require.Len(t, f.CVSS, 1)
		got = append(got, rating{f.ID, f.CVSS[0]})
		return nil
	})
	return got, stats, err
}

const severities = "id\tscore\tvector\tsource\n" +
	"cve-2024-0001\t9.8\tCVSS:3.1/AV:N\tnvd\r\n" +
	"\n" +
	"CVE-2024-0002\t10\tCVSS:4.0/AV:N\tcna\n" +
	"CVE-2024-0003\t5\tAV:N/AC:L\tnvd\n" +
	"CVE-2024-0004\t5\t\tnvd"

func TestSeverities(t *testing.T) {
	want := []rating{
		{"CVE-2024-0001", advisory.CVSS{Version: "3.1", Vector: "CVSS:3.1/AV:N", Score: 9.8, Source: "nvd"}},
		{"CVE-2024-0002", advisory.CVSS{Version: "4.0", Vector: "CVSS:4.0/AV:N", Score: 10, Source: "cna"}},
		{"CVE-2024-0003", advisory.CVSS{Version: "2.0", Vector: "AV:N/AC:L", Score: 5, Source: "nvd"}},
		{"CVE-2024-0004", advisory.CVSS{Score: 5, Source: "nvd"}},
	}
	got, stats, err := ratings(t, file(t, "s.tsv", []byte(severities)))
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.Equal(t, feed.Stats{Rows: 4}, stats)

	other := "source\tCVE\tcvss_version\tbase_score\tseverity\tvector\nadp\tCVE-1999-0006\t3.1\t9.8\tcritical\tCVSS:3.1/AV:N\n"
	got, _, err = ratings(t, file(t, "s.tsv.gz", gzipped(t, other)))
	require.NoError(t, err)
	assert.Equal(t, []rating{{"CVE-1999-0006", advisory.CVSS{Version: "3.1", Vector: "CVSS:3.1/AV:N", Score: 9.8, Source: "adp"}}}, got)
}

func TestSeveritiesCountsBadLines(t *testing.T) {
	for line, want := range map[string]string{
		"CVE-2024-0009\t9.8":                   "is missing",
		"\t9.8\tAV:N\tnvd":                     "the id is missing",
		"CVE-2024-0009\thigh\t\tnvd":           `score "high" is not a number`,
		"CVE-2024-0009\tNaN\t\tnvd":            "cvss score NaN",
		"CVE-2024-0009\t11\t\tnvd":             "cvss score 11",
		"CVE-2024-0009\t9\tCVSS:9.9/AV:N\tnvd": `cvss version "9.9"`,
	} {
		got, stats, err := ratings(t, file(t, "s.tsv", []byte(severities+"\n"+line+"\nCVE-2024-0005\t1\t\tnvd\n")))
		require.NoError(t, err)
		assert.Len(t, got, 5)
		assert.Equal(t, 1, stats.Malformed)
		assert.Equal(t, "s.tsv:7", stats.Problems[0].Where)
		assert.Contains(t, stats.Problems[0].Reason, want)
	}
}

func TestSeveritiesRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "s.tsv: the line that names the columns is missing",
		"CVE-2024-0001\t9.8\tx\tnvd":   `the first line names no column "id"`,
		"id\tscore\tsource\n":          `the first line names no column "vector"`,
		"id\tscore\tvector\tsource\nx": "s.tsv: none of 1 lines can be read",
		"id\tscore\tvector\tsource\n" + strings.Repeat("x", 5000): "s.tsv: a line is longer than 4096 bytes",
	} {
		_, _, err := ratings(t, file(t, "s.tsv", []byte(text)))
		assert.ErrorContains(t, err, want)
	}
}

func TestSharedSeverities(t *testing.T) {
	got, stats, err := ratings(t, scantest.Shared(t, "severity/cvss.tsv.gz"))
	require.NoError(t, err)
	assert.Equal(t, feed.Stats{Rows: 36257}, stats)
	assert.Equal(t, rating{"CVE-1999-0006", advisory.CVSS{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8, Source: "adp"}}, got[0])
}

func FuzzSeverities(f *testing.F) {
	f.Add(severities)
	f.Fuzz(func(t *testing.T, text string) {
		got, stats, err := ratings(t, file(t, "s.tsv", []byte(text)))
		if err == nil {
			assert.Len(t, got, stats.Rows)
		}
		for _, r := range got {
			assert.NoError(t, r.Validate())
			assert.NotEmpty(t, r.id)
		}
	})
}
