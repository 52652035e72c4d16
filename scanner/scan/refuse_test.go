package scan_test

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/severity"
)

const (
	debian12   = "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"
	alpine320  = "ID=alpine\nVERSION_ID=3.20.1\nPRETTY_NAME=\"Alpine Linux v3.20\"\n"
	dpkgStatus = "Package: libc6\nStatus: install ok installed\nSource: glibc\nVersion: 2.36-9\n"
	apkDB      = "P:musl\nV:1.2.5-r0\no:musl\n"
)

// someAdvisories are enough for the release not to be unknown.
func someAdvisories() []advisory.Record {
	return []advisory.Record{
		{ID: "CVE-2023-4911", Distro: "debian", Release: "12", Package: "glibc", Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: "2.36-9+deb12u3", Severity: severity.High},
		{ID: "CVE-2023-4911", Distro: "alpine", Release: "3.20", Package: "musl", Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: "1.2.5-r1", Severity: severity.High},
	}
}

// TestNeverAPass holds the root file systems that a careless scanner would call
// clean. Each ends in an error, by itself or by its verdict.
func TestNeverAPass(t *testing.T) {
	database := scantest.Open(t, scantest.Database(t, someAdvisories()...))
	for name, tc := range map[string]struct {
		files   map[string]string
		prepare func(t *testing.T, dir string)
		want    string
	}{
		"Debian without its database": {
			map[string]string{"etc/os-release": debian12}, nil,
			"the image is Debian GNU/Linux 12 (bookworm) but has no package database of Debian; looked for var/lib/dpkg/status, var/lib/dpkg/status.d, usr/lib/dpkg/status",
		},
		"Alpine with Debian's database": {
			map[string]string{"etc/os-release": alpine320, "var/lib/dpkg/status": dpkgStatus}, nil,
			"the image is Alpine Linux v3.20 but has no package database of Alpine; looked for lib/apk/db/installed, usr/lib/apk/db/installed; it has var/lib/dpkg/status instead",
		},
		"an empty database": {
			map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": ""}, nil,
			"the package database of Debian GNU/Linux 12 (bookworm) lists no package",
		},
		"a database of garbage": {
			map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": "\x00\x01\x02\nzzz"}, nil,
			"the package database of Debian GNU/Linux 12 (bookworm) lists no package; the first problem with it: var/lib/dpkg/status, line 1: a line has no field name",
		},
		"half a database": {
			map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": dpkgStatus + "\nPackage: openssl\nSta"}, nil,
			"the scan is incomplete: var/lib/dpkg/status, line 7: a line has no field name; and 1 more problem (set on-partial=warn to let such images pass); besides, 1 vulnerability at or above high (fail-on=high): found 1 high",
		},
		"a version that cannot be compared": {
			map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": "Package: glibc\nVersion: a:b\n"}, nil,
			`the scan is incomplete: var/lib/dpkg/status: the advisories on glibc cannot be applied: invalid deb version "a:b": the epoch, before the colon, is not a number (set on-partial=warn to let such images pass)`,
		},
		"a link to the scanner's environment": {
			map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": "-> /proc/self/environ"}, nil,
			"the package database var/lib/dpkg/status cannot be read: var/lib/dpkg/status is a symbolic link to /proc/self/environ, which is not in the image",
		},
		"a link to a secret": {
			map[string]string{"etc/os-release": alpine320, "lib/apk/db/installed": "-> /run/secrets/token"}, nil,
			"the package database lib/apk/db/installed cannot be read: lib/apk/db/installed is a symbolic link to /run/secrets/token, which is not in the image",
		},
		"a link to the host's database": {
			map[string]string{"etc/os-release": debian12, "var/lib/dpkg": "-> ../../../../../../../../var/lib/dpkg.host"}, nil,
			"the package database var/lib/dpkg/status.d cannot be read: var/lib/dpkg is a symbolic link to ../../../../../../../../var/lib/dpkg.host, which is not in the image",
		},
		"a named pipe": {
			map[string]string{"etc/os-release": debian12}, func(t *testing.T, dir string) {
				require.NoError(t, os.MkdirAll(filepath.Join(dir, "var/lib/dpkg"), 0o755))
				require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "var/lib/dpkg/status"), 0o644))
			},
			"the package database var/lib/dpkg/status is a named pipe, not a regular file",
		},
		"a device": {
			map[string]string{"etc/os-release": alpine320}, func(t *testing.T, dir string) {
				require.NoError(t, os.MkdirAll(filepath.Join(dir, "lib/apk/db"), 0o755))
				if err := syscall.Mknod(filepath.Join(dir, "lib/apk/db/installed"), syscall.S_IFCHR|0o666, 1<<8|5); err != nil {
					t.Skipf("needs the right to make device nodes: %v", err)
				}
			},
			"the package database lib/apk/db/installed is a device, not a regular file",
		},
		"five gigabytes of nothing": {
			map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": ""}, func(t *testing.T, dir string) {
				require.NoError(t, os.Truncate(filepath.Join(dir, "var/lib/dpkg/status"), 5<<30))
			},
			"the package database var/lib/dpkg/status is larger than the limit of 131072 KiB",
		},
		"release files of several gigabytes": {
			map[string]string{"etc/os-release": ""}, func(t *testing.T, dir string) {
				require.NoError(t, os.Truncate(filepath.Join(dir, "etc/os-release"), 5<<30))
			},
			"the image's release file etc/os-release is larger than the limit of 64 KiB",
		},
		"a release file that leads nowhere": {
			map[string]string{"etc/os-release": "-> /nowhere", "lib/apk/db/installed": apkDB}, nil,
			"the image's release file etc/os-release cannot be read: etc/os-release is a symbolic link to /nowhere, which is not in the image",
		},
		"a release that the database does not know": {
			map[string]string{"etc/os-release": "ID=debian\nVERSION_ID=11\n", "var/lib/dpkg/status": dpkgStatus}, nil,
			"the advisory database has nothing for Debian 11; nothing was assessed (set on-unsupported=warn to let such images pass)",
		},
		"a release that nobody knows yet": {
			map[string]string{"etc/os-release": "ID=debian\nVERSION_ID=99\n", "var/lib/dpkg/status": dpkgStatus}, nil,
			"Debian 99 is no release that this program knows; if it is a new one, a newer program and database may know it; nothing was assessed (set on-unsupported=warn to let such images pass)",
		},
		"a derivative, which has a debian_version": {
			map[string]string{
				"etc/os-release":     "ID=kali\nID_LIKE=debian\nVERSION_ID=2024.1\nPRETTY_NAME=\"Kali GNU/Linux Rolling\"\n",
				"etc/debian_version": "kali-rolling\n", "var/lib/dpkg/status": dpkgStatus,
			}, nil,
			"Kali GNU/Linux Rolling is not a supported operating system; it derives from Debian, but builds packages of its own that Debian's advisories do not speak of; it has 1 package; nothing was assessed (set on-unsupported=warn to let such images pass)",
		},
		"Alpine with the packages of Debian": {
			map[string]string{"etc/os-release": alpine320, "lib/apk/db/installed": apkDB, "var/lib/dpkg/status": dpkgStatus}, nil,
			"the image is Alpine Linux v3.20, but it also has a package database of another distribution: var/lib/dpkg/status; if those packages are not in the image, remove that database from it; nothing was assessed (set on-unsupported=warn to let such images pass)",
		},
		"Debian with an unreadable database of Alpine": {
			map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": dpkgStatus, "lib/apk/db/installed": "garbage"}, nil,
			"the image is Debian GNU/Linux 12 (bookworm), but it also has a package database of another distribution: lib/apk/db/installed; if those packages are not in the image, remove that database from it; nothing was assessed (set on-unsupported=warn to let such images pass)",
		},
		"Debian with rpm's database": {
			map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": dpkgStatus, "var/lib/rpm/rpmdb.sqlite": "x"}, nil,
			"the image is Debian GNU/Linux 12 (bookworm), but it also has a package database of another distribution: var/lib/rpm/rpmdb.sqlite; if those packages are not in the image, remove that database from it; nothing was assessed (set on-unsupported=warn to let such images pass)",
		},
		"two releases of Debian": {
			map[string]string{"etc/os-release": debian12, "etc/debian_version": "11.6\n", "var/lib/dpkg/status": dpkgStatus}, nil,
			`it cannot be told which release of Debian the image is: etc/os-release says VERSION_ID="12", and etc/debian_version says "11.6"; nothing was assessed (set on-unsupported=warn to let such images pass)`,
		},
		"two branches of Alpine": {
			map[string]string{"etc/os-release": alpine320, "etc/alpine-release": "3.18.12\n", "lib/apk/db/installed": apkDB}, nil,
			`it cannot be told which release of Alpine the image is: etc/os-release says VERSION_ID="3.20.1", and etc/alpine-release says "3.18.12"; nothing was assessed (set on-unsupported=warn to let such images pass)`,
		},
		"no release of Debian": {
			map[string]string{"etc/os-release": "ID=debian\n", "var/lib/dpkg/status": dpkgStatus}, nil,
			`it cannot be told which release of Debian the image is: there is no VERSION_ID, and etc/debian_version says ""; nothing was assessed (set on-unsupported=warn to let such images pass)`,
		},
		"an unknown derivative": {
			map[string]string{"etc/os-release": "ID=volna\nNAME=Volna\nID_LIKE=alpine\n", "lib/apk/db/installed": apkDB}, nil,
			"Volna is not a supported operating system; it derives from Alpine, but builds packages of its own that Alpine's advisories do not speak of; it has 1 package; nothing was assessed (set on-unsupported=warn to let such images pass)",
		},
		"a package database and no name": {
			map[string]string{"lib/apk/db/installed": apkDB}, nil,
			"the image has lib/apk/db/installed but no release file that names a supported operating system; nothing was assessed (set on-unsupported=warn to let such images pass)",
		},
		"a clone of Red Hat's that nobody supports": {
			map[string]string{"var/lib/rpm/Packages": "x", "etc/redhat-release": "Scientific Linux release 6.4 (Carbon)"}, nil,
			"Scientific Linux release 6.4 (Carbon) is not a supported operating system; nothing was assessed (set on-unsupported=warn to let such images pass)",
		},
		"Gentoo": {
			map[string]string{"etc/gentoo-release": "Gentoo Base System release 2.14"}, nil,
			"the image has etc/gentoo-release but no release file that names a supported operating system; nothing was assessed (set on-unsupported=warn to let such images pass)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := scantest.Rootfs(t, tc.files)
			if tc.prepare != nil {
				tc.prepare(t, dir)
			}
			r, err := try(t, dir, database)
			if err != nil {
				require.EqualError(t, err, tc.want)
				return
			}
			assert.Equal(t, tc.want, r.Verdict.Reason)
			assert.Equal(t, policy.ExitError, r.Verdict.ExitCode)
			assert.False(t, r.Verdict.Pass)
		})
	}
}

