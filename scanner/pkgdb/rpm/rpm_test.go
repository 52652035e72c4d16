package rpm_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

const (
	pathBDB      = "var/lib/rpm/Packages"
	pathNDB      = "usr/lib/sysimage/rpm/Packages.db"
	pathSQLite   = "var/lib/rpm/rpmdb.sqlite"
	pathManifest = "var/lib/rpmmanifest/container-manifest-2"
)

// files is a root file system.
func files(list map[string][]byte) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, dt := range list {
		fsys[name] = &fstest.MapFile{Data: dt}
	}
	return fsys
}

func names(list []inventory.Package) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, p.Name)
	}
	slices.Sort(out)
	return out
}

func reasons(list []inventory.Problem) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.Reason))
	}
	return out
}

// formats are databases with the same packages in every binary format.
func formats(t testing.TB, blobs [][]byte) map[string][]byte {
	return map[string][]byte{
		"Berkeley DB":             bdb(binary.LittleEndian, blobs),
		"Berkeley DB, big-endian": bdb(binary.BigEndian, blobs),
		"NDB":                     ndb(blobs),
		"SQLite":                  sqlite(t, blobs),
	}
}

func TestFields(t *testing.T) {
	long := strings.Repeat("MIT AND ", 500) // on overflow pages
	header := blob(packageTags("nodejs-full-i18n", tags{
		epoch: uint32(1), version: "18.20.4", release: "1.module+el8.10.0", arch: "aarch64",
		sourceRPM: "nodejs-18.20.4-1.module+el8.10.0.src.rpm", license: long,
		module: "nodejs:18:8100020240807161023:489197e6", vendor: "Red Hat, Inc.", installTime: uint32(1724000000),
	}))
	for format, dt := range formats(t, [][]byte{header}) {
		t.Run(format, func(t *testing.T) {
			c := read(t, files(map[string][]byte{pathBDB: dt}))
			assert.Empty(t, c.Problems())
			assert.Equal(t, []inventory.Package{{
				Format: inventory.FormatRpm, Name: "nodejs-full-i18n", Version: "1:18.20.4-1.module+el8.10.0", Arch: "aarch64",
				SourceName: "nodejs", SourceVersion: "18.20.4-1.module+el8.10.0", License: long, Vendor: "Red Hat, Inc.",
				Module: "nodejs:18:8100020240807161023:489197e6", InstallTime: 1724000000, Path: pathBDB,
			}}, c.Packages())
		})
	}
}

func TestManyPackages(t *testing.T) {
	want := []string{}
	blobs := [][]byte{}
	for i := range 700 {
		n := fmt.Sprintf("package-%03d", i)
		want = append(want, n)
		blobs = append(blobs, blob(packageTags(n, tags{license: strings.Repeat("x", i*5)})))
	}
	for format, dt := range formats(t, blobs) {
		t.Run(format, func(t *testing.T) {
			c := read(t, files(map[string][]byte{pathSQLite: dt}))
			assert.Empty(t, c.Problems())
			assert.Equal(t, want, names(c.Packages()))
		})
	}
}

func TestTrap13AllPlaces(t *testing.T) {
	require.Len(t, rpm.Paths(), 10)
	for _, p := range rpm.Paths() {
		var dt []byte
		switch path.Base(p) {
		case "Packages":
			dt = bdb(binary.LittleEndian, packages("bash"))
		case "Packages.db":
			dt = ndb(packages("bash"))
		case "rpmdb.sqlite":
			dt = sqlite(t, packages("bash"))
		default:
			dt = []byte("bash\t1.0-1\t1\t1\tv\t(none)\t1\tx86_64\t0\tbash-1.0-1.src.rpm\n")
		}
		c := read(t, files(map[string][]byte{p: dt}))
		assert.Equal(t, []string{"bash"}, names(c.Packages()), p)
		assert.Equal(t, p, c.Packages()[0].Path)
	}
	found, err := rpm.Read(fstest.MapFS{}, pkgdb.NewCollector())
	require.NoError(t, err)
	assert.False(t, found)
}

