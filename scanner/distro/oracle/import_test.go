package oracle_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/oracle"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/feedtest"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// importText imports a document and gives its records, valid and sorted.
func importText(t testing.TB, text string) ([]advisory.Record, feed.Stats, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "oval.xml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return importFile(t, path)
}

func importFile(t testing.TB, path string) ([]advisory.Record, feed.Stats, error) {
	t.Helper()
	src, err := feed.NewSource(path, feed.Options{})
	require.NoError(t, err)
	var got []advisory.Record
	stats, err := oracle.Import(context.Background(), src, func(r advisory.Record) error {
		r.Normalize()
		assert.NoError(t, r.Validate())
		assert.Equal(t, "oracle", r.Distro)
		assert.Equal(t, advisory.Binary, r.Kind)
		assert.Equal(t, advisory.StatusFixed, r.Status)
		got = append(got, r)
		return nil
	})
	assert.Len(t, got, stats.Rows)
	return got, stats, err
}

// lines writes records as "release package module id fixed arches products".
func lines(records []advisory.Record) []string {
	out := []string{}
	for _, r := range records {
		out = append(out, strings.Join([]string{
			r.Release, r.Package, r.Module, r.ID, r.Fixed, strings.Join(r.Arches, ","), strings.Join(r.CPEs, ","),
		}, " "))
	}
	slices.Sort(out)
	return out
}

// advisoryXML is a definition with the criteria in a short form.
func advisoryXML(id, metadata, criteria string) string {
	return `<definition id="oval:x:def:1" class="patch"><metadata><title>
` + id + `:  example security update (LOW)
</title><reference source="elsa" ref_id="` + id + `" ref_url="https://linux.oracle.com/errata/` + id + `.html"/>
` + metadata + `</metadata>` + criteria + `</definition>`
}

const cve1 = `<reference source="CVE" ref_id="CVE-2024-0001" ref_url="https://linux.oracle.com/cve/CVE-2024-0001.html"/>`

// document writes definitions whose criteria have only comments, in the words
// that Oracle uses, with the tests that Oracle has for those words.
func document(definitions ...string) string { return withTests(strings.Join(definitions, "\n")) }

func crit(comment string) string { return `<criterion test_ref="" comment="` + comment + `"/>` }

func and(parts ...string) string {
	return `<criteria operator="AND">` + strings.Join(parts, "") + `</criteria>`
}

func or(parts ...string) string {
	return `<criteria operator="OR">` + strings.Join(parts, "") + `</criteria>`
}

func older(name, evr string) string {
	return and(crit(name+" is earlier than "+evr), crit(name+" is signed with the Oracle Linux 8 key"))
}

func os8(parts ...string) string {
	return and(append([]string{crit("Oracle Linux 8 is installed")}, parts...)...)
}

func arch(name string, parts ...string) string {
	return and(append([]string{crit("Oracle Linux arch is " + name)}, parts...)...)
}

const (
	bits32 = "athlon,i386,i486,i586,i686"
	x86    = bits32 + ",x86_64"
)

func TestAdvisory(t *testing.T) {
	records, stats, err := importText(t, document(advisoryXML("ELSA-2024-0001", cve1+`
		<reference source="CVE" ref_id="CVE-2024-0002" ref_url="https://linux.oracle.com/cve/CVE-2024-0002.html"/>
		<advisory><severity>MODERATE</severity><issued date="2024-01-02"/>
		<cve cvss3="7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H" public="20231231">CVE-2024-0001</cve>
		<cve cvss2="7.8/AV:N/AC:L/Au:N/C:N/I:N/A:C" href="https://linux.oracle.com/cve/CVE-2024-0003.html">CVE-2024-0003</cve></advisory>`,
		os8(arch("aarch64", or(older("bash", "0:4.4-2.el8")))))))
	require.NoError(t, err)
	assert.Empty(t, stats.Problems)
	want := advisory.Record{
		ID: "CVE-2024-0001", Distro: "oracle", Release: "8", Package: "bash", Kind: advisory.Binary, Status: advisory.StatusFixed,
		Fixed: "4.4-2.el8", Severity: severity.Medium, Arches: []string{"aarch64"}, Aliases: []string{"ELSA-2024-0001"},
		Published: "2023-12-31", URL: "https://linux.oracle.com/cve/CVE-2024-0001.html",
		CVSS: &advisory.CVSS{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Score: 7.5, Source: "oracle"},
	}
	require.Len(t, records, 3)
	assert.Equal(t, want, records[0])
	assert.Equal(t, "CVE-2024-0002", records[1].ID)
	assert.Nil(t, records[1].CVSS)
	assert.Equal(t, "CVE-2024-0003", records[2].ID)
	assert.Equal(t, &advisory.CVSS{Version: "2.0", Vector: "AV:N/AC:L/Au:N/C:N/I:N/A:C", Score: 7.8, Source: "oracle"}, records[2].CVSS)
	assert.Equal(t, "https://linux.oracle.com/cve/CVE-2024-0003.html", records[2].URL)
}

