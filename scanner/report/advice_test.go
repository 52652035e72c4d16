package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/severity"
)

func fromBase() *report.IntroducedBy {
	return &report.IntroducedBy{File: "Dockerfile", Line: 1, EndLine: 1, Instruction: "FROM debian:12", Base: true, BaseImage: "debian:12"}
}

func fromRun() *report.IntroducedBy {
	return &report.IntroducedBy{File: "Dockerfile", Line: 12, EndLine: 13, Instruction: "RUN apt-get update && apt-get install -y openssl", BaseImage: "debian:12"}
}

func fromCopy() *report.IntroducedBy {
	return &report.IntroducedBy{File: "Dockerfile", Line: 20, Instruction: "COPY --from=builder / /", FromStage: "builder", BaseImage: "debian:12"}
}

// binary is an installed package with vulnerabilities that one instruction brought.
func binary(format, name, source string, by *report.IntroducedBy, list ...report.Vulnerability) report.Resource {
	for i := range list {
		list[i].IntroducedBy = by
	}
	return report.Resource{Scanned: true, Vulnerabilities: list, Resource: report.Package{
		Format: format, Name: name, Version: "1.0-1", Source: report.Source{Name: source, Version: "1.0-1"}, Paths: []string{"a/database"},
	}}
}

func fixed(id string, s severity.Severity) report.Vulnerability {
	return report.Vulnerability{Name: id, Severity: s, FixVersion: "1.0-2", Status: "fixed"}
}

func unfixed(id, status string) report.Vulnerability {
	return report.Vulnerability{Name: id, Severity: severity.Medium, Status: status}
}

// blamed is a report of what three instructions brought; two entries suppress
// something in it.
func blamed() *report.Report {
	ignored := fixed("CVE-2024-0007", severity.Critical)
	ignored.Suppressed = &report.Suppressed{By: "ignore", Reason: "the tool is not started", Expires: "2027-01-31", Source: ".microscanner.yaml:7"}
	stated := fixed("CVE-2024-0008", severity.Low)
	stated.Suppressed = &report.Suppressed{By: "vex", Reason: "built without it", Status: "not_affected", Justification: "vulnerable_code_not_present", Source: "vex.json, statement 2", Author: "Example"}
	pro := unfixed("CVE-2024-0006", "needs-pro")
	pro.FixVersion = "1.0-3"
	r := &report.Report{
		SchemaVersion: report.SchemaVersion, OS: "debian", Version: "12", Image: report.Image{Reference: "example/app"},
		Resources: []report.Resource{
			binary("deb", "libc6", "glibc", fromBase(), fixed("CVE-2024-0001", severity.High), unfixed("CVE-2024-0002", "will-not-fix"), ignored),
			binary("deb", "libssl3", "openssl", fromBase(), fixed("CVE-2024-0003", severity.Critical)),
			binary("deb", "openssl", "openssl", fromRun(), fixed("CVE-2024-0003", severity.Critical), stated),
			binary("deb", "zlib1g", "zlib", fromRun(), unfixed("CVE-2024-0004", "affected"), unfixed("CVE-2024-0005", "end-of-life"), pro),
			binary("deb", "tool", "tool", fromCopy(), fixed("CVE-2024-0009", severity.High)),
		},
		NotAssessed: []report.NotAssessed{},
		Notices:     []string{"the ignore list's entry for CVE-2024-0007 (.microscanner.yaml:7) expires on 2027-01-31"},
	}
	r.Judge(policy.Default())
	r.Advise(nil)
	return r
}

func TestFindingsOfOrigins(t *testing.T) {
	r := blamed()
	assert.Equal(t, policy.Counts{High: 1, Medium: 1}, r.Verdict.Base)
	assert.Equal(t, policy.Counts{Critical: 1, High: 1, Medium: 3}, r.Verdict.Added, "one binary of openssl is added: the finding is")
	assert.Equal(t, policy.Counts{Critical: 1, Low: 1}, r.Verdict.Suppressed)
	assert.Equal(t, 7, r.VulnerabilitySummary.Total, "without the suppressed ones")
	assert.Equal(t, "high", r.ImageAssurance.ChecksPerformed[0].MaximumSeverityAllowed)
	assert.Len(t, r.FindingsOf(report.GroupSuppressed), 2)

	p := policy.Default()
	require.NoError(t, p.Set("fail-on-new", "critical", "test"))
	r.Policy["attest"] = policy.Value{Value: "true", From: "a test"}
	r.Judge(p)
	assert.Equal(t, "true", r.Policy["attest"].Value, "what is none of the gate's settings stays")
	assert.Equal(t, 1, r.Verdict.Failing)
	assert.Equal(t, "critical", r.ImageAssurance.ChecksPerformed[0].MaximumSeverityAllowed)
	failing, err := r.Failing()
	require.NoError(t, err)
	require.Len(t, failing, 1)
	assert.Equal(t, fromRun(), failing[0].IntroducedBy)
	assert.Equal(t, []string{"libssl3", "openssl"}, failing[0].Binaries)
}

