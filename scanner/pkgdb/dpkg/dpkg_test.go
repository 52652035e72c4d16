package dpkg_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/pkgdb/dpkg"
)

const path = "var/lib/dpkg/status"

func parse(t testing.TB, text string) *pkgdb.Collector {
	t.Helper()
	c := pkgdb.NewCollector()
	require.NoError(t, dpkg.Parse(strings.NewReader(text), path, c))
	return c
}

// short is a package as "name version source sourceversion arch".
func short(list []inventory.Package) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, strings.Join([]string{p.Name, p.Version, p.SourceName, p.SourceVersion, p.Arch}, " "))
	}
	return out
}

func TestParse(t *testing.T) {
	c := parse(t, `Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.36-9+deb12u10
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Description: GNU C Library
 Version: 0 is part of a description
 .
	Source: so is this
Conffiles:
 /etc/ld.so.conf.d/x86_64-linux-gnu.conf d4e7a7b88a71b5ffd9e2644e71a0cfab
`)
	assert.Equal(t, []inventory.Package{{
		Format: inventory.FormatDpkg, Name: "libc6", Version: "2.36-9+deb12u10", Arch: "amd64",
		SourceName: "glibc", SourceVersion: "2.36-9+deb12u10",
		Vendor: "GNU Libc Maintainers <debian-glibc@lists.debian.org>", Path: path,
	}}, c.Packages())
	assert.Empty(t, c.Problems())
}

// TestMaintainerIsAHint: whatever stands there, the package is read and nothing
// is called a problem.
func TestMaintainerIsAHint(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"Maintainer:\n":                     "",
		"maintainer: Me <me@x.org>\n":       "Me <me@x.org>",
		"Maintainer: me\n and you\n":        "me",
		"Maintainer: me\nMaintainer: you\n": "me",
		"Maintainer: " + strings.Repeat("x", 257) + "\n":     "",
		"Maintainer: " + strings.Repeat("x", 100_000) + "\n": "",
	} {
		c := parse(t, "Package: libc6\nVersion: 1\n"+text+"Architecture: amd64\n")
		require.Len(t, c.Packages(), 1)
		assert.Equal(t, want, c.Packages()[0].Vendor, "%.40s", text)
		assert.Equal(t, "amd64", c.Packages()[0].Arch)
		assert.Empty(t, c.Problems())
	}
}

func TestSource(t *testing.T) {
	c := parse(t, `Package: adduser
Version: 3.134

Package: bsdutils
Source: util-linux (2.38.1-5+deb12u1)
Version: 1:2.38.1-5+deb12u1

package: libdevmapper1.02.1
VERSION:   2:1.02.185-2
source: lvm2   (  2.03.16-2 )
`)
	assert.Equal(t, []string{
		"adduser 3.134 adduser 3.134 ",
		"bsdutils 1:2.38.1-5+deb12u1 util-linux 2.38.1-5+deb12u1 ",
		"libdevmapper1.02.1 2:1.02.185-2 lvm2 2.03.16-2 ",
	}, short(c.Packages()))
	assert.Empty(t, c.Problems())
}

func TestStatus(t *testing.T) {
	for status, installed := range map[string]bool{
		"install ok installed":             true,
		"hold ok installed":                true,
		"deinstall ok installed":           true,
		"install ok unpacked":              true,
		"install ok half-configured":       true,
		"install reinstreq half-installed": true,
		"install ok triggers-awaited":      true,
		"install ok triggers-pending":      true,
		"deinstall ok config-files":        false,
		"purge ok not-installed":           false,
	} {
		c := parse(t, "Package: a\nVersion: 1\nStatus: "+status+"\n")
		assert.Equal(t, installed, len(c.Packages()) == 1, status)
		assert.Empty(t, c.Problems(), status)
	}
}