// An address that is none hides no vulnerability.
func TestBadAddress(t *testing.T) {
	records, _, err := importText(t, document(advisoryXML("ELSA-2024-0001",
		strings.Replace(cve1, "https://", "", 1)+`<advisory><cve href="x">CVE-2024-0002</cve></advisory>`, os8(older("bash", "0:4.4-2.el8")))))
	require.NoError(t, err)
	require.Len(t, records, 2) // Each of which is valid.
	assert.Empty(t, records[0].URL+records[1].URL)
}

func TestSeverity(t *testing.T) {
	for element, want := range map[string]severity.Severity{
		"":                               severity.Low, // from the title
		"<severity>N/A</severity>":       severity.Unknown,
		"<severity>LOW</severity>":       severity.Low,
		"<severity>MODERATE</severity>":  severity.Medium,
		"<severity>IMPORTANT</severity>": severity.High,
		"<severity>CRITICAL</severity>":  severity.Critical,
	} {
		records, _, err := importText(t, document(advisoryXML("ELSA-2024-0001", cve1+"<advisory>"+element+"</advisory>", os8(older("bash", "0:1-1")))))
		require.NoError(t, err)
		assert.Equal(t, want, records[0].Severity, element)
	}
}

// A definition may have several releases, architectures and modules: each
// version is for those that stand above it, or beside it, and for no others.
func TestTrap19BranchesOfOracle(t *testing.T) {
	records, stats, err := importText(t, document(advisoryXML("ELSA-2024-0001", cve1, or(
		os8(or(
			arch("x86_64", or(older("rsyslog", "0:8-57.3.el8"))),
			arch("aarch64", or(older("rsyslog", "0:8-57.0.4.el8"), older("rsyslog-gnutls", "0:8-57.0.4.el8"))),
		)),
		and(crit("Oracle Linux 10 is installed"), or(arch("x86_64", older("rsyslog", "1:9-1.el10")))),
		// Of systems of 32 bits, this advisory speaks apart.
		and(crit("Oracle Linux 5 is installed"), or(
			arch("i386", older("rsyslog", "0:5-1.el5")), arch("x86_64", older("rsyslog", "0:5-2.el5")), arch("ia64", older("rsyslog", "0:5-2.el5")),
		)),
	))))
	require.NoError(t, err)
	assert.Empty(t, stats.Problems)
	assert.Equal(t, []string{
		"10 rsyslog  CVE-2024-0001 1:9-1.el10 " + x86 + " ",
		"5 rsyslog  CVE-2024-0001 5-1.el5 " + bits32 + " ",
		"5 rsyslog  CVE-2024-0001 5-2.el5 ia64,x86_64 ",
		"8 rsyslog  CVE-2024-0001 8-57.0.4.el8 aarch64 ",
		"8 rsyslog  CVE-2024-0001 8-57.3.el8 " + x86 + " ",
		"8 rsyslog-gnutls  CVE-2024-0001 8-57.0.4.el8 aarch64 ",
	}, lines(records))
}

// The criterion of the module may come before or after the packages.
func TestModules(t *testing.T) {
	for _, criteria := range []string{
		os8(arch("aarch64", and(crit("Module nodejs:18 is enabled"), or(older("npm", "1:2-1"))))),
		os8(arch("aarch64", and(or(older("npm", "1:2-1")), and(crit("Module nodejs:18 is enabled"))))),
	} {
		records, stats, err := importText(t, document(
			advisoryXML("ELSA-2024-0001", cve1, criteria),
			advisoryXML("ELSA-2024-0002", cve1, os8(arch("aarch64", or(
				and(crit("Module virt:kvm_utils3 is enabled"), older("npm", "1:3-1")),
				and(crit("Module virt-devel:2.4 is enabled"), older("npm", "1:4-1")),
				older("npm", "1:5-1"),
			))))))
		require.NoError(t, err)
		assert.Empty(t, stats.Problems)
		assert.Equal(t, []string{
			"8 npm  CVE-2024-0001 1:5-1 aarch64 ",
			"8 npm nodejs:18 CVE-2024-0001 1:2-1 aarch64 ",
			"8 npm virt-devel:2.4 CVE-2024-0001 1:4-1 aarch64 ",
			"8 npm virt:kvm_utils3 CVE-2024-0001 1:3-1 aarch64 ",
		}, lines(records))
	}
}

func TestWhatIsNoVulnerability(t *testing.T) {
	bug := advisoryXML("ELBA-2024-0001", cve1, os8(older("bash", "0:1-1")))
	noCVE := advisoryXML("ELSA-2024-0002", "", os8(older("bash", "0:1-1")))
	inventory := strings.Replace(advisoryXML("ELSA-2024-0003", cve1, os8(older("bash", "0:1-1"))), `class="patch"`, `class="inventory"`, 1)
	badID := advisoryXML("ELSA-2024-0004", `<reference source="CVE" ref_id="CVE-PENDING"/>`, os8(older("bash", "0:1-1")))
	good := advisoryXML("ELSA-2024-0005", cve1, os8(older("bash", "0:1-1")))
	records, stats, err := importText(t, document(bug, noCVE, inventory, badID, good))
	require.NoError(t, err)
	assert.Equal(t, []string{"8 bash  CVE-2024-0001 1-1  "}, lines(records))
	assert.Zero(t, stats.Malformed)
}

