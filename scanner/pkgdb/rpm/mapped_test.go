package rpm_test

import (
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// onDisk is a root file system whose files can be mapped.
func onDisk(t *testing.T, list map[string][]byte) (fsys *rootfs.Dir, dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, dt := range list {
		write(t, filepath.Join(dir, name), dt)
	}
	fsys, err := rootfs.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, fsys.Close()) })
	return fsys, dir
}

// TestMapped: a database that is mapped reads like one that is not, sound or
// damaged, also if it is larger than what is mapped at a time.
func TestMapped(t *testing.T) {
	blobs := fiveHundred()
	for format, sound := range map[string][]byte{
		"bdb": bdb(binary.LittleEndian, blobs), "ndb": ndb(blobs), "sqlite": sqlite(t, blobs),
	} {
		for name, dt := range map[string][]byte{"sound": sound, "cut": sound[:len(sound)/2-100]} {
			t.Run(format+" "+name, func(t *testing.T) {
				want := read(t, files(map[string][]byte{pathBDB: dt}))
				fsys, _ := onDisk(t, map[string][]byte{pathBDB: dt})
				got := read(t, fsys)
				assert.Equal(t, want.Packages(), got.Packages())
				assert.Equal(t, reasons(want.Problems()), reasons(got.Problems()))
				assert.NotEmpty(t, got.Packages())
			})
		}
	}
}

// cutting cuts off a database when its write-ahead log is looked for, which is
// when it is mapped already.
type cutting struct {
	fs.FS
	database string
	t        *testing.T
}

func (c cutting) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, "-wal") {
		require.NoError(c.t, os.Truncate(c.database, 4096))
	}
	return c.FS.Open(name)
}

// TestCutWhileMapped: a database that is cut off while it is read is an error.
func TestCutWhileMapped(t *testing.T) {
	fsys, dir := onDisk(t, map[string][]byte{pathSQLite: sqlite(t, fiveHundred())})
	found, err := rpm.Read(cutting{fsys, filepath.Join(dir, pathSQLite), t}, pkgdb.NewCollector())
	assert.True(t, found)
	assert.EqualError(t, err, "the package database var/lib/rpm/rpmdb.sqlite was cut off, or its disk failed, while it was read")
}
