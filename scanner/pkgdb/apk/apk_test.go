package apk_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/pkgdb/apk"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

const path = "lib/apk/db/installed"

func parse(t testing.TB, text string) *pkgdb.Collector {
	t.Helper()
	c := pkgdb.NewCollector()
	require.NoError(t, apk.Parse(strings.NewReader(text), path, c))
	return c
}

func short(list []inventory.Package) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, p.Name+" "+p.Version+" "+p.SourceName)
	}
	return out
}

const musl = `C:Q14QhfC7ADTZ++cSoCC18jO47qnhQ=
P:musl-utils
V:1.2.3-r5
A:x86_64
S:36697
T:the musl c library (libc) implementation
L:MIT AND BSD-2-Clause
o:musl
m:Timo Teräs <timo.teras@iki.fi>
t:1662926906
D:scanelf so:libc.musl-x86_64.so.1
F:sbin
R:ldconfig
a:0:0:755
Z:Q1Kja2+POZKxEkUOZqwSjC6kmaED4=
M:0:0:1777
`

func TestParse(t *testing.T) {
	c := parse(t, musl)
	assert.Equal(t, []inventory.Package{{
		Format: inventory.FormatApk, Name: "musl-utils", Version: "1.2.3-r5", Arch: "x86_64",
		SourceName: "musl", SourceVersion: "1.2.3-r5",
		License: "MIT AND BSD-2-Clause", Vendor: "Timo Teräs <timo.teras@iki.fi>", Path: path,
	}}, c.Packages())
	assert.Empty(t, c.Problems())
}

func TestTrap32VirtualPackages(t *testing.T) {
	c := parse(t, `P:.build-deps
V:20221112.072824
T:virtual meta package

P:my-deps
V:20221112.072824
T:virtual meta package

P:.old-deps
V:0
T:virtual meta package

P:own
V:1.0-r0
T:a package without origin

P:openssl
V:3.0.0-r0
T:virtual meta package

P:.hidden
V:1.0-r0
o:real
`)
	assert.Equal(t, []string{"own 1.0-r0 own", "openssl 3.0.0-r0 openssl", ".hidden 1.0-r0 real"}, short(c.Packages()))
	assert.Empty(t, c.Problems())
}

func TestBrokenParagraphsDoNotEndTheReading(t *testing.T) {
	for name, tc := range map[string]struct{ paragraph, problem string }{
		"no name":    {"V:1\n", "a paragraph names no package"},
		"no version": {"P:b\n", "package b has no version"},
		"blank name": {"P: \r\nV:1\n", "a paragraph names no package"},
		"bad name":   {"P:b\x00c\nV:1\n", `"b\x00c" is not the name of a package`},
		"bad origin": {"P:b\nV:1\no:c d\n", `package b: "c d" is not the name of an origin`},
		"empty name": {"P:\nP:b\nV:1\n", "the field P is there twice"},
		"garbage":    {"P:b\nV:1\ngarbage\n", "a line does not start with a letter and a colon"},
		"two names":  {"P:b\nV:1\nP:c\n", "the field P is there twice"},
		"long value": {"P:b\nV:1\no:" + strings.Repeat("c", 1<<20) + "\n", "the field o is longer than 4096 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			c := parse(t, "P:a\nV:1\n\n"+tc.paragraph+"\nP:z\nV:1\n")
			got := short(c.Packages())
			assert.Equal(t, "a 1 a", got[0])
			assert.Equal(t, "z 1 z", got[len(got)-1])
			require.NotEmpty(t, c.Problems())
			assert.Equal(t, tc.problem, c.Problems()[0].Reason)
		})
	}
}

func TestLongLinesThatDoNotMatter(t *testing.T) {
	long := strings.Repeat("so:x ", 1<<20)
	c := parse(t, "P:a\np:"+long+"\nT:"+long+"\nV:1\nD:"+long+"\n\nP:b\nV:2")
	assert.Equal(t, []string{"a 1 a", "b 2 b"}, short(c.Packages()))
	assert.Empty(t, c.Problems())
}

func TestBlanksAroundValues(t *testing.T) {
	c := parse(t, "P: musl\r\nV:1.2.3-r5 \r\no:\tmusl\r\n")
	assert.Equal(t, []string{"musl 1.2.3-r5 musl"}, short(c.Packages()))
	assert.Empty(t, c.Problems())
}

func TestTrap12BothPlaces(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	c := pkgdb.NewCollector()
	found, err := apk.Read(fstest.MapFS{
		"lib/apk/db/installed":     file("P:a\nV:1\n\nP:c\nV:1\n"),
		"usr/lib/apk/db/installed": file("P:a\nV:1\n\nP:b\nV:1\n"),
	}, c)
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, []string{"a 1 a", "c 1 c", "b 1 b"}, short(c.Packages()))
}

func TestOneFileUnderTwoNamesIsReadOnce(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "usr/lib/apk/db"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "usr/lib/apk/db/installed"), []byte("V:broken\n\n"+musl), 0o600))
	require.NoError(t, os.Symlink("usr/lib", filepath.Join(dir, "lib")))
	fsys, err := rootfs.Open(dir)
	require.NoError(t, err)
	defer fsys.Close()
	c := pkgdb.NewCollector()
	_, err = apk.Read(fsys, c)
	require.NoError(t, err)
	assert.Len(t, c.Packages(), 1)
	assert.Len(t, c.Problems(), 1)
}

func FuzzParse(f *testing.F) {
	f.Add(musl)
	f.Add("P:\nV:\n\nX\n:\n::\nP:a\nP:b\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range parse(t, text).Packages() {
			assert.NotEmpty(t, p.Name)
			assert.NotEmpty(t, p.Version)
			assert.NotEmpty(t, p.SourceName)
			assert.Equal(t, p.Version, p.SourceVersion)
		}
	})
}