// What cannot be read is counted, and does not take the rest with it.
func TestMalformedAdvisories(t *testing.T) {
	for name, c := range map[string]struct{ criteria, reason string }{
		"test":     {crit("this is not a test"), "there is no test"},
		"version":  {older("zsh", "0:-1"), "zsh: invalid rpm version"},
		"release":  {and(older("zsh", "0:1-1"), crit("Oracle Linux 9 is installed")), `the criteria ask for "8" and for "9" at once`},
		"nothing":  {and(), "there are criteria without a package"},
		"operator": {strings.Replace(older("zsh", "0:1-1"), "AND", "XOR", 1), `criteria with the operator "XOR" cannot be understood`},
		"negated":  {strings.Replace(older("zsh", "0:1-1"), "<criterion", `<criterion negate="true"`, 1), "cannot be understood"},
		"newer":    {crit("zsh is later than 0:1-1"), "it cannot be told from which version on zsh is fixed"},
		"module":   {and(crit("Module odd is enabled"), older("zsh", "0:1-1")), "cannot be understood"},
		"pattern":  {and(crit("Oracle Linux arch is (a|b)"), older("zsh", "0:1-1")), "cannot be understood"},
	} {
		t.Run(name, func(t *testing.T) {
			good := advisoryXML("ELSA-2024-0002", cve1, os8(older("bash", "0:1-1")))
			records, stats, err := importText(t, document(advisoryXML("ELSA-2024-0001", cve1, os8(c.criteria)), good))
			require.NoError(t, err)
			assert.Equal(t, []string{"8 bash  CVE-2024-0001 1-1  "}, lines(records))
			require.Equal(t, 1, stats.Malformed, "%v", stats.Problems)
			assert.Equal(t, "oval.xml: ELSA-2024-0001", stats.Problems[0].Where)
			assert.Contains(t, stats.Problems[0].Reason, c.reason)
		})
	}
	// One bad branch leaves the others.
	records, stats, err := importText(t, document(advisoryXML("ELSA-2024-0001", cve1, os8(or(older("zsh", "0:-1"), older("bash", "0:1-1"))))))
	require.NoError(t, err)
	assert.Equal(t, []string{"8 bash  CVE-2024-0001 1-1  "}, lines(records))
	assert.Equal(t, 1, stats.Malformed)
	// Without a release, and without a name.
	bare := advisoryXML("ELSA-2024-0001", cve1, older("zsh", "0:1-1"))
	_, stats, err = importText(t, document(bare, strings.NewReplacer("ELSA-2024-0001", "hello", "elsa", "x").Replace(bare)))
	assert.ErrorContains(t, err, "oval.xml: this is not Oracle's OVAL: no advisory is in it")
	require.Equal(t, 2, stats.Malformed)
	assert.Equal(t, "oval.xml: ELSA-2024-0001: it is not said for which release zsh is", stats.Problems[0].String())
	assert.Equal(t, "oval.xml: oval:x:def:1: there is no reference to an advisory", stats.Problems[1].String())
}

func TestAnotherKindOfDocument(t *testing.T) {
	for text, want := range map[string]string{
		"<html></html>":       "oval.xml: this is not an OVAL document",
		"<oval_definitions/>": "oval.xml: this is not Oracle's OVAL: no advisory is in it",
		`{"definitions":[]}`:  "oval.xml: this is not an OVAL document",
		"":                    "oval.xml: this is not an OVAL document",
	} {
		_, _, err := importText(t, text)
		assert.ErrorContains(t, err, want, text)
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(document(advisoryXML("ELSA-2024-0001", cve1, os8(arch("x86_64", and(crit("Module nodejs:18 is enabled"), older("npm", "1:2-1"))))))))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "oval.xml")
		require.NoError(t, os.WriteFile(path, text, 0o600))
		src, err := feed.NewSource(path, feed.Options{})
		require.NoError(t, err)
		rows := 0
		stats, err := oracle.Import(context.Background(), src, func(r advisory.Record) error {
			rows++
			assert.NotEmpty(t, r.Release)
			assert.NotEmpty(t, r.Package)
			assert.NotEmpty(t, r.Fixed)
			return nil
		})
		assert.Equal(t, rows, stats.Rows)
		if err == nil {
			assert.Positive(t, rows)
		}
	})
}

func TestHostileServers(t *testing.T) {
	doc := document(advisoryXML("ELSA-2024-0001", cve1, os8(arch("x86_64", older("bash", "0:1-1")))))
	feedtest.Hostile(t, oracle.Distro().Feeds[0], map[string][]byte{"/com.oracle.elsa-all.xml.bz2": []byte(doc)}, "/com.oracle.elsa-all.xml.bz2")
}