// What nobody knows the origin of counts as added, also beside a binary of the
// base image.
func TestUnknownOriginIsNotBase(t *testing.T) {
	r := &report.Report{Resources: []report.Resource{
		binary("deb", "libssl3", "openssl", fromBase(), fixed("CVE-2024-0003", severity.High)),
		binary("deb", "openssl", "openssl", nil, fixed("CVE-2024-0003", severity.High)),
	}}
	p := policy.Default()
	require.NoError(t, p.Set("fail-on-new", "high", "test"))
	r.Judge(p)
	assert.Equal(t, 1, r.Verdict.Failing)
	r.Resources[1] = binary("deb", "openssl", "openssl", fromBase(), fixed("CVE-2024-0003", severity.High))
	r.Judge(p)
	assert.Zero(t, r.Verdict.Failing)
}

// A finding is suppressed only if it is at every binary.
func TestSuppressedAtEveryBinary(t *testing.T) {
	r := blamed()
	v := &r.Resources[1].Vulnerabilities[0] // of libssl3
	v.Suppressed = &report.Suppressed{By: "ignore", Reason: "x"}
	v.NVDScoreV3 = 9.9
	r.Judge(policy.Default())
	assert.Equal(t, policy.Counts{Critical: 1, Low: 1}, r.Verdict.Suppressed)
	assert.Zero(t, r.VulnerabilitySummary.MaxScore)
	r.Resources[2].Vulnerabilities[0].Suppressed = v.Suppressed
	r.Judge(policy.Default())
	assert.Equal(t, policy.Counts{Critical: 2, Low: 1}, r.Verdict.Suppressed)
	assert.Zero(t, r.Verdict.Counts.Critical)
}

func TestDecodeBlamed(t *testing.T) {
	want := blamed()
	text := string(writeJSON(t, want))
	got, err := report.Decode(strings.NewReader(text))
	require.NoError(t, err)
	assert.Equal(t, want.AllFindings(), got.AllFindings())
	assert.Equal(t, want.Advice, got.Advice)
	for from, to := range map[string]string{
		`"suppressed": {` + "\n      \"critical\": 1": `"suppressed": {` + "\n      \"critical\": 2",
		`"base": {` + "\n      \"critical\": 0":       `"base": {` + "\n      \"critical\": 3",
		`"arch": "",`:                                 `"arch": "", "group": "suppressed",`,
	} {
		changed := strings.Replace(text, from, to, 1)
		require.NotEqual(t, text, changed)
		_, err := report.Decode(strings.NewReader(changed))
		require.Error(t, err)
	}
}

func TestPackageLinesSayWhoBroughtThem(t *testing.T) {
	got := map[string]*report.IntroducedBy{}
	for _, l := range blamed().PackageLines() {
		got[l.Source.Name] = l.IntroducedBy
	}
	assert.Equal(t, map[string]*report.IntroducedBy{"glibc": fromBase(), "openssl": fromRun(), "zlib": fromRun(), "tool": fromCopy()}, got)
	assert.Nil(t, sample(t).PackageLines()[0].IntroducedBy)
}

// adviceText is the advice as the golden files have it.
func adviceText(r *report.Report) string {
	var b strings.Builder
	for _, a := range r.Advice {
		fmt.Fprintf(&b, "%s:%d %s\n  %s\n  %s\n  %d of %d %q\n", a.File, a.Line, a.Instruction, a.Text, a.Command, a.Fixes, a.Of, a.Packages)
	}
	return b.String()
}

