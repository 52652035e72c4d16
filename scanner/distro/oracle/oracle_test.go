package oracle_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/oracle"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/osrelease"
)

func recognise(t *testing.T, dir string) (inventory.OS, bool) {
	t.Helper()
	r, err := osrelease.Read(os.DirFS(dir))
	require.NoError(t, err)
	return oracle.Distro().Recognise(r)
}

func TestTrap07OracleBeforeRedHat(t *testing.T) {
	redhat := "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n"
	for name, c := range map[string]struct {
		files         map[string]string
		release, path string
	}{
		"os-release":     {map[string]string{"etc/os-release": "ID=\"ol\"\nVERSION_ID=\"8.3\"\n", "etc/redhat-release": redhat}, "8", "etc/os-release"},
		"oracle-release": {map[string]string{"etc/oracle-release": "Oracle Linux Server release 6.10\n", "etc/redhat-release": redhat}, "6", "etc/oracle-release"},
		"enterprise-release": {map[string]string{
			"etc/enterprise-release": "Enterprise Linux Enterprise Linux Server release 5.3 (Carthage)\n", "etc/redhat-release": redhat,
		}, "5", "etc/enterprise-release"},
		"both names": {map[string]string{"etc/os-release": "ID=rhel\nVERSION_ID=10.0\n", "etc/oracle-release": "Oracle Linux Server release 10.0"}, "10", "etc/oracle-release"},
		"no number":  {map[string]string{"etc/os-release": "ID=ol\n", "etc/oracle-release": "Oracle Linux Server release 9.3"}, "9", "etc/os-release"},
	} {
		t.Run(name, func(t *testing.T) {
			os, ok := recognise(t, scantest.Rootfs(t, c.files))
			require.True(t, ok)
			assert.Equal(t, "oracle", os.Distro)
			assert.Equal(t, c.release, os.Release)
			assert.Equal(t, c.path, os.Path)
			assert.Empty(t, os.Unclear)
		})
	}
	for name, files := range map[string]map[string]string{
		"Red Hat": {"etc/redhat-release": redhat},
		"other":   {"etc/os-release": "ID=debian\n", "etc/oracle-release": "Oracle Linux Server release 6.10\n"},
		"nothing": {},
	} {
		_, ok := recognise(t, scantest.Rootfs(t, files))
		assert.False(t, ok, name)
	}
	os, ok := recognise(t, scantest.Rootfs(t, map[string]string{"etc/os-release": "ID=ol\n"}))
	require.True(t, ok)
	assert.Empty(t, os.Release)
	assert.Contains(t, os.Unclear, "state no number")
	os, ok = recognise(t, scantest.Rootfs(t, map[string]string{"etc/os-release": "ID=ol\nVERSION_ID=8.3\n", "etc/oracle-release": "Oracle Linux Server release 7.9"}))
	require.True(t, ok)
	assert.Empty(t, os.Release)
	assert.Equal(t, `it cannot be told which release of Oracle Linux the image is: etc/os-release says VERSION_ID="8.3", and etc/oracle-release says "Oracle Linux Server release 7.9"`, os.Unclear)
}

func TestRealReleaseFiles(t *testing.T) {
	for folder, release := range map[string]string{"rhel-oracle-6": "6", "rhel-oracle-8": "8", "rhel-oracle-9": "9", "grype-oraclelinux": "8"} {
		os, ok := recognise(t, scantest.Shared(t, "rootfs/release-files/"+folder))
		require.True(t, ok, folder)
		assert.Equal(t, release, os.Release)
	}
}

func TestLifecycle(t *testing.T) {
	for _, release := range []string{"5", "6", "7", "8", "9", "10"} {
		l, ok := oracle.Distro().Lifecycle(release)
		require.True(t, ok, release)
		assert.True(t, l.Extended.After(l.End), release)
	}
	l, _ := oracle.Distro().Lifecycle("7")
	assert.Equal(t, time.Date(2024, 12, 31, 0, 0, 0, 0, time.UTC), l.End)
	_, ok := oracle.Distro().Lifecycle("11")
	assert.False(t, ok)
}

