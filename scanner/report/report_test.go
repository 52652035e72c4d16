package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/severity"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

// sample is a report as a scan makes it: a vulnerability of a source package
// stands at each of its binaries.
func sample(t testing.TB) *report.Report {
	t.Helper()
	openssl := []report.Vulnerability{
		{
			Name: "CVE-2024-0001", Description: "A <b>hole</b> & more.", PublishDate: "2024-01-04",
			NVDScoreV3: 9.8, NVDVectorsV3: "CVSS:3.1/AV:N", NVDSeverityV3: "critical", NVDURL: "https://nvd.nist.gov/vuln/detail/CVE-2024-0001",
			FixVersion: "3.0.2", Solution: report.Solution("openssl", "3.0.2", false),
			Severity: severity.High, SeveritySource: "debian", Status: "fixed", VendorSeverity: "high",
			KnownExploited: true, KnownExploitedDate: "2024-02-01", EPSS: advisory.EPSS{Score: 0.00043, Percentile: 0.0911, Date: "2026-08-01"},
		},
		{Name: "CVE-2024-0002", Severity: severity.Medium, Status: "affected", NVDScoreV3: 5.1},
	}
	zlib := []report.Vulnerability{{Name: "CVE-2023-0009", Severity: severity.Critical, Status: "will-not-fix"}}
	pkg := func(name, version string, source report.Source, vulnerabilities []report.Vulnerability) report.Resource {
		return report.Resource{Scanned: true, Vulnerabilities: vulnerabilities, Resource: report.Package{
			Format: "deb", Name: name, Version: version, Arch: "amd64", CPE: report.CPE("debian", "12", name, version),
			NameHash: report.NameHash(name), Source: source, PURL: "pkg:deb/debian/" + name + "@" + version, Paths: []string{"var/lib/dpkg/status"},
		}}
	}
	source := report.Source{Name: "openssl", Version: "3.0.1", FixVersion: "3.0.2"}
	r := &report.Report{
		ScanStarted: report.TimestampOf(time.Unix(1700000000, 5)), OS: "debian", Version: "12",
		Resources: []report.Resource{
			pkg("adduser", "3.134", report.Source{Name: "adduser", Version: "3.134"}, nil),
			pkg("libssl3", "3.0.1", source, openssl),
			pkg("openssl", "3.0.1", source, openssl),
			pkg("zlib1g", "1:1.2", report.Source{Name: "zlib", Version: "1:1.2"}, zlib),
		},
		InitiatingUser: "token", DataDate: 1690000000, SchemaVersion: report.SchemaVersion, Scanner: "microscanner dev",
		Image:       report.Image{Reference: "example/app:1", Platform: "linux/amd64"},
		Database:    report.Database{Digest: "sha256:00", Built: time.Unix(1690000000, 0).UTC(), Feeds: []report.Feed{{Name: "debian", Rows: 3}}},
		NotAssessed: []report.NotAssessed{{Path: "lib/apk/db/installed", Reason: "this package database does not belong to Debian 12"}},
	}
	r.Judge(policy.Default())
	return r
}

func writeJSON(t testing.TB, r *report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, report.WriteJSON(&b, r))
	return b.Bytes()
}

func TestWriteJSON(t *testing.T) {
	got := writeJSON(t, sample(t))
	golden(t, "report.json", got)
	assert.True(t, strings.HasPrefix(string(got), "{\n  \"scan_started\":"), "what callers look for")
}

func TestWriteJSONIsWhatEncodingJSONGives(t *testing.T) {
	for name, r := range map[string]*report.Report{"sample": sample(t), "empty": {}} {
		want, err := json.MarshalIndent(r, "", "  ")
		require.NoError(t, err)
		// A list that nobody made is an empty list.
		want = regexp.MustCompile(`("(resources|checks_performed|feeds|not_assessed)"): null`).ReplaceAll(want, []byte("$1: []"))
		assert.Equal(t, string(want)+"\n", string(writeJSON(t, r)), name)
	}
}

func TestWriteJSONEscapesWhatATerminalObeys(t *testing.T) {
	const evil = "\x1b[31m \u009b31m \u202e \u2066 \u007f \U000e0001 ok é"
	r := sample(t)
	r.Resources[1].Vulnerabilities[0].Description = evil
	got := writeJSON(t, r)
	assert.Contains(t, string(got), `"\u001b[31m \u009b31m \u202e \u2066 \u007f \udb40\udc01 ok é"`)
	back, err := report.Decode(bytes.NewReader(got))
	require.NoError(t, err)
	assert.Equal(t, evil, back.Resources[1].Vulnerabilities[0].Description)
}

