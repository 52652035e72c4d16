package db_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
)

// described makes a database of 60,000 vulnerabilities with a description, a
// rating by the NVD and one of EPSS each.
func described(b *testing.B) string {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	builder := db.NewBuilder(options())
	for i := range 60_000 {
		id := fmt.Sprintf("CVE-%d-%d", 2015+i%11, 1000+i)
		require.NoError(b, builder.Add(fixed("p", id, "1")))
		require.NoError(b, builder.AddFacts(advisory.Facts{
			ID: id, Description: strings.Repeat("A flaw was found. ", 5+rng.IntN(40)), Published: "2024-01-02", Modified: "2025-01-02",
			CVSS: []advisory.CVSS{{Version: "3.1", Vector: vector(rng), Score: float64(rng.IntN(100)) / 10, Source: "nvd"}},
			EPSS: &advisory.EPSS{Score: 0.001, Percentile: 0.5, Date: "2026-01-31"},
		}))
	}
	return writeBuilder(b, builder)
}

// BenchmarkDetails opens the database and asks for the details of 2,400
// vulnerabilities, as the report of an image with that many findings does.
func BenchmarkDetails(b *testing.B) {
	dir := described(b)
	b.ReportAllocs()
	for b.Loop() {
		d, err := db.Open(dir)
		require.NoError(b, err)
		for i := range 2400 {
			n := i * 25
			_, found, err := d.Details(fmt.Sprintf("CVE-%d-%d", 2015+n%11, 1000+n), "debian")
			require.NoError(b, err)
			require.True(b, found)
		}
		require.NoError(b, d.Close())
	}
}

// BenchmarkFirstDetails is what the first look-up costs: the file is opened.
func BenchmarkFirstDetails(b *testing.B) {
	dir := described(b)
	b.ReportAllocs()
	for b.Loop() {
		d, err := db.Open(dir)
		require.NoError(b, err)
		_, _, err = d.Details("CVE-2015-1000", "debian")
		require.NoError(b, err)
		require.NoError(b, d.Close())
	}
}