func TestAdvise(t *testing.T) {
	r := blamed()
	golden(t, "advice.txt", []byte(adviceText(r)))

	newer := &report.Report{Resources: []report.Resource{
		binary("deb", "libc6", "glibc", nil, unfixed("CVE-2024-0002", "will-not-fix")),
	}}
	r.Advise(map[string]report.NewerBase{"debian:12": {Reference: "debian:12@sha256:00", Report: newer}})
	golden(t, "advice-newer.txt", []byte(adviceText(r)))

	// Of an image that was not read to the end, nothing is claimed.
	newer.Assessment.Unread = []string{"x"}
	r.Advise(map[string]report.NewerBase{"debian:12": {Reference: "debian:12@sha256:00", Report: newer}})
	golden(t, "advice.txt", []byte(adviceText(r)))

	empty := &report.Report{}
	empty.Advise(nil)
	assert.Empty(t, empty.Advice)
}

func TestAdviseCommands(t *testing.T) {
	for name, tc := range map[string]struct {
		format, os, version string
		packages            []string // the first has the vulnerability
		path                string
		want                string
	}{
		"debian":         {"deb", "debian", "12", []string{"g++-12"}, "var/lib/dpkg/status", "apt-get update && apt-get install -y --only-upgrade g++-12"},
		"distroless":     {"deb", "debian", "12", []string{"libssl3"}, "var/lib/dpkg/status.d/libssl3", ""},
		"alpine":         {"apk", "alpine", "3.20.1", []string{"py3-pip"}, "lib/apk/db/installed", "apk add --no-cache --upgrade py3-pip"},
		"wolfi":          {"apk", "wolfi", "", []string{"busybox"}, "lib/apk/db/installed", "apk add --no-cache --upgrade busybox"},
		"rhel 9":         {"rpm", "rhel", "9.4", []string{"libstdc++"}, "var/lib/rpm", "dnf upgrade -y libstdc++"},
		"rhel 9 minimal": {"rpm", "rhel", "9.4", []string{"libxml2", "microdnf"}, "var/lib/rpm", "microdnf update -y libxml2"},
		"centos 7":       {"rpm", "centos", "7.9", []string{"libxml2"}, "var/lib/rpm", "yum update -y libxml2"},
		"amazon 2":       {"rpm", "amazon", "2", []string{"libxml2"}, "var/lib/rpm", "yum update -y libxml2"},
		"amazon 2023":    {"rpm", "amazon", "2023", []string{"libxml2"}, "var/lib/rpm", "dnf upgrade -y libxml2"},
		"suse":           {"rpm", "suse", "15.5", []string{"libxml2"}, "var/lib/rpm", "zypper --non-interactive update libxml2"},
		"azurelinux":     {"rpm", "azurelinux", "3.0", []string{"libxml2"}, "var/lib/rpm", "tdnf update -y libxml2"},
		"unknown format": {"x", "x", "1", []string{"libxml2"}, "x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := &report.Report{OS: tc.os, Version: tc.version}
			for i, p := range tc.packages {
				res := binary(tc.format, p, p, nil)
				if i == 0 {
					res = binary(tc.format, p, p, nil, fixed("CVE-2024-1", severity.High))
				}
				res.Resource.Paths = []string{tc.path}
				r.Resources = append(r.Resources, res)
			}
			r.Advise(nil)
			require.Len(t, r.Advice, 1)
			assert.Equal(t, tc.want, r.Advice[0].Command)
			assert.Equal(t, 1, r.Advice[0].Fixes)
		})
	}
}

// Names of packages are the image's: what a shell or a package manager could take
// for anything but a name stands in no command.
func TestAdviseNamesNothingOdd(t *testing.T) {
	for _, name := range []string{
		"", "$(reboot)", "a b", "a;b", "a`b`", "-y", "--allow-unauthenticated", "apt-", "a=1", "a@edge", "a\nb", "a'b", "é", ".hidden", "!a", "a*", "a/b", "a\x1b[31m",
	} {
		r := &report.Report{OS: "debian", Resources: []report.Resource{
			binary("deb", name, "odd", nil, fixed("CVE-2024-1", severity.High)),
			binary("deb", "fine", "fine", nil, fixed("CVE-2024-2", severity.High)),
		}}
		r.Advise(nil)
		require.Len(t, r.Advice, 1)
		assert.Equal(t, "apt-get update && apt-get install -y --only-upgrade fine", r.Advice[0].Command, "%q", name)
		assert.Equal(t, 1, r.Advice[0].Fixes)
		assert.Contains(t, r.Advice[0].Text, "1 finding with a fix in packages whose names cannot stand in a command")
	}
}