func TestTrap15MissingEpochIsZero(t *testing.T) {
	c := read(t, files(map[string][]byte{pathBDB: ndb([][]byte{
		blob(packageTags("none", nil)),
		blob(packageTags("zero", tags{epoch: uint32(0)})),
		blob(packageTags("one", tags{epoch: uint32(1)})),
		blob(packageTags("large", tags{epoch: uint32(4294967295)})),
	})}))
	versions := map[string]string{}
	for _, p := range c.Packages() {
		versions[p.Name] = p.Version
	}
	assert.Equal(t, map[string]string{
		"none": "1.0-1.el9", "zero": "1.0-1.el9", "one": "1:1.0-1.el9", "large": "4294967295:1.0-1.el9",
	}, versions)
}

func TestTrap16SourceHasNoEpoch(t *testing.T) {
	c := read(t, files(map[string][]byte{pathBDB: ndb([][]byte{
		blob(packageTags("openssl-libs", tags{epoch: uint32(1), version: "1.1.1k", release: "7.el8", sourceRPM: "openssl-1.1.1k-7.el8.src.rpm"})),
	})}))
	require.Len(t, c.Packages(), 1)
	p := c.Packages()[0]
	assert.Equal(t, []string{"1:1.1.1k-7.el8", "openssl", "1.1.1k-7.el8"}, []string{p.Version, p.SourceName, p.SourceVersion})
}

func TestTrap33KeysAreNoPackages(t *testing.T) {
	key := blob(tags{name: "gpg-pubkey", version: "fd431d51", release: "4ae0493b", sourceRPM: "(none)", installTime: uint32(1900000000)})
	for format, dt := range formats(t, append(packages("bash"), key)) {
		c := read(t, files(map[string][]byte{pathBDB: dt}))
		assert.Equal(t, []string{"bash"}, names(c.Packages()), format)
		assert.Empty(t, c.Problems())
	}
}

func TestSourceRPM(t *testing.T) {
	for source, want := range map[string]string{
		"bash-5.1.8-9.el9.src.rpm":               "bash 5.1.8-9.el9",
		"java-1.8.0-openjdk-1.8.0.412-1.src.rpm": "java-1.8.0-openjdk 1.8.0.412-1",
		"kernel-default-5.14.21-150.1.nosrc.rpm": "kernel-default 5.14.21-150.1",
		"a-b-1.src.rpm":                          "a b-1",
		"(none)":                                 "self 1.0-1.el9",
		"":                                       "self 1.0-1.el9",
	} {
		c := read(t, files(map[string][]byte{pathBDB: ndb([][]byte{blob(packageTags("self", tags{sourceRPM: source}))})}))
		require.Len(t, c.Packages(), 1, source)
		assert.Equal(t, want, c.Packages()[0].SourceName+" "+c.Packages()[0].SourceVersion, source)
		assert.Empty(t, c.Problems(), source)
	}
	for _, source := range []string{"bash", "bash.src.rpm", "bash-1.src.rpm", "-1-2.src.rpm", "a--1.src.rpm", "a-1-.src.rpm", "bash-1-2.x86_64.rpm", "a b-1-2.src.rpm"} {
		c := read(t, files(map[string][]byte{pathBDB: ndb([][]byte{blob(packageTags("self", tags{sourceRPM: source}))})}))
		require.Len(t, c.Packages(), 1, source)
		assert.Equal(t, "self", c.Packages()[0].SourceName)
		require.Len(t, c.Problems(), 1, source)
		assert.Contains(t, c.Problems()[0].Reason, fmt.Sprintf("the source of self, %q, is not the name of a source package", source))
	}
}

func TestInstancesOfOneName(t *testing.T) {
	list := [][]byte{
		blob(packageTags("kernel", nil)), blob(packageTags("kernel", tags{release: "2.el9"})),
		blob(packageTags("kernel", tags{arch: "i686"})), blob(packageTags("kernel", nil)),
	}
	c := read(t, files(map[string][]byte{pathBDB: ndb(list)}))
	assert.Equal(t, []string{"kernel", "kernel", "kernel"}, names(c.Packages()))
}

func TestLinkedDirectoryIsReadOnce(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "usr/lib/sysimage/rpm/rpmdb.sqlite"), sqlite(t, packages("bash")))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "var/lib"), 0o750))
	require.NoError(t, os.Symlink("../../usr/lib/sysimage/rpm", filepath.Join(root, "var/lib/rpm")))
	fsys, err := rootfs.Open(root)
	require.NoError(t, err)
	defer fsys.Close()
	c := read(t, fsys)
	assert.Empty(t, c.Problems())
	require.Len(t, c.Packages(), 1)
	assert.Equal(t, pathSQLite, c.Packages()[0].Path)
}