func TestBrokenParagraphsDoNotEndTheReading(t *testing.T) {
	for name, tc := range map[string]struct{ paragraph, problem string }{
		"no name":           {"Version: 1\n", "a paragraph names no package"},
		"no version":        {"Package: b\nStatus: install ok installed\n", "package b has no version"},
		"no field name":     {"Package: b\nVersion: 1\ngarbage\n", "a line has no field name"},
		"unknown state":     {"Package: b\nVersion: 1\nStatus: install ok mislaid\n", `package b: there is no state "mislaid"`},
		"short status":      {"Package: b\nVersion: 1\nStatus: installed\n", `package b: the status "installed" is not three words`},
		"open parenthesis":  {"Package: b\nVersion: 1\nSource: c (1\n", `package b: the source "c (1" is not of the form "name (version)"`},
		"empty parentheses": {"Package: b\nVersion: 1\nSource: c ()\n", `package b: the source "c ()" is not of the form "name (version)"`},
		"two names":         {"Package: b\nVersion: 1\nPackage: c\n", "the field Package is there twice"},
		"an empty name too": {"Package:\nPackage: b\nVersion: 1\n", "the field Package is there twice"},
		"no package's name": {"Package: b\rc\nVersion: 1\n", `"b\rc" is not the name of a package`},
		"NUL in the name":   {"Package: b\x00\nVersion: 1\n", `"b\x00" is not the name of a package`},
		"no source's name":  {"Package: b\nVersion: 1\nSource: c d\n", `package b: the source "c d" is not of the form "name (version)"`},
		"two lines":         {"Package: b\nVersion: 1\n 2\n", "the field Version has more than one line"},
		"long value":        {"Package: " + strings.Repeat("b", pkgdb.MaxValue+1) + "\nVersion: 1\n", "the field Package is longer than 4096 bytes"},
		"very long value":   {"Package: " + strings.Repeat("b", 1<<20) + "\nVersion: 1\n", "the field Package is longer than 4096 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			c := parse(t, "Package: a\nVersion: 1\n\n"+tc.paragraph+"\nPackage: z\nVersion: 1\n")
			got := short(c.Packages())
			assert.Equal(t, "a 1 a 1 ", got[0])
			assert.Equal(t, "z 1 z 1 ", got[len(got)-1])
			require.NotEmpty(t, c.Problems())
			assert.Equal(t, tc.problem, c.Problems()[0].Reason)
			assert.GreaterOrEqual(t, c.Problems()[0].Line, 4)
		})
	}
}

func TestLongLinesThatDoNotMatter(t *testing.T) {
	long := strings.Repeat("x, ", 1<<20)
	c := parse(t, "Package: a\nDepends: "+long+"\nVersion: 1\nDescription: d\n "+long+"\n\nPackage: b\nVersion: 2")
	assert.Equal(t, []string{"a 1 a 1 ", "b 2 b 2 "}, short(c.Packages()))
	assert.Empty(t, c.Problems())
}

func TestTwoArchitecturesAndDuplicates(t *testing.T) {
	one := "Package: a\nArchitecture: amd64\nVersion: 1\n\n"
	c := parse(t, one+one+"Package: a\nArchitecture: i386\nVersion: 1\n\n")
	assert.Equal(t, []string{"a 1 a 1 amd64", "a 1 a 1 i386"}, short(c.Packages()))
}

func TestTooManyPackages(t *testing.T) {
	var b strings.Builder
	for i := range 100_001 {
		b.WriteString("Package: p\nVersion: " + strings.Repeat("1", 1+i%7) + "." + strings.Repeat("2", i/7%300) + "." + string(rune('a'+i/2100)) + "\n\n")
	}
	c := pkgdb.NewCollector()
	err := dpkg.Parse(strings.NewReader(b.String()), path, c)
	require.EqualError(t, err, "var/lib/dpkg/status lists more packages than a scan takes: the limits are 100000 packages and 32 MiB of text")
}

func TestProblemsAreCountedBeyondTheFirst(t *testing.T) {
	c := parse(t, strings.Repeat("Version: 1\n\n", 150))
	require.Len(t, c.Problems(), 101)
	assert.Equal(t, "50 more parts of the package databases cannot be read", c.Problems()[100].Reason)
}

