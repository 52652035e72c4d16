package db

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

func TestDetailRoundTrip(t *testing.T) {
	const id = "CVE-2024-0001"
	for name, d := range map[string]detail{
		"nothing": {},
		"texts": {texts: []text{
			{"alpine", "", "", "", ""},
			{"debian", "A flaw.\nAnd more.", "1999-12-31", "2024-02-29", "https://example.com/" + id},
			{"ubuntu", "ü", "0001-01-01", "9999-12-31", "https://example.com/other"},
		}},
		"ratings": {cvss: []advisory.CVSS{
			{Version: "3.1", Vector: "CVSS:3.1/AV:N", Score: 9.8, Source: "nvd"},
			{Version: "2.0", Vector: "AV:N", Score: 0, Source: "nvd"},
			{Score: 10},
			{Score: 7.25},
			{Score: 1.0 / 3},
		}},
		"exploited": {exploited: "2021-12-10"},
		"EPSS":      {epss: &advisory.EPSS{Score: 0.00043, Percentile: 1, Date: "2026-01-31"}},
		"odd EPSS":  {epss: &advisory.EPSS{Score: 1.0 / 3, Percentile: 1e-9}},
	} {
		words := wordsOf([]detail{d}, func(d detail) []string { return d.words(id) })
		got, err := decodeDetail(d.encode(id, words), id, words)
		require.NoError(t, err, name)
		assert.ElementsMatch(t, d.texts, got.texts, name)
		assert.ElementsMatch(t, d.cvss, got.cvss, name)
		assert.Equal(t, d.exploited, got.exploited, name)
		assert.Equal(t, d.epss, got.epss, name)
		if value := d.encode(id, words); len(value) > 0 {
			_, err := decodeDetail(value[:len(value)-1], id, words)
			assert.ErrorIs(t, err, errShort, name)
			_, err = decodeDetail(append(value, 0), id, words)
			assert.ErrorIs(t, err, errExtra, name)
		}
	}
}

func TestDetailsOfADistribution(t *testing.T) {
	d := detail{texts: []text{
		{"alpine", "", "", "2020-01-01", "https://alpine.example/"},
		{"debian", "Debian's words", "2019-01-01", "2021-01-01", "https://debian.example/"},
	}}
	assert.Equal(t, Details{"Debian's words", "2019-01-01", "2021-01-01", "https://debian.example/", nil, "", nil}, d.of("debian"))
	assert.Equal(t, Details{"Debian's words", "2019-01-01", "2020-01-01", "https://alpine.example/", nil, "", nil}, d.of("alpine"))
	// An address of another distribution would mislead.
	assert.Equal(t, Details{"Debian's words", "2019-01-01", "2020-01-01", "", nil, "", nil}, d.of("ubuntu"))
}
