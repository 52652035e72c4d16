package rpm_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

func content(t testing.TB, path string) []byte {
	t.Helper()
	dt, err := os.ReadFile(path)
	require.NoError(t, err)
	return dt
}

// fiveHundred are headers of 35 kB, about the mean of a server's packages: most
// of it is lists of files.
func fiveHundred() [][]byte {
	out := [][]byte{}
	for i := range 500 {
		out = append(out, blob(packageTags(fmt.Sprintf("package-%d", i), tags{
			1117: strings.Repeat("usr/share/doc/a-file ", 1000), 1118: strings.Repeat("/usr/lib/firmware/", 800),
		})))
	}
	return out
}

// BenchmarkRead reads databases of 500 packages.
func BenchmarkRead(b *testing.B) {
	blobs := fiveHundred()
	for name, dt := range map[string][]byte{
		"bdb": bdb(binary.LittleEndian, blobs), "ndb": ndb(blobs), "sqlite": sqlite(b, blobs),
	} {
		b.Run(name, func(b *testing.B) { benchmark(b, dt, 500) })
	}
}

// BenchmarkReadReal reads the largest real databases.
func BenchmarkReadReal(b *testing.B) {
	for path, packages := range map[string]int{"centos8-modularitylabel/Packages": 517, "oraclelinux-9/rpmdb.sqlite": 186} {
		b.Run(filepath.Dir(path), func(b *testing.B) {
			benchmark(b, content(b, filepath.Join(testdata(b), path)), packages)
		})
	}
}

func benchmark(b *testing.B, dt []byte, packages int) {
	root := b.TempDir()
	write(b, filepath.Join(root, pathBDB), dt)
	fsys, err := rootfs.Open(root)
	require.NoError(b, err)
	defer fsys.Close()
	b.ReportAllocs()
	for b.Loop() {
		c := pkgdb.NewCollector()
		_, err := rpm.Read(fsys, c)
		require.NoError(b, err)
		require.Len(b, c.Packages(), packages)
	}
	b.ReportMetric(float64(len(dt))/1e6, "MB")
}
