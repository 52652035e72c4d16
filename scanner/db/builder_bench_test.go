package db_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// redHat gives records like those of one release of Red Hat's: 80 packages of
// the kernel with the same 3,000 vulnerabilities each and 4,000 other packages,
// of which some are in modules. The fix of a vulnerability is another one in
// each of up to four streams of updates, which differ in their products.
func redHat(rows int, emit func(advisory.Record)) {
	rng := rand.New(rand.NewPCG(1, 2))
	var streams [4][]string
	for s := range streams {
		for _, repository := range []string{"baseos", "appstream", "crb", "nfv", "realtime", "highavailability"} {
			streams[s] = append(streams[s], fmt.Sprintf("cpe:/a:redhat:%s:9.%d::%s", []string{"enterprise_linux", "rhel_eus", "rhel_aus", "rhel_e4s"}[s], 2*s, repository))
		}
	}
	arches := [][]string{{"aarch64", "ppc64le", "s390x", "x86_64"}, {"noarch"}, {"x86_64"}, {"aarch64", "x86_64"}}
	states := []advisory.Status{advisory.StatusAffected, advisory.StatusWillNotFix, advisory.StatusDeferred}
	for n := 0; n < rows; {
		// A vulnerability has one number, severity and set of fixes, whatever
		// the packages.
		cve := rng.IntN(60_000)
		rec := advisory.Record{
			ID: fmt.Sprintf("CVE-%d-%d", 2015+cve%11, 1000+cve), Distro: "rhel", Release: "9", Kind: advisory.Binary,
			Severity: severity.All()[rng.IntN(4)],
			CVSS:     &advisory.CVSS{Version: "3.1", Score: float64(rng.IntN(100)) / 10, Vector: vector(rng), Source: "redhat"},
		}
		name, packages, module := fmt.Sprintf("package-%d", rng.IntN(400)), 10, ""
		switch kind := rng.IntN(100); {
		case kind < 40:
			name, packages = "kernel", 80
		case kind < 50:
			module = fmt.Sprintf("module-%d:%d", rng.IntN(12), rng.IntN(3))
		}
		affected := rng.IntN(10) == 0
		fixes := 1 + rng.IntN(len(streams))
		for p := range packages {
			rec.Package = fmt.Sprintf("%s-sub-%d", name, p)
			rec.Module = module
			rec.Arches = arches[p%len(arches)]
			if affected {
				rec.Status, rec.Fixed, rec.Arches, rec.CPEs = states[cve%3], "", nil, []string{"cpe:/o:redhat:enterprise_linux:9"}
				emit(rec)
				n++
				continue
			}
			for s := range fixes {
				rec.Status, rec.Fixed = advisory.StatusFixed, fmt.Sprintf("5.14.0-%d.%d.1.el9_%d", 70*(s+1), cve%90, 2*s)
				rec.CPEs = slices.Clone(streams[s][cve%len(streams[s]):])
				emit(rec)
				n++
			}
		}
	}
}

func vector(rng *rand.Rand) string {
	pick := func(of string) byte { return of[rng.IntN(len(of))] }
	return fmt.Sprintf("CVSS:3.1/AV:%c/AC:%c/PR:%c/UI:%c/S:%c/C:%c/I:%c/A:%c",
		pick("NALP"), pick("LH"), pick("NLH"), pick("NR"), pick("UC"), pick("NLH"), pick("NLH"), pick("NLH"))
}

// BenchmarkBuild makes a database of 500,000 rows like Red Hat's, and says how
// many bytes a row takes, as it is and compressed.
func BenchmarkBuild(b *testing.B) {
	const rows = 500_000
	b.ReportAllocs()
	for b.Loop() {
		builder := db.NewBuilder(options())
		redHat(rows, func(r advisory.Record) { require.NoError(b, builder.Add(r)) })
		dir := filepath.Join(b.TempDir(), "db")
		meta, err := builder.Write(context.Background(), dir)
		require.NoError(b, err)
		release := meta.Releases[0]
		b.ReportMetric(float64(release.Size)/float64(release.Rows), "B/row")
		b.ReportMetric(float64(compressed(b, filepath.Join(dir, release.File)))/float64(release.Rows), "gzipped-B/row")
		b.ReportMetric(float64(release.Rows), "rows")
	}
}

func compressed(b *testing.B, path string) (size int64) {
	b.Helper()
	f, err := os.Open(path)
	require.NoError(b, err)
	defer f.Close()
	w := gzip.NewWriter(countWriter{&size})
	_, err = io.Copy(w, f)
	require.NoError(b, err)
	require.NoError(b, w.Close())
	return size
}

type countWriter struct{ n *int64 }

func (w countWriter) Write(p []byte) (int, error) {
	*w.n += int64(len(p))
	return len(p), nil
}
