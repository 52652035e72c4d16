package rpm_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
)

// gunzip unpacks a file into memory.
func gunzip(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	r, err := gzip.NewReader(f)
	require.NoError(t, err)
	dt, err := io.ReadAll(r)
	require.NoError(t, err)
	return dt
}

// read reads all databases of a root file system; the collector has what there is.
func read(t testing.TB, fsys fs.FS) *pkgdb.Collector {
	t.Helper()
	c := pkgdb.NewCollector()
	found, err := rpm.Read(fsys, c)
	require.NoError(t, err)
	require.True(t, found)
	return c
}

// row is a package as the lists beside the real databases have it: name, epoch,
// version, release, architecture, source, module, vendor.
func row(p inventory.Package) string {
	epoch, evr, ok := strings.Cut(p.Version, ":")
	if !ok {
		epoch, evr = "0", p.Version
	}
	dash := strings.LastIndexByte(evr, '-')
	source := p.SourceName + "-" + p.SourceVersion + ".src.rpm"
	return strings.Join([]string{p.Name, epoch, evr[:dash], evr[dash+1:], p.Arch, source, p.Module, p.Vendor}, "\t")
}

func rows(list []inventory.Package) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, row(p))
	}
	slices.Sort(out)
	return out
}

// TestRealDatabases compares with what the real rpm printed of each database,
// but for the keys that it lists as packages.
func TestRealDatabases(t *testing.T) {
	for name, count := range map[string]int{
		"centos-5": 110, "centos-6": 129, "centos-7": 144, "centos-8-modular": 518, // Berkeley DB
		"rhel-8-ubi-s390x": 183, // big-endian
		"rpm-libuuid-bdb":  1,
		"fedora-35":        138, "mariner-2.0": 129, // SQLite
		"sle-15-bci": 35, // NDB
	} {
		t.Run(name, func(t *testing.T) {
			root := scantest.Shared(t, filepath.Join("rootfs", name))
			c := read(t, unpacked(t, root))
			assert.Empty(t, c.Problems())
			want := []string{}
			lines := bufio.NewScanner(strings.NewReader(string(gunzip(t, filepath.Join(root, "expected-packages.tsv.gz")))))
			for lines.Scan() {
				want = append(want, lines.Text())
			}
			require.Len(t, want, 1+count)
			want = slices.DeleteFunc(want[1:], func(line string) bool { return strings.HasPrefix(line, "gpg-pubkey\t") })
			slices.Sort(want)
			assert.Equal(t, want, rows(c.Packages()))
			for _, p := range c.Packages() {
				assert.Equal(t, inventory.FormatRpm, p.Format)
				assert.NotEmpty(t, p.License, p.Name)
				assert.Greater(t, p.InstallTime, int64(1e9), p.Name)
			}
		})
	}
}

// unpacked is a root file system of the real data, in which databases are
// compressed.
func unpacked(t testing.TB, root string) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, path := range rpm.Paths() {
		if packed := filepath.Join(root, path+".gz"); exists(packed) {
			fsys[path] = &fstest.MapFile{Data: gunzip(t, packed)}
		}
	}
	require.Len(t, fsys, 1, fmt.Sprint(rpm.Paths()))
	return fsys
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
