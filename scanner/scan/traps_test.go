package scan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// The numbers are those of the list of traps that every scanner of packages
// falls into, or must have seen. Traps that one package decides by itself are
// tested there.

// debianRecord is an advisory on a source package of Debian 12; without a
// fixed version the package is affected.
func debianRecord(id, pkg, fixed string) advisory.Record {
	r := advisory.Record{ID: id, Distro: "debian", Release: "12", Package: pkg, Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: fixed}
	if fixed == "" {
		r.Status = advisory.StatusAffected
	}
	return r
}

// scanDebian scans a Debian 12 with a package database.
func scanDebian(t *testing.T, status string, records ...advisory.Record) *report.Report {
	t.Helper()
	records = append(records, debianRecord("CVE-1999-9999", "not-installed", ""))
	return scanRootfs(t, scantest.Rootfs(t, map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": status}),
		scantest.Open(t, scantest.Database(t, records...)))
}

// foundIn lists the findings as "source version id".
func foundIn(r *report.Report) []string {
	out := []string{}
	for _, f := range r.Findings() {
		out = append(out, f.Source.Name+" "+f.Source.Version+" "+f.ID)
	}
	return out
}

func TestTrap01VersionOfTheSource(t *testing.T) {
	const status = "Package: libdevmapper1.02.1\nSource: lvm2 (2.03.16-2)\nVersion: 2:1.02.185-2\n\n" +
		"Package: bash\nVersion: 5.2.15-2+b7\nSource: bash (5.2.15-2)\n"
	r := scanDebian(t, status,
		debianRecord("CVE-2024-0001", "lvm2", "2.03.16-3"), // the binary's 2:1.02 is higher
		debianRecord("CVE-2024-0002", "lvm2", "2.03.16-2"),
		debianRecord("CVE-2024-0003", "bash", "5.2.15-2+b1"), // the binary's +b7 is higher
	)
	assert.Equal(t, []string{"bash 5.2.15-2 CVE-2024-0003", "lvm2 2.03.16-2 CVE-2024-0001"}, foundIn(r))
}

func TestTrap02NamesOfSources(t *testing.T) {
	r := scanDebian(t, "Package: libssl3\nSource: openssl\nVersion: 3.0.9-1\n",
		debianRecord("CVE-2024-0001", "openssl", "3.0.11-1"), debianRecord("CVE-2024-0002", "libssl3", "3.0.11-1"))
	assert.Equal(t, []string{"openssl 3.0.9-1 CVE-2024-0001"}, foundIn(r))
}

// TestTrap03ZeroAndTrap04Open read Debian's own form of both.
func TestTrap03ZeroIsNotAffectedAndTrap04OpenIs(t *testing.T) {
	feed := filepath.Join(t.TempDir(), "tracker.json")
	require.NoError(t, os.WriteFile(feed, []byte(`{"bash":{
		"CVE-2024-0001":{"releases":{"bookworm":{"status":"resolved","fixed_version":"0","urgency":"low"}}},
		"CVE-2024-0002":{"releases":{"bookworm":{"status":"open","urgency":"low"}}}}}`), 0o600))
	r := scanRootfs(t, scantest.Rootfs(t, map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": "Package: bash\nVersion: 5.2.15-2\n"}),
		scantest.Open(t, scantest.DatabaseFromFeed(t, "debian", feed)))
	assert.Equal(t, []string{"bash 5.2.15-2 CVE-2024-0002"}, foundIn(r))
}

func TestTrap05RemovedPackages(t *testing.T) {
	const status = "Package: bash\nStatus: deinstall ok config-files\nVersion: 5.2.15-2\n\n" +
		"Package: dash\nStatus: hold ok installed\nVersion: 0.5.12-2\n\n" +
		"Package: sed\nStatus: install ok half-configured\nVersion: 4.9-1\n"
	r := scanDebian(t, status, debianRecord("CVE-2024-0001", "bash", ""), debianRecord("CVE-2024-0002", "dash", ""), debianRecord("CVE-2024-0003", "sed", ""))
	assert.Equal(t, []string{"dash 0.5.12-2 CVE-2024-0002", "sed 4.9-1 CVE-2024-0003"}, foundIn(r))
}

func TestTrap09EdgeHasAdvisoriesOfItsOwn(t *testing.T) {
	records := []advisory.Record{
		{ID: "CVE-2024-0001", Distro: "alpine", Release: "edge", Package: "musl", Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: "1.2.5-r1"},
		{ID: "CVE-2024-0002", Distro: "alpine", Release: "3.24", Package: "musl", Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: "1.2.5-r1"},
	}
	database := scantest.Open(t, scantest.Database(t, records...))
	for version, want := range map[string]string{"3.24.0_alpha20251224": "musl 1.2.5-r0 CVE-2024-0001", "3.24.1": "musl 1.2.5-r0 CVE-2024-0002"} {
		r := scanRootfs(t, scantest.Rootfs(t, map[string]string{"etc/os-release": "ID=alpine\nVERSION_ID=" + version + "\n", "lib/apk/db/installed": apkDB}), database)
		assert.Equal(t, []string{want}, foundIn(r), version)
	}
}

// TestTrap10EndOfLife also says that the findings of a release past its end of
// life are listed, with the data that there are.
func TestTrap10EndOfLife(t *testing.T) {
	var records []advisory.Record
	for _, release := range []string{"3.9", "3.10", "3.20"} {
		records = append(records, advisory.Record{ID: "CVE-2019-0001", Distro: "alpine", Release: release, Package: "musl", Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: "1.2.5-r1", Severity: severity.Low})
	}
	database := scantest.Open(t, scantest.Database(t, records...))
	o := options()
	o.Now = func() time.Time { return time.Date(2020, 12, 1, 12, 0, 0, 0, time.UTC) }
	for release, ended := range map[string]bool{"3.9": true, "3.10": false, "3.20": false} {
		dir := scantest.Rootfs(t, map[string]string{"etc/os-release": "ID=alpine\nVERSION_ID=" + release + ".1\n", "lib/apk/db/installed": apkDB})
		r := scanWith(t, dir, database, o)
		assert.Equal(t, !ended, r.Verdict.Pass, release)
		assert.Equal(t, []string{"musl 1.2.5-r0 CVE-2019-0001"}, foundIn(r), release)
		assert.Equal(t, 1, r.Verdict.Counts.Low)
		if !ended {
			continue
		}
		const over = "Alpine 3.9 reached its end of life on 2020-11-01: what became known since is not in its advisories"
		assert.Equal(t, over+" (set on-unsupported=warn to let such images pass)", r.Verdict.Reason)
		assert.Equal(t, []report.NotAssessed{{Reason: over}}, r.NotAssessed)
		require.NoError(t, o.Policy.Set(policy.KeyOnUnsupported, "warn", "test"))
		r = scanWith(t, dir, database, o)
		o.Policy = policy.Default()
		assert.True(t, r.Verdict.Pass)
		assert.Equal(t, "no vulnerability at or above high: found 1 low; "+over, r.Verdict.Reason)
		assert.Equal(t, []report.NotAssessed{{Reason: over}}, r.NotAssessed)
	}
}

// TestEndOfLifeWithPro has an image that gets the updates after the end.
func TestEndOfLifeWithPro(t *testing.T) {
	record := advisory.Record{ID: "CVE-2024-0001", Distro: "ubuntu", Release: "18.04", Package: "bash", Kind: advisory.Source, Status: advisory.StatusNeedsPro, Fixed: "4.4.18-2ubuntu1.4"}
	database := scantest.Open(t, scantest.Database(t, record))
	files := map[string]string{
		"etc/os-release":      "ID=ubuntu\nVERSION_ID=18.04\nPRETTY_NAME=\"Ubuntu 18.04.6 LTS\"\n",
		"var/lib/dpkg/status": "Package: bash\nVersion: 4.4.18-2ubuntu1.2\n",
	}
	r := scanRootfs(t, scantest.Rootfs(t, files), database)
	assert.Contains(t, r.Verdict.Reason, "Ubuntu 18.04 reached its end of life on 2023-")
	assert.Contains(t, r.Verdict.Reason, "; Ubuntu Pro has updates for it until 20")
	assert.Equal(t, "needs-pro", r.Findings()[0].Status)

	files["var/lib/ubuntu-advantage/status.json"] = `{"services":[{"name":"esm-infra","status":"enabled"}]}`
	r = scanRootfs(t, scantest.Rootfs(t, files), database)
	assert.True(t, r.Verdict.Pass, r.Verdict.Reason)
	assert.Equal(t, "fixed", r.Findings()[0].Status)
}

// TestRedHatReleaseIsNoLoneFile has a CentOS 6, which has no os-release, that
// lost its package database.
func TestRedHatReleaseIsNoLoneFile(t *testing.T) {
	_, err := try(t, scantest.Rootfs(t, map[string]string{"etc/redhat-release": "CentOS release 6.8 (Final)\n"}), nil)
	require.ErrorContains(t, err, "the image is CentOS release 6.8 (Final) but has no package database")
}

func TestTrap23CentOSStream(t *testing.T) {
	const stream = "NAME=\"CentOS Stream\"\nID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"9\"\nPRETTY_NAME=\"CentOS Stream 9\"\n"
	r := scanRootfs(t, scantest.Rootfs(t, map[string]string{"etc/os-release": stream, "var/lib/rpm/rpmdb.sqlite": "x"}), nil)
	assert.Equal(t, policy.ExitError, r.Verdict.ExitCode)
	assert.Contains(t, r.Verdict.Reason, "CentOS Stream 9 is not supported: its packages run ahead of Red Hat Enterprise Linux")
}

func TestTrap24UnderInvestigation(t *testing.T) {
	records := []advisory.Record{debianRecord("CVE-2024-0001", "bash", ""), debianRecord("CVE-2024-0002", "bash", "")}
	records[0].Status = advisory.StatusUnderInvestigation
	records[0].Severity = severity.Critical
	dir := scantest.Rootfs(t, map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": "Package: bash\nVersion: 5.2.15-2\n"})
	database := scantest.Open(t, scantest.Database(t, records...))
	r := scanRootfs(t, dir, database)
	assert.Equal(t, []string{"bash 5.2.15-2 CVE-2024-0002"}, foundIn(r))
	assert.Len(t, r.Resources[0].Vulnerabilities, 1)
	assert.Equal(t, []report.NotAssessed{{Reason: "advisories that the vendor still investigates", Count: 1}}, r.NotAssessed)

	o := options()
	o.UnderInvestigation = true
	r = scanWith(t, dir, database, o)
	assert.Equal(t, []string{"bash 5.2.15-2 CVE-2024-0002"}, foundIn(r))
	assert.True(t, r.Verdict.Pass)
	assert.Equal(t, 1, r.Verdict.Counts.Total())
	assert.Zero(t, r.VulnerabilitySummary.High)
	require.Len(t, r.Resources[0].Vulnerabilities, 2)
	assert.Equal(t, "under-investigation", r.Resources[0].Vulnerabilities[0].Status)
	assert.Len(t, r.FindingsOf(report.GroupUnderInvestigation), 1)
}

func TestTrap25WillNotFixIsUnfixed(t *testing.T) {
	records := []advisory.Record{debianRecord("CVE-2024-0001", "bash", ""), debianRecord("CVE-2024-0002", "bash", ""), debianRecord("CVE-2024-0003", "bash", "")}
	records[0].Status, records[1].Status, records[2].Status = advisory.StatusWillNotFix, advisory.StatusDeferred, advisory.StatusEndOfLife
	r := scanDebian(t, "Package: bash\nVersion: 5.2.15-2\n", records...)
	var states []string
	for _, f := range r.Findings() {
		states = append(states, f.Status)
	}
	assert.Equal(t, []string{"will-not-fix", "deferred", "end-of-life"}, states)
}

func TestTrap36LongLines(t *testing.T) {
	long := "Package: first\nVersion: 1\nDepends: " + strings.Repeat("some-package (>= 1.0), ", 10_000) + "x\nDescription: d\n"
	r := scanDebian(t, long+"\nPackage: bash\nVersion: 5.2.15-2\n", debianRecord("CVE-2024-0001", "bash", ""))
	assert.Equal(t, []string{"bash 5.2.15-2 CVE-2024-0001"}, foundIn(r))
	assert.False(t, r.PartialResults)
}

func TestTrap37LinksStayInTheImage(t *testing.T) {
	r := scanRootfs(t, scantest.Rootfs(t, map[string]string{
		"etc/os-release":     "-> /usr/lib/os-release", // on the machine it is another file
		"usr/lib/os-release": alpine320, "lib": "-> usr/lib", "usr/lib/apk/db/installed": apkDB,
	}), scantest.Open(t, scantest.Database(t, someAdvisories()...)))
	assert.Equal(t, "alpine", r.OS)
	assert.Equal(t, []string{"musl 1.2.5-r0 CVE-2023-4911"}, foundIn(r), "once, although two names lead to the database")
}

func TestTrap38KernelHeaders(t *testing.T) {
	const headers = "Package: linux-libc-dev\nSource: linux\nVersion: 6.1.76-1\nArchitecture: amd64\n"
	record := debianRecord("CVE-2024-0001", "linux", "6.1.90-1")
	record.Severity = severity.Critical
	r := scanDebian(t, headers, record)
	assert.True(t, r.Verdict.Pass)
	assert.Equal(t, "no known vulnerabilities; not counted: 1 of the kernel in packages that have only its headers", r.Verdict.Reason)
	assert.Empty(t, r.Findings())
	assert.Len(t, r.FindingsOf(report.GroupKernelHeaders), 1)
	assert.Equal(t, 1, r.Verdict.KernelHeaders.Critical)
	assert.Zero(t, r.Verdict.Counts.Total())
	assert.Zero(t, r.VulnerabilitySummary.High)
	assert.Equal(t, report.GroupKernelHeaders, r.Resources[0].Resource.Group)

	o := options()
	require.NoError(t, o.Policy.Set(policy.KeyKernelHeaders, "true", "test"))
	database := scantest.Open(t, scantest.Database(t, record))
	r = scanWith(t, scantest.Rootfs(t, map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": headers}), database, o)
	assert.Equal(t, policy.ExitGate, r.Verdict.ExitCode)
	assert.Empty(t, r.Resources[0].Resource.Group)

	// With a kernel of that source it is a finding like any other.
	r = scanDebian(t, headers+"\nPackage: linux-image-6.1.0-18-amd64-unsigned\nSource: linux\nVersion: 6.1.76-1\nArchitecture: amd64\n", record)
	assert.Equal(t, []string{"linux 6.1.76-1 CVE-2024-0001"}, foundIn(r))
	assert.Equal(t, policy.ExitGate, r.Verdict.ExitCode)
}

func TestTrap40NumbersAreNumbers(t *testing.T) {
	r := scanDebian(t, "Package: bash\nVersion: 5.2.15-2+deb12u10\n",
		debianRecord("CVE-2024-0001", "bash", "5.2.15-2+deb12u9"), debianRecord("CVE-2024-0002", "bash", "5.2.15-2+deb12u11"))
	assert.Equal(t, []string{"bash 5.2.15-2+deb12u10 CVE-2024-0002"}, foundIn(r))
}

func TestTrap41LongNumbers(t *testing.T) {
	r := scanDebian(t, "Package: snap\nVersion: 0.0~20240101123456789012345-1\n",
		debianRecord("CVE-2024-0001", "snap", "0.0~20240101123456789012344-1"), debianRecord("CVE-2024-0002", "snap", "0.0~20240101123456789012346-1"))
	assert.Equal(t, []string{"snap 0.0~20240101123456789012345-1 CVE-2024-0002"}, foundIn(r))
	assert.False(t, r.PartialResults)
}

func TestTrap42PackagesOfOthers(t *testing.T) {
	const status = "Package: nginx\nVersion: 1.24.0-1~bookworm\nMaintainer: NGINX Packaging <nginx-packaging@f5.com>\n\n" +
		"Package: bash\nVersion: 5.2.15-2\nMaintainer: Somebody <somebody@debian.org>\n"
	records := []advisory.Record{debianRecord("CVE-2024-0001", "nginx", ""), debianRecord("CVE-2024-0002", "bash", "")}
	r := scanDebian(t, status, records...)
	assert.Equal(t, []string{"bash 5.2.15-2 CVE-2024-0002"}, foundIn(r))
	assert.Equal(t, []report.NotAssessed{{Reason: "packages that are not the distribution's own, of nginx.org", Count: 1}}, r.NotAssessed)
	assert.False(t, r.PartialResults)

	o := options()
	o.FullOutput = true
	r = scanWith(t, scantest.Rootfs(t, map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": status}),
		scantest.Open(t, scantest.Database(t, records...)), o)
	require.Len(t, r.Resources, 2)
	assert.False(t, r.Resources[1].Scanned)
	assert.Equal(t, "not assessed: this package is not the distribution's own, but of nginx.org", r.Resources[1].ScanError)
}