func TestNoPackages(t *testing.T) {
	database := scantest.Open(t, scantest.Database(t, someAdvisories()...))
	r := scanRootfs(t, scantest.Rootfs(t, map[string]string{"app": "a static binary"}), database)
	assert.True(t, r.Verdict.Pass)
	assert.Equal(t, "the image has no package database; nothing was assessed", r.Verdict.Reason)
	require.Len(t, r.NotAssessed, 1)
	assert.Equal(t, "the image has no package database", r.NotAssessed[0].Reason)
}

// TestOnlyNamed has what people copy together by hand around a static binary.
func TestOnlyNamed(t *testing.T) {
	database := scantest.Open(t, scantest.Database(t, someAdvisories()...))
	for path, tc := range map[string]struct{ text, name string }{
		"etc/debian_version": {"11.6\n", "Debian 11.6"},
		"etc/alpine-release": {"3.18.12\n", "Alpine 3.18.12"},
	} {
		r := scanRootfs(t, scantest.Rootfs(t, map[string]string{"bin/busybox": "x", path: tc.text}), database)
		assert.True(t, r.Verdict.Pass)
		assert.Equal(t, "the image has no package database, although "+path+" names "+tc.name+"; nothing was assessed", r.Verdict.Reason)
		assert.Equal(t, []report.NotAssessed{{Path: path, Reason: report.ReasonOnlyNamed + tc.name}}, r.NotAssessed)
	}
}