func TestDecode(t *testing.T) {
	want := sample(t)
	got, err := report.Decode(bytes.NewReader(writeJSON(t, want)))
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func TestDecodeRefuses(t *testing.T) {
	text := string(writeJSON(t, sample(t)))
	for name, tc := range map[string]struct{ text, want string }{
		"empty":      {"", "not a JSON document of this program"},
		"truncated":  {text[:len(text)/2], "not a JSON document of this program"},
		"two":        {text + text, "something follows behind its end"},
		"schema":     {strings.Replace(text, `"schema_version": "1.2"`, `"schema_version": "2.0"`, 1), `the report has schema version "2.0"; this program reads 1.x`},
		"no schema":  {"{}", `the report has schema version ""; this program reads 1.x`},
		"exit code":  {strings.Replace(text, `"exit_code": 4`, `"exit_code": 3`, 1), "the exit code 3, which has no meaning"},
		"pass":       {strings.Replace(text, `"pass": false`, `"pass": true`, 1), "contradicts itself: pass is true, exit_code is 4"},
		"count":      {strings.Replace(text, `"medium": 1,`+"\n      \"low\": 0", `"medium": 0,`+"\n      \"low\": 0", 1), "contradicts itself: it holds 3 findings, its verdict counts 2"},
		"failing":    {strings.Replace(strings.Replace(text, `"exit_code": 4`, `"exit_code": 0`, 1), `"pass": false`, `"pass": true`, 1), "contradicts itself: it passes with 2 findings that fail"},
		"severities": {strings.Replace(text, `"medium": 1,`+"\n      \"low\": 0", `"medium": 0,`+"\n      \"low\": 1", 1), "contradicts itself: it holds 1 critical"},
		"severity":   {strings.Replace(text, `"severity": "critical"`, `"severity": "dire"`, 1), `severity "dire" is none of`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := report.Decode(strings.NewReader(tc.text))
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// endless is a report that never ends.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.n += len(p)
	return len(p), nil
}

func TestDecodeIsBounded(t *testing.T) {
	r := &endless{}
	_, err := report.Decode(r)
	require.EqualError(t, err, "the report is larger than 128 MiB")
	assert.LessOrEqual(t, r.n, report.MaxSize+1<<20)
}

// TestDecodeBoundsElements: a few bytes of JSON may be many in memory.
func TestDecodeBoundsElements(t *testing.T) {
	const many = 1_000_001
	fields := make([]string, 0, many)
	for i := range many {
		fields = append(fields, fmt.Sprintf(`"%d":{}`, i))
	}
	for name, text := range map[string]string{
		"a list":          `{"resources":[` + strings.Repeat("{},", many),
		"of odd elements": `{"resources":[{"vulnerabilities":[` + strings.Repeat("0,", many),
		"lists":           `{"resources":[{"resource":` + strings.Repeat(`{"paths":[]},"resource":`, many),
		"a mapping":       `{"policy":{` + strings.Join(fields, ",") + ",",
		"depth":           strings.Repeat(`{"resources":[`, 32),
	} {
		_, err := report.Decode(strings.NewReader(text))
		require.ErrorContains(t, err, "it has more than 1000000 elements, or some more than 63 deep in each other", name)
	}

	want := sample(t)
	want.Resources[1].Vulnerabilities[0].Description = strings.Repeat(`,[{"\`, many) // in a text they are none
	got, err := report.Decode(bytes.NewReader(writeJSON(t, want)))
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func TestWriteJSONIsBounded(t *testing.T) {
	r := sample(t)
	v := r.Resources[3].Vulnerabilities[0]
	v.Description = strings.Repeat("x", 1<<20)
	r.Resources[3].Vulnerabilities = slices.Repeat([]report.Vulnerability{v}, 128)
	require.EqualError(t, report.WriteJSON(io.Discard, r), "the report is larger than 128 MiB")
	r.Resources[3].Vulnerabilities = r.Resources[3].Vulnerabilities[:127]
	require.NoError(t, report.WriteJSON(io.Discard, r))
}

func TestFindings(t *testing.T) {
	source := report.Source{Name: "openssl", Version: "3.0.1", FixVersion: "3.0.2"}
	want := []report.Finding{
		{ID: "CVE-2023-0009", Severity: severity.Critical, Source: report.Source{Name: "zlib", Version: "1:1.2"}, Binaries: []string{"zlib1g"}, Status: "will-not-fix"},
		{ID: "CVE-2024-0001", Severity: severity.High, Source: source, Binaries: []string{"libssl3", "openssl"}, Fixed: "3.0.2", Status: "fixed"},
		{ID: "CVE-2024-0002", Severity: severity.Medium, Source: source, Binaries: []string{"libssl3", "openssl"}, Status: "affected"},
	}
	assert.Equal(t, want, plain(sample(t).Findings()))
	failing, err := sample(t).Failing()
	require.NoError(t, err)
	assert.Equal(t, want[:2], plain(failing))
}

// TestFindingsOfBinaries has advisories on binaries: one source package, fixed in
// versions of its binaries that differ.
func TestFindingsOfBinaries(t *testing.T) {
	vulnerability := func(id, fixed, status string, s severity.Severity) report.Vulnerability {
		return report.Vulnerability{Name: id, FixVersion: fixed, Status: status, Severity: s}
	}
	binary := func(name, fix string, group report.Group, v ...report.Vulnerability) report.Resource {
		source := report.Source{Name: "kernel", Version: "5.14.0-1.el9", FixVersion: fix}
		return report.Resource{Vulnerabilities: v, Resource: report.Package{Format: "rpm", Name: name, Source: source, Group: group}}
	}
	r := &report.Report{Resources: []report.Resource{
		binary("kernel-headers", "5.14.0-9.el9", report.GroupKernelHeaders,
			vulnerability("CVE-1", "5.14.0-9.el9", "fixed", severity.Low),
			vulnerability("CVE-2", "5.14.0-9.el9", "fixed", severity.High),
			vulnerability("CVE-3", "", "under-investigation", severity.High)),
		binary("bpftool", "7.2-10.el9", "",
			vulnerability("CVE-1", "7.2-10.el9", "fixed", severity.High),
			vulnerability("CVE-4", "", "under-investigation", severity.Critical)),
		binary("kernel-core", "5.14.0-10.el9", "",
			vulnerability("CVE-1", "5.14.0-10.el9", "fixed", severity.Medium),
			vulnerability("CVE-4", "", "affected", severity.Low)),
	}}
	source := report.Source{Name: "kernel", Version: "5.14.0-1.el9", FixVersion: "7.2-10.el9"}
	assert.Equal(t, []report.Finding{
		{ID: "CVE-4", Severity: severity.Critical, Source: source, Binaries: []string{"bpftool", "kernel-core"}, Status: "affected"},
		{ID: "CVE-1", Severity: severity.High, Source: source, Binaries: []string{"bpftool", "kernel-core", "kernel-headers"}, Fixed: "7.2-10.el9", Status: "fixed"},
	}, plain(r.Findings()))
	assert.Equal(t, []report.Finding{
		{ID: "CVE-2", Severity: severity.High, Source: source, Binaries: []string{"kernel-headers"}, Fixed: "5.14.0-9.el9", Status: "fixed", Group: report.GroupKernelHeaders},
	}, plain(r.FindingsOf(report.GroupKernelHeaders)))
	assert.Len(t, r.FindingsOf(report.GroupUnderInvestigation), 1)
	assert.Len(t, r.PackageLines(), 1)

	r.Resources[0].Vulnerabilities[1].NVDScoreV3 = 9.8 // CVE-2, of the headers
	report.Summarise(r, policy.Never)
	assert.Zero(t, r.VulnerabilitySummary.MaxScore)

	var b bytes.Buffer
	require.NoError(t, report.Table{}.Write(&b, r))
	golden(t, "groups.txt", b.Bytes())
}

// plain takes away what stands in the report anyway.
func plain(findings []report.Finding) []report.Finding {
	for i := range findings {
		findings[i].Details = nil
	}
	return findings
}

func TestNeedsProIsNoFix(t *testing.T) {
	r := sample(t)
	v := &r.Resources[1].Vulnerabilities[0]
	v.Status = "needs-pro"
	r.Policy["ignore-unfixed"] = policy.Value{Value: "true"}
	failing, err := r.Failing()
	require.NoError(t, err)
	assert.Empty(t, failing)
	var b bytes.Buffer
	require.NoError(t, report.Table{}.Write(&b, r))
	assert.Contains(t, b.String(), "3.0.2 (Pro)\n")
	assert.Equal(t, "Upgrade package openssl to version 3.0.2 or above, which needs Ubuntu Pro.", report.Solution("openssl", "3.0.2", true))
	r.Judge(policy.Default())
	assert.Zero(t, r.VulnerabilitySummary.MaxFixableScore)
}

func TestSummary(t *testing.T) {
	assert.Equal(t, report.VulnerabilitySummary{
		Total: 3, High: 2, Medium: 1, ScoreAverage: 7.45, MaxScore: 9.8, MaxFixableScore: 9.8, MaxFixableSeverity: "high",
	}, sample(t).VulnerabilitySummary)

	r := &report.Report{Verdict: policy.Verdict{Counts: policy.Counts{Critical: 1, High: 2, Medium: 4, Low: 8, Negligible: 16, Unknown: 32}}}
	report.Summarise(r, policy.Never)
	assert.Equal(t, report.VulnerabilitySummary{Total: 15, High: 3, Medium: 4, Low: 8, Negligible: 48}, r.VulnerabilitySummary)
	assert.Empty(t, r.ImageAssurance.ChecksPerformed)

	// A vulnerability counts once for a source package, however many binaries.
	r = sample(t)
	r.Resources[3].Vulnerabilities[0].NVDScoreV3 = 2
	report.Summarise(r, policy.Never)
	assert.InDelta(t, (9.8+5.1+2)/3, r.VulnerabilitySummary.ScoreAverage, 0.01)
}

func TestPackageLines(t *testing.T) {
	var texts []string
	for _, l := range sample(t).PackageLines() {
		texts = append(texts, l.Text)
	}
	assert.Equal(t, []string{
		"zlib 1:1.2 no fix: 1 critical (CVE-2023-0009)",
		"openssl 3.0.1 -> 3.0.2: 1 high, 1 medium (CVE-2024-0001, CVE-2024-0002)",
	}, texts)
}

func TestPackageLinesNameFewIDs(t *testing.T) {
	r := &report.Report{}
	res := report.Resource{Resource: report.Package{Name: "p", Source: report.Source{Name: "p\x1b", Version: "1"}}}
	for _, id := range strings.Fields("H G F E D C B A") {
		res.Vulnerabilities = append(res.Vulnerabilities, report.Vulnerability{Name: id, Severity: severity.Low})
	}
	r.Resources = append(r.Resources, res)
	assert.Equal(t, `p\x1b 1 no fix: 8 low (A, B, C, D, E and 3 more)`, r.PackageLines()[0].Text)
}

func TestWriteTable(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, report.Table{}.Write(&b, sample(t)))
	golden(t, "report.txt", b.Bytes())

	b.Reset()
	require.NoError(t, report.WriteFailing(&b, sample(t)))
	golden(t, "failing.txt", b.Bytes())
}

func TestWriteTableIsHarmless(t *testing.T) {
	r := sample(t)
	const evil = "\x1b]0;x\a\r\n\u202e" + "ｗｉｄｅ"
	r.OS, r.Image.Reference, r.Verdict.Reason, r.NotAssessed[0].Path = evil, evil, evil, evil
	r.Resources[3].Vulnerabilities[0].Name = evil
	r.Resources[3].Resource.Source = report.Source{Name: evil + strings.Repeat("x", 500), Version: evil, FixVersion: evil}
	var b bytes.Buffer
	require.NoError(t, report.Table{}.Write(&b, r))
	for i, line := range strings.Split(b.String(), "\n") {
		assert.Equal(t, report.Printable(line), line)
		if i >= 2 && i <= 6 {
			assert.Less(t, len(line), 140)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain é 漢字":      "plain é 漢字",
		"\x1b[2J":         `\x1b[2J`,
		"a\nb\tc":         `a\nb\tc`,
		"\u202eabc\u2066": `\u202eabc\u2066`,
		"\u0085\u009b":    `\u0085\u009b`,
		"bad \xff utf8":   `bad \xff utf8`,
		"\ufffd":          "\ufffd",
		"\U000e0001":      `\U000e0001`,
	} {
		assert.Equal(t, want, report.Printable(in))
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("\x1b[31m\xff\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		once := report.Printable(s)
		assert.Equal(t, once, report.Printable(once))
		for _, r := range once {
			assert.False(t, r < ' ' || r >= 0x7f && r < 0xa0, "%q", r)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(writeJSON(f, sample(f)))
	f.Add([]byte(`{"schema_version":"1.1","verdict":{"pass":true},"policy":{"x":{}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := report.Decode(bytes.NewReader(text))
		if err != nil {
			return
		}
		r2, err := report.Decode(bytes.NewReader(writeJSON(t, r)))
		require.NoError(t, err)
		assert.Equal(t, r.Findings(), r2.Findings())
		require.NoError(t, report.Table{}.Write(&bytes.Buffer{}, r))
	})
}

func BenchmarkWriteJSON(b *testing.B) {
	r := sample(b)
	many := r.Resources[1].Vulnerabilities
	for len(many) < 5000 {
		many = append(many, many...)
	}
	r.Resources[3].Vulnerabilities = many[:5000]
	for b.Loop() {
		require.NoError(b, report.WriteJSON(io.Discard, r))
	}
}