func TestTableOfBlame(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer, *report.Report) error{
		"blamed.txt":         func(b *bytes.Buffer, r *report.Report) error { return report.Table{}.Write(b, r) },
		"blamed-failing.txt": func(b *bytes.Buffer, r *report.Report) error { return report.WriteFailing(b, r) },
		"blamed-color.txt":   func(b *bytes.Buffer, r *report.Report) error { return report.Table{Color: true}.Write(b, r) },
	} {
		var b bytes.Buffer
		require.NoError(t, write(&b, blamed()))
		golden(t, name, b.Bytes())
	}
}

// TestColorsChangeNothingElse takes the colours away again.
func TestColorsChangeNothingElse(t *testing.T) {
	var plain, colored bytes.Buffer
	require.NoError(t, report.Table{}.Write(&plain, blamed()))
	require.NoError(t, report.Table{Color: true}.Write(&colored, blamed()))
	text := colored.String()
	for _, code := range []string{"1;31", "0;31", "0;33", "0;36", "0;39", "0"} {
		text = strings.ReplaceAll(text, "\x1b["+code+"m", "")
	}
	assert.Equal(t, plain.String(), text)
}

func TestFailingTableIsShort(t *testing.T) {
	r := blamed()
	r.Notices = strings.Fields(strings.Repeat("note ", 8))
	for i := range 300 {
		by := *fromRun()
		by.Line = 100 + i
		r.Resources = append(r.Resources, binary("deb", strings.Repeat("n", 2000), fmt.Sprintf("s%d", i), &by, fixed("CVE-2024-1000", severity.Critical)))
	}
	for i := range 25 {
		r.NotAssessed = append(r.NotAssessed, report.NotAssessed{Path: fmt.Sprint("file", i), Reason: "odd"})
	}
	missing := len(r.NotAssessed)
	r.Judge(policy.Default())
	r.Advise(nil)
	var b bytes.Buffer
	require.NoError(t, report.WriteFailing(&b, r))
	assert.Contains(t, b.String(), "and 203 more\n")
	assert.Contains(t, b.String(), fmt.Sprintf("and %d more that were not assessed\n", missing-20))
	assert.Contains(t, b.String(), "and 3 more notes\n")
	assert.Contains(t, b.String(), "and 298 more instructions\n")
	assert.Contains(t, b.String(), "the report has the command, which is long\n")
	assert.Less(t, b.Len(), 20_000)
}

// TestTableOfHostileBlame has an escape sequence in everything that an image, a
// Dockerfile, an ignore list and a VEX document can say.
func TestTableOfHostileBlame(t *testing.T) {
	const evil = "\x1b]0;x\a\x1b[31m\r\n\t\u202e\u009b2J\xff"
	r := blamed()
	for i := range r.Resources {
		p := &r.Resources[i].Resource
		p.Name, p.Version, p.Source = p.Name+evil, evil, report.Source{Name: p.Source.Name + evil, Version: evil, FixVersion: evil}
		for j := range r.Resources[i].Vulnerabilities {
			v := &r.Resources[i].Vulnerabilities[j]
			v.Name, v.Status = v.Name+evil, evil
			v.IntroducedBy = &report.IntroducedBy{
				File: evil, Line: 1, Instruction: evil, Stage: evil, FromStage: evil, Base: v.IntroducedBy.Base, BaseImage: evil, BaseDigest: evil,
			}
			if v.Suppressed != nil {
				v.Suppressed = &report.Suppressed{By: evil, Reason: evil, Expires: evil, Status: evil, Justification: evil, Source: evil, Author: evil}
			}
		}
	}
	r.Notices = []string{evil}
	r.Judge(policy.Default())
	r.Advise(map[string]report.NewerBase{evil: {Reference: evil, Report: &report.Report{}}})
	for _, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return report.Table{}.Write(b, r) },
		func(b *bytes.Buffer) error { return report.WriteFailing(b, r) },
	} {
		var b bytes.Buffer
		require.NoError(t, write(&b))
		for line := range strings.SplitSeq(b.String(), "\n") {
			assert.Equal(t, report.Printable(line), line)
		}
	}
}

func BenchmarkWriteTable(b *testing.B) {
	r := blamed()
	for i := range 5000 {
		r.Resources = append(r.Resources, binary("deb", fmt.Sprint("p", i), fmt.Sprint("s", i), fromRun(), fixed(fmt.Sprint("CVE-2024-", i), severity.High)))
	}
	for b.Loop() {
		r.Judge(policy.Default())
		r.Advise(nil)
		require.NoError(b, report.Table{}.Write(&bytes.Buffer{}, r))
	}
}