func TestRules(t *testing.T) {
	rules := oracle.Distro().Rules
	for vendor, want := range map[string]bool{"Oracle America": false, "": false, "Fedora Project": true, "Remi Collet": true} {
		got, foreign := rules.Foreign(nil, &inventory.Package{Vendor: vendor})
		assert.Equal(t, want, foreign, vendor)
		assert.Equal(t, vendor, got)
	}
	for name, want := range map[string]bool{"kernel-headers": true, "kernel-uek-headers": true, "kernel-uek-devel": true, "kernel": false, "kernel-uek": false} {
		assert.Equal(t, want, rules.Headers(&inventory.Package{Name: name}), name)
	}
}

// scan imports a document into a database, and gives what it says of packages
// of a release, as "name version id fixed".
func scan(t *testing.T, document, release string, packages ...inventory.Package) []string {
	t.Helper()
	path := t.TempDir() + "/oval.xml"
	require.NoError(t, os.WriteFile(path, []byte(document), 0o600))
	database := scantest.Open(t, scantest.DatabaseFromFeed(t, oracle.ID, path))
	advisories, err := database.Release(oracle.ID, release)
	require.NoError(t, err)
	defer func() { assert.NoError(t, advisories.Close()) }()
	linux, ok := recognise(t, scantest.Rootfs(t, map[string]string{"etc/os-release": "ID=ol\nVERSION_ID=" + release}))
	require.True(t, ok)
	for i := range packages {
		packages[i].Format = inventory.FormatRpm
	}
	result, err := match.Match(&inventory.Inventory{OS: linux, Packages: packages}, oracle.Distro().Rules, advisories, match.Options{})
	require.NoError(t, err)
	assert.Empty(t, result.Problems)
	out := []string{}
	for _, s := range result.Subjects {
		for _, f := range s.Findings {
			out = append(out, strings.Join([]string{s.Name, s.Version, f.ID, f.Fixed}, " "))
			assert.Equal(t, advisory.StatusFixed, f.Status)
		}
	}
	return out
}

func pkg(name, version, arch string) inventory.Package {
	return inventory.Package{Name: name, Version: version, Arch: arch, SourceName: name, SourceVersion: version}
}

// A version without an epoch has the epoch 0, and is older than any with one.
func TestTrap15EpochsOfOracle(t *testing.T) {
	doc := document(advisoryXML("ELSA-2024-0001", cve1, os8(or(
		older("openssl", "1:1.1.1k-7.el8"), older("bash", "0:4.4-2.el8"),
	))))
	assert.Equal(t, []string{
		"openssl 1.1.1k-12.el8 CVE-2024-0001 1:1.1.1k-7.el8",
	}, scan(t, doc, "8",
		pkg("openssl", "1.1.1k-12.el8", "x86_64"), pkg("openssl", "1:1.1.1k-7.el8", "aarch64"), pkg("bash", "4.4-2.el8", "x86_64"),
	))
}

// The source package of rpm has no epoch: the binary's version is compared.
func TestTrap16EpochOfTheBinary(t *testing.T) {
	doc := document(advisoryXML("ELSA-2024-0001", cve1, os8(older("openssl-libs", "1:1.1.1k-7.el8"))))
	p := pkg("openssl-libs", "1:1.1.1k-7.el8", "x86_64")
	p.SourceName, p.SourceVersion = "openssl", "1.1.1k-7.el8"
	assert.Empty(t, scan(t, doc, "8", p))
	p.Version = "1:1.1.1k-6.el8"
	assert.Equal(t, []string{"openssl-libs 1:1.1.1k-6.el8 CVE-2024-0001 1:1.1.1k-7.el8"}, scan(t, doc, "8", p))
}