func write(t testing.TB, path string, dt []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path, dt, 0o600))
}

// TestSeveralDatabases: an upgrade inside the image left the old one behind.
func TestSeveralDatabases(t *testing.T) {
	later := blob(packageTags("new", tags{installTime: uint32(1800000000)}))
	c := read(t, files(map[string][]byte{
		pathBDB: bdb(binary.LittleEndian, packages("bash", "old")), pathSQLite: sqlite(t, append(packages("bash"), later)),
	}))
	assert.Equal(t, []string{"bash", "new"}, names(c.Packages()))
	assert.Equal(t, []string{"var/lib/rpm/Packages:0: this package database lists 2 packages, other ones than var/lib/rpm/rpmdb.sqlite with 2, " +
		"into which a package was installed later; only that one was read: remove from the image the database that its rpm does not use"}, reasons(c.Problems()))

	c = read(t, files(map[string][]byte{
		pathBDB: bdb(binary.LittleEndian, append(packages("bash"), later)), pathSQLite: sqlite(t, packages("bash")),
	}))
	assert.Equal(t, []string{"bash", "new"}, names(c.Packages()))
	assert.Len(t, c.Problems(), 1)

	t.Run("the same packages", func(t *testing.T) {
		c := read(t, files(map[string][]byte{pathBDB: bdb(binary.LittleEndian, packages("a", "b")), pathNDB: ndb(packages("b", "a"))}))
		assert.Equal(t, []string{"a", "b"}, names(c.Packages()))
		assert.Empty(t, c.Problems())
	})
	t.Run("one is empty", func(t *testing.T) {
		for _, empty := range [][]byte{nil, bdb(binary.LittleEndian, nil), ndb(nil), sqlite(t, nil)} {
			c := read(t, files(map[string][]byte{pathBDB: empty, pathNDB: ndb(packages("a"))}))
			assert.Equal(t, []string{"a"}, names(c.Packages()))
			assert.Empty(t, c.Problems())
		}
	})
	t.Run("all are empty", func(t *testing.T) {
		c := read(t, files(map[string][]byte{pathBDB: nil, pathSQLite: sqlite(t, nil)}))
		assert.Empty(t, c.Packages())
		assert.Empty(t, c.Problems())
	})
}

func TestManifest(t *testing.T) {
	text := "azurelinux-release\t3.0-16.azl3\t1724000000\t1723000000\tMicrosoft Corporation\t(none)\t580\tnoarch\t0\tazurelinux-release-3.0-16.azl3.src.rpm\n" +
		"two fields\t1\n\n" +
		"openssl-libs\t3.3.0-2.azl3\t1724000001\t1723000000\tMicrosoft Corporation\t1\t580\tx86_64\t1\topenssl-3.3.0-2.azl3.src.rpm\n" +
		"a\t1\t1\t1\tv\t1\t1\tx86_64\t1\ta-1-2.src.rpm\n" +
		"b\t1-2\tx\t1\tv\t1\t1\tx86_64\t1\tb-1-2.src.rpm\n" +
		"c\t1-2\t1\t1\tv\t1\t1\tx86_64\t(none)\tc-1-2.src.rpm"
	c := read(t, files(map[string][]byte{pathManifest: []byte(text)}))
	assert.Equal(t, []inventory.Package{
		{
			Format: inventory.FormatRpm, Name: "azurelinux-release", Version: "3.0-16.azl3", Arch: "noarch", Vendor: "Microsoft Corporation",
			SourceName: "azurelinux-release", SourceVersion: "3.0-16.azl3", InstallTime: 1724000000, Path: pathManifest,
		},
		{
			Format: inventory.FormatRpm, Name: "openssl-libs", Version: "1:3.3.0-2.azl3", Arch: "x86_64", Vendor: "Microsoft Corporation",
			SourceName: "openssl", SourceVersion: "3.3.0-2.azl3", InstallTime: 1724000001, Path: pathManifest,
		},
	}, c.Packages())
	assert.Equal(t, []string{
		pathManifest + ":2: a package has 10 fields, not 2",
		pathManifest + `:5: "1" is not a version and a release`,
		pathManifest + `:6: "x" is not an install time`,
		pathManifest + `:7: "(none)" is not an epoch`,
	}, reasons(c.Problems()))
}
