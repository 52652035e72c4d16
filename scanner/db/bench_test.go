package db_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// large makes a release like Debian 12: a kernel with 5000 rows and 3400 other
// packages with 40000.
func large() []advisory.Record {
	var records []advisory.Record
	add := func(name string, i, versions int) {
		r := fixed(name, fmt.Sprintf("CVE-%d-%d", 2015+i%11, 1000+i*37%60000), fmt.Sprintf("6.1.%d-1", i%versions))
		if i%4 == 0 {
			r.Status, r.Fixed = advisory.StatusAffected, ""
		}
		r.Severity = severity.All()[i%6]
		records = append(records, r)
	}
	for i := range 5000 {
		add("linux", i, 300)
	}
	for i := range 40_000 {
		add(fmt.Sprintf("package-%d", i%3400), i, 50)
	}
	return records
}

// BenchmarkScan opens the database and looks up 522 packages, as the scan of a
// large image does.
func BenchmarkScan(b *testing.B) {
	dir := write(b, large())
	for _, c := range []struct {
		name string
		want func(string) (bool, error)
	}{
		{"all rows", nil},
		{"no fixed rows", func(string) (bool, error) { return false, nil }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d, err := db.Open(dir)
				require.NoError(b, err)
				r, err := d.Release("debian", "12")
				require.NoError(b, err)
				for i := range 521 {
					_, err := r.Select(advisory.Source, fmt.Sprintf("package-%d", i*8), c.want)
					require.NoError(b, err)
				}
				_, err = r.Select(advisory.Source, "linux", c.want)
				require.NoError(b, err)
				require.NoError(b, r.Close())
				require.NoError(b, d.Close())
			}
		})
	}
}

func BenchmarkLookupLinux(b *testing.B) {
	r := release(b, write(b, large()), "debian", "12")
	b.ReportAllocs()
	for b.Loop() {
		rows, err := r.Lookup(advisory.Source, "linux")
		if err != nil || len(rows) != 5000 {
			b.Fatal(len(rows), err)
		}
	}
}
