// Package reporttest makes reports for the tests of their formats, and checks
// what the formats give.
package reporttest

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// started is when the scans of these reports were started.
func started() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC) }

func pkg(name, version string, source report.Source, found ...report.Vulnerability) report.Resource {
	return report.Resource{Scanned: true, Vulnerabilities: found, Resource: report.Package{
		Format: "deb", Name: name, Version: version, Arch: "amd64", CPE: report.CPE("debian", "12", name, version),
		NameHash: report.NameHash(name), Source: source, Paths: []string{"var/lib/dpkg/status"},
		PURL: "pkg:deb/debian/" + name + "@" + strings.ReplaceAll(version, ":", "%3A") + "?arch=amd64&distro=debian-12",
	}}
}

// Sample is a report that has something of everything: findings of an
// instruction, of the base image and of unknown origin, with a fix and without
// one, suppressed by an ignore list and by VEX, and of both groups.
func Sample() *report.Report {
	const digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	base := report.IntroducedBy{
		File: "Dockerfile", Line: 2, EndLine: 2, Instruction: "FROM debian:12", Stage: "app", Base: true, BaseImage: "debian:12", BaseDigest: digest,
	}
	run := report.IntroducedBy{
		File: "Dockerfile", Line: 4, EndLine: 5, Instruction: "RUN apt-get update && \\\n    apt-get install -y curl", Stage: "app", BaseImage: "debian:12", BaseDigest: digest,
	}
	openssl := []report.Vulnerability{
		{
			Name: "CVE-2024-0001", Description: "A <b>hole</b> & more.\nOn a second line.", PublishDate: "2024-01-04", ModificationDate: "2024-02-05",
			NVDScoreV3: 9.8, NVDVectorsV3: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", NVDSeverityV3: "critical", NVDURL: "https://nvd.nist.gov/vuln/detail/CVE-2024-0001",
			NVDScore: 7.5, NVDScoreVersion: "CVSS v2", NVDVectors: "AV:N/AC:L/Au:N/C:P/I:P/A:P", NVDSeverity: "high",
			FixVersion: "3.0.2", Solution: report.Solution("openssl", "3.0.2", false), Aliases: []string{"DSA-5000-1"},
			Severity: severity.High, SeveritySource: "debian", Status: "fixed", VendorSeverity: "high", VendorURL: "https://security-tracker.debian.org/tracker/CVE-2024-0001",
			KnownExploited: true, KnownExploitedDate: "2024-02-01", EPSS: advisory.EPSS{Score: 0.00043, Percentile: 0.0911, Date: "2026-01-01"}, IntroducedBy: &run,
		},
		{Name: "CVE-2024-0002", Severity: severity.Medium, Status: "affected", NVDScoreV3: 5.1, IntroducedBy: &run},
	}
	zlib := []report.Vulnerability{
		{Name: "CVE-2023-0009", Severity: severity.Critical, Status: "will-not-fix", IntroducedBy: &base, VendorScoreV3: 9.1, VendorVectorsV3: "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N", VendorSeverityV3: "critical"},
		{Name: "CVE-2023-0010", Severity: severity.High, Status: "fixed", FixVersion: "1:1.3", IntroducedBy: &base, Suppressed: &report.Suppressed{
			By: report.SuppressedByVEX, Reason: "minizip is not built", Status: "not_affected", Justification: "vulnerable_code_not_present", Source: "vex/zlib.json", Author: "Example Security Team",
		}},
		{Name: "CVE-2023-0011", Severity: severity.High, Status: "affected", IntroducedBy: &base, Suppressed: &report.Suppressed{
			By: report.SuppressedByIgnore, Reason: "no untrusted archives", Expires: "2026-06-01", Source: ".microscanner.yaml line 3",
		}},
		{Name: "CVE-2023-0012", Severity: severity.Low, Status: "under-investigation", IntroducedBy: &base},
	}
	source := report.Source{Name: "openssl", Version: "3.0.1", FixVersion: "3.0.2"}
	linux := pkg("linux-libc-dev", "6.1.1-1", report.Source{Name: "linux", Version: "6.1.1-1"}, report.Vulnerability{Name: "CVE-2022-0001", Severity: severity.High, Status: "affected"})
	linux.Resource.Group = report.GroupKernelHeaders
	tar := pkg("tar", "1.34", report.Source{Name: "tar", Version: "1.34"}, report.Vulnerability{Name: "TEMP-0290435-0B57B5", Severity: severity.Unknown, Status: "fixed", FixVersion: "1.35"})
	tar.Resource.License = "GPL-3.0-or-later"
	adduser := pkg("adduser", "3.134", report.Source{Name: "adduser", Version: "3.134"})
	adduser.Resource.License = "GPL and friends"
	r := &report.Report{
		ScanStarted: report.TimestampOf(started()), ScanDuration: 2, Digest: digest, OS: "debian", Version: "12",
		Resources: []report.Resource{
			adduser, pkg("libssl3", "3.0.1", source, openssl...), linux, pkg("openssl", "3.0.1", source, openssl...), tar,
			pkg("zlib1g", "1:1.2", report.Source{Name: "zlib", Version: "1:1.2", FixVersion: "1:1.3"}, zlib...),
		},
		InitiatingUser: "token", DataDate: 1690000000, SchemaVersion: report.SchemaVersion, Scanner: "microscanner 1.0.0",
		Image: report.Image{Reference: "registry.example.com/team/app:1", Platform: "linux/amd64", Digest: digest},
		Database: report.Database{Digest: "sha256:00", Built: time.Unix(1690000000, 0).UTC(), Feeds: []report.Feed{
			{Name: "debian", URL: "https://security-tracker.debian.org/tracker/data/json", Fetched: time.Unix(1689990000, 0).UTC(), Rows: 3, Digest: "sha256:01"},
		}},
		NotAssessed: []report.NotAssessed{
			{Path: "lib/apk/db/installed", Reason: "this package database does not belong to Debian 12"},
			{Path: "var/lib/dpkg/status", Line: 7, Reason: "there is no version", Count: 2},
		},
		Notices: []string{"the entry for CVE-2023-0011 in .microscanner.yaml expires on 2026-06-01"},
		Advice: []report.Advice{{
			File: "Dockerfile", Line: 4, Instruction: run.Instruction, Text: "Upgrade openssl.", Command: "apt-get install -y --only-upgrade libssl3 openssl",
			Packages: []string{"libssl3", "openssl"}, Fixes: 1, Of: 2,
		}},
	}
	r.Judge(policy.Default())
	return r
}