func TestRead(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	fsys := fstest.MapFS{
		"var/lib/dpkg/status":                file("Package: a\nVersion: 1\nStatus: install ok installed\n"),
		"var/lib/dpkg/status.d/python3.11":   file("Package: python3.11\nVersion: 3.11.2-6\n"),
		"var/lib/dpkg/status.d/wrong-name":   file("Package: tzdata\nVersion: 2024a-0+deb12u1\n\nPackage: a\nVersion: 1\n"),
		"var/lib/dpkg/status.d/base.md5sums": file("0123456789abcdef  etc/issue\n"),
		"var/lib/dpkg/status.d/base.preinst": file("#!/bin/sh\n"),
		"usr/lib/dpkg/status":                file("Package: moved\nVersion: 1\n"),
		"var/lib/dpkg/available":             file("Package: not-installed\nVersion: 1\n"),
	}
	c := pkgdb.NewCollector()
	found, err := dpkg.Read(fsys, c)
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, []string{
		"a 1 a 1 ", "moved 1 moved 1 ", "python3.11 3.11.2-6 python3.11 3.11.2-6 ", "tzdata 2024a-0+deb12u1 tzdata 2024a-0+deb12u1 ",
	}, short(c.Packages()))
	assert.Empty(t, c.Problems())
	assert.Equal(t, "var/lib/dpkg/status.d/wrong-name", c.Packages()[3].Path)
}

func TestBlanksAndCapitalsInNames(t *testing.T) {
	c := parse(t, "Package : LibC6\r\nVersion\t: 1\r\nSource: GLibC (2)\r\n")
	assert.Equal(t, []string{"libc6 1 glibc 2 "}, short(c.Packages()))
	assert.Empty(t, c.Problems())
}

func TestInterruptedDpkg(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	c := pkgdb.NewCollector()
	_, err := dpkg.Read(fstest.MapFS{
		"var/lib/dpkg/status":        file("Package: a\nVersion: 1\n"),
		"var/lib/dpkg/updates/0003":  file("Package: b\nVersion: 1\n"),
		"var/lib/dpkg/updates/tmp.i": file("#padding\n"),
	}, c)
	require.NoError(t, err)
	require.Len(t, c.Problems(), 1)
	assert.Equal(t, "var/lib/dpkg/updates/0003", c.Problems()[0].Path)
	assert.Contains(t, c.Problems()[0].Reason, "dpkg was interrupted")
}

func TestTooManyFiles(t *testing.T) {
	fsys := fstest.MapFS{}
	for i := range 10_001 {
		fsys[fmt.Sprintf("var/lib/dpkg/status.d/p%d", i)] = &fstest.MapFile{}
	}
	_, err := dpkg.Read(fsys, pkgdb.NewCollector())
	require.EqualError(t, err, "the package database var/lib/dpkg/status.d holds more than the limit of 10000 files")
}

func TestReadFindsNothing(t *testing.T) {
	found, err := dpkg.Read(fstest.MapFS{"var/lib/dpkg/info": &fstest.MapFile{Mode: fs.ModeDir}}, pkgdb.NewCollector())
	require.NoError(t, err)
	assert.False(t, found)
}

func TestReadRefusesWhatItCannotRead(t *testing.T) {
	for name, want := range map[string]string{
		"var/lib/dpkg/status":         "the package database var/lib/dpkg/status is a directory, not a regular file",
		"var/lib/dpkg/status.d/x/dir": "the package database var/lib/dpkg/status.d/x is a directory, not a regular file",
	} {
		_, err := dpkg.Read(fstest.MapFS{name: &fstest.MapFile{Mode: fs.ModeDir}}, pkgdb.NewCollector())
		assert.EqualError(t, err, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Package: a\nStatus: install ok installed\nSource: b (1)\nVersion: 1+b1\nArchitecture: amd64\n\n")
	f.Add("Package: a\nVersion: 1\n continued\n\n\n:\n: \nPackage\n\x00\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := parse(t, text)
		for _, p := range c.Packages() {
			assert.NotEmpty(t, p.Name)
			assert.NotEmpty(t, p.Version)
			assert.NotEmpty(t, p.SourceName)
			assert.NotEmpty(t, p.SourceVersion)
			assert.NotContains(t, p.Name+p.Version+p.SourceName+p.SourceVersion, "\n")
		}
		// A text that names a package is never read as nothing.
		if strings.HasPrefix(text, "Package: a\n") {
			assert.NotZero(t, len(c.Packages())+len(c.Problems())+strings.Count(strings.ToLower(text), "status"))
		}
	})
}