func TestTrap17ModulesOfOracle(t *testing.T) {
	doc := document(
		advisoryXML("ELSA-2024-0001", cve1, os8(arch("x86_64", and(crit("Module nodejs:18 is enabled"), older("nodejs", "1:18.9-1.module+el8"))))),
		advisoryXML("ELSA-2024-0002", cve1, os8(arch("x86_64", and(crit("Module nodejs:20 is enabled"), older("nodejs", "1:20.9-1.module+el8"))))),
	)
	module := func(p inventory.Package, label string) inventory.Package { p.Module = label; return p }
	assert.Equal(t, []string{
		"nodejs 1:18.8-1.module+el8 CVE-2024-0001 1:18.9-1.module+el8",
	}, scan(t, doc, "8",
		module(pkg("nodejs", "1:18.8-1.module+el8", "x86_64"), "nodejs:18:8090020231019:rhel8"),
		module(pkg("nodejs", "1:20.9-1.module+el8", "x86_64"), "nodejs:20:8090020231019:rhel8"),
		pkg("nodejs", "1:10.1-1.el8", "x86_64"),
	))
}

// Builds of Ksplice and of FIPS have raised epochs: a normal build must be
// compared with normal builds only, although the others' fixes are higher.
func TestTrap18FlavoursOfOracle(t *testing.T) {
	doc := document(
		advisoryXML("ELSA-2024-0001", cve1, os8(or(older("glibc", "0:2.28-151.0.1.el8"), older("gnutls", "0:3.6.16-5.el8")))),
		advisoryXML("ELSA-2024-0002", cve1, os8(or(
			and(older("glibc", "2:2.28-151.0.1.ksplice1.el8"), crit("glibc is ksplice-based")),
			and(older("gnutls", "10:3.6.16-7.0.1.el8_fips"), crit("gnutls is fips patched")),
		))),
		advisoryXML("ELSA-2024-0003", strings.ReplaceAll(cve1, "0001", "0003"), os8(older("glibc", "2:2.28-151.0.1.ksplice1.el8"))),
	)
	assert.Equal(t, []string{
		"glibc 2.28-100.el8 CVE-2024-0001 2.28-151.0.1.el8",
		"glibc 2:2.28-100.0.1.ksplice1.el8 CVE-2024-0001 2:2.28-151.0.1.ksplice1.el8",
		"glibc 2:2.28-100.0.1.ksplice1.el8 CVE-2024-0003 2:2.28-151.0.1.ksplice1.el8",
		"gnutls 10:3.6.16-4.0.1.el8_fips CVE-2024-0001 10:3.6.16-7.0.1.el8_fips",
		"gnutls 3.6.16-4.el8 CVE-2024-0001 3.6.16-5.el8",
	}, scan(t, doc, "8",
		pkg("glibc", "2.28-100.el8", "x86_64"), pkg("glibc", "2.28-151.0.1.el8", "aarch64"),
		pkg("glibc", "2:2.28-100.0.1.ksplice1.el8", "x86_64"), pkg("glibc", "2:2.28-151.0.1.ksplice1.el8", "aarch64"),
		pkg("gnutls", "3.6.16-4.el8", "x86_64"), pkg("gnutls", "3.6.16-5.el8", "aarch64"),
		pkg("gnutls", "10:3.6.16-4.0.1.el8_fips", "x86_64"), pkg("gnutls", "10:3.6.16-7.0.1.el8_fips", "aarch64"),
	))
}

// The architecture and the release of a branch reach the match.
func TestTrap19VersionOfTheArchitecture(t *testing.T) {
	doc := document(advisoryXML("ELSA-2024-0001", cve1, or(
		os8(or(arch("x86_64", older("rsyslog", "0:8-57.3.el8")), arch("aarch64", older("rsyslog", "0:8-57.0.4.el8")))),
		and(crit("Oracle Linux 9 is installed"), older("rsyslog", "0:9-1.el9")),
	)))
	assert.Equal(t, []string{"rsyslog 8-57.1.el8 CVE-2024-0001 8-57.3.el8"},
		scan(t, doc, "8", pkg("rsyslog", "8-57.1.el8", "x86_64"), pkg("rsyslog", "8-57.0.4.el8", "aarch64")))
	assert.Equal(t, []string{"rsyslog 8-99.el9 CVE-2024-0001 9-1.el9"}, scan(t, doc, "9", pkg("rsyslog", "8-99.el9", "s390x")))
}