// Platforms is the sample for two platforms.
func Platforms() []*report.Report {
	a, b := Sample(), Sample()
	b.Image.Platform = "linux/arm64"
	b.Image.Digest = "sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
	b.Digest = b.Image.Digest
	for i := range b.Resources {
		p := &b.Resources[i].Resource
		p.Arch, p.PURL = "arm64", strings.ReplaceAll(p.PURL, "amd64", "arm64")
	}
	return []*report.Report{a, b}
}

// Clean is a report without findings.
func Clean() *report.Report {
	r := &report.Report{
		ScanStarted: report.TimestampOf(started()), OS: "alpine", Version: "3.20.3", InitiatingUser: "token",
		Resources: []report.Resource{}, SchemaVersion: report.SchemaVersion, Scanner: "microscanner dev",
		Database: report.Database{Digest: "sha256:00", Feeds: []report.Feed{}}, NotAssessed: []report.NotAssessed{},
	}
	r.Judge(policy.Default())
	return r
}

// Broken is a report of a scan that is incomplete.
func Broken() *report.Report {
	r := Sample()
	r.PartialResults = true
	r.Assessment.Unread = []string{"var/lib/dpkg/status, line 7: there is no version"}
	r.Judge(policy.Default())
	return r
}

// Many is a report of n findings, with as many packages as a large image has for
// them and texts of the usual length.
func Many(n int) *report.Report {
	r := Sample()
	v := r.Resources[1].Vulnerabilities[0]
	v.Description = strings.Repeat("In the function that reads a header, a length is not checked. ", 8)
	r.Resources = nil
	const each = 10
	for i := 0; i < n; i += each {
		name := fmt.Sprintf("package-%05d", i)
		res := pkg(name, "1.2.3-4", report.Source{Name: name, Version: "1.2.3-4", FixVersion: "1.2.3-5"})
		for j := i; j < min(n, i+each); j++ {
			v.Name = fmt.Sprintf("CVE-2024-%05d", j)
			v.Severity = severity.All()[j%5]
			res.Vulnerabilities = append(res.Vulnerabilities, v)
		}
		r.Resources = append(r.Resources, res)
	}
	r.Judge(policy.Default())
	return r
}

// Evil is a text that tries to be obeyed: by a terminal, a browser, a viewer of
// Markdown, a parser of XML, and by what reads a build's log.
const Evil = "\x1b]0;x\a\x1b[31m\r\n::error file=x::pwned\r##[error]pwned\n::stop-commands::x\n" +
	"%0A::warning::pwned\u2028\u202e\u009b31m\u2066\x00\x7f\xff\ufffe\ufdd0\U000e0001]]><script>alert(1)</script>" +
	"<img src=x onerror=alert(1)>&amp;\"'[x](javascript:alert(1)) **b** `c` | @team https://evil.example {0} ${{ x }}, a=b,c:d\\"

// Hostile is the sample with such a text in place of every text of which the
// image, the Dockerfile, the feeds or a VEX document decides, also of those that
// a scan would not let through. Words that say what kind a thing is stay if
// structure is true, so that all ways through a writer are gone.
func Hostile(text string, structure bool) *report.Report {
	r := Sample()
	n := 0
	replace(reflect.ValueOf(r).Elem(), text, structure, &n)
	r.SchemaVersion = report.SchemaVersion
	return r
}

func replace(v reflect.Value, text string, structure bool, n *int) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			replace(v.Elem(), text, structure, n)
		}
	case reflect.Slice:
		for i := range v.Len() {
			replace(v.Index(i), text, structure, n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			kind := map[string]bool{"Format": true, "Group": true, "Status": true, "By": true, "Justification": true}
			if f := v.Type().Field(i); f.IsExported() && (!structure || !kind[f.Name]) {
				replace(v.Field(i), text, structure, n)
			}
		}
	case reflect.String:
		*n++
		v.SetString(fmt.Sprintf("%s%d", text, *n))
	}
}