// TestRoundTrip writes and reads a report with several statements on one id.
func TestRoundTrip(t *testing.T) {
	records := someAdvisories()
	for _, arch := range []string{"amd64", "i386"} {
		again := records[0]
		again.Arches = []string{arch}
		records = append(records, again)
	}
	database := scantest.Open(t, scantest.Database(t, records...))
	r := scanRootfs(t, scantest.Rootfs(t, map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": dpkgStatus}), database)
	var text bytes.Buffer
	require.NoError(t, report.WriteJSON(&text, r))
	got, err := report.Decode(&text)
	require.NoError(t, err)
	assert.Len(t, got.Findings(), 1)
	assert.Equal(t, 1, got.Verdict.Counts.Total())
}

// TestPlanted has, beside the true database, things of other distributions that
// say nothing. The findings are the same, and the report says what it left out.
func TestPlanted(t *testing.T) {
	database := scantest.Open(t, scantest.Database(t, someAdvisories()...))
	files := map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": dpkgStatus}
	want := scanRootfs(t, scantest.Rootfs(t, files), database)
	files["lib/apk/db/installed"] = ""
	files["etc/alpine-release"] = "3.20.1"
	files["db/metadata.json"] = "{}"
	files["bin/microscanner"] = "#!/bin/sh\nexit 0\n"
	got := scanRootfs(t, scantest.Rootfs(t, files), database)
	assert.Equal(t, want.Findings(), got.Findings())
	assert.Len(t, got.Findings(), 1)
	require.Len(t, got.NotAssessed, 1)
	assert.Equal(t, "lib/apk/db/installed: this package database does not belong to Debian GNU/Linux 12 (bookworm); it lists no package", got.NotAssessed[0].String())
}

func TestUnreadableModes(t *testing.T) {
	database := scantest.Open(t, scantest.Database(t, someAdvisories()...))
	dir := scantest.Rootfs(t, map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": dpkgStatus})
	require.NoError(t, os.Chmod(filepath.Join(dir, "var/lib/dpkg/status"), 0))
	r, err := try(t, dir, database)
	if os.Geteuid() != 0 {
		require.EqualError(t, err, "the package database var/lib/dpkg/status cannot be read: permission denied; run the scan as root")
		return
	}
	require.NoError(t, err)
	assert.Len(t, r.Findings(), 1)
}

// TestFullOutput lists packages without findings too.
func TestFullOutput(t *testing.T) {
	database := scantest.Open(t, scantest.Database(t, someAdvisories()...))
	dir := scantest.Rootfs(t, map[string]string{
		"etc/os-release": debian12, "var/lib/dpkg/status": dpkgStatus + "\nPackage: adduser\nVersion: 3.134\n",
	})
	assert.Len(t, scanRootfs(t, dir, database).Resources, 1)
	o := options()
	o.FullOutput = true
	r := scanWith(t, dir, database, o)
	require.Len(t, r.Resources, 2)
	assert.Equal(t, "adduser", r.Resources[0].Resource.Name)
	assert.Empty(t, r.Resources[0].Vulnerabilities)
	assert.Len(t, r.Findings(), 1)
}
