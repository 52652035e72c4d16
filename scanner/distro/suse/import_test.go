package suse_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/suse"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/feedtest"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// doc makes a document: each test is written "name condition", where the
// condition is "==15.2" for a version, "<1-2" or ">0:0-0" or ">=20210101-0" for
// an EVR, "signed", and may have architectures after a space.
type doc struct {
	definitions, tests, objects, states strings.Builder
	count                               int
}

func (d *doc) test(text string) string {
	d.count++
	n := d.count
	name, condition, _ := strings.Cut(text, " ")
	condition, arch, _ := strings.Cut(condition, " ")
	state := ""
	switch {
	case condition == "signed":
		state = `<signature_keyid operation="equals">b88b2fd43dbdc284</signature_keyid>`
	case strings.HasPrefix(condition, "=="):
		state = `<version operation="equals">` + condition[2:] + `</version>`
	case strings.HasPrefix(condition, ">="):
		state = `<evr operation="greater than or equal">0:` + condition[2:] + `</evr>`
	case strings.HasPrefix(condition, ">"):
		state = `<evr operation="greater than">` + condition[1:] + `</evr>`
	case strings.HasPrefix(condition, "<"):
		state = `<evr operation="less than">` + condition[1:] + `</evr>`
	}
	if arch != "" {
		state += `<arch operation="pattern match">` + arch + `</arch>`
	}
	fmt.Fprintf(&d.tests, `<rpminfo_test id="t:%d"><object object_ref="o:%d"/><state state_ref="s:%d"/></rpminfo_test>`, n, n, n)
	fmt.Fprintf(&d.objects, `<rpminfo_object id="o:%d"><name>%s</name></rpminfo_object>`, n, name)
	fmt.Fprintf(&d.states, `<rpminfo_state id="s:%d">%s</rpminfo_state>`, n, state)
	return fmt.Sprintf(`<criterion test_ref="t:%d"/>`, n)
}

func (d *doc) group(operator string, tests ...string) string {
	out := `<criteria operator="` + operator + `">`
	for _, t := range tests {
		if strings.HasPrefix(t, "<criteri") {
			out += t
		} else {
			out += d.test(t)
		}
	}
	return out + "</criteria>"
}

func (d *doc) or(tests ...string) string  { return d.group("OR", tests...) }
func (d *doc) and(tests ...string) string { return d.group("AND", tests...) }

func (d *doc) define(id, metadata, criteria string) {
	fmt.Fprintf(&d.definitions, `<definition class="vulnerability" id="def"><metadata><title>%s</title>%s</metadata>%s</definition>`, id, metadata, criteria)
}

func (d *doc) String() string {
	return "<oval_definitions><definitions>" + d.definitions.String() + "</definitions><tests>" + d.tests.String() +
		"</tests><objects>" + d.objects.String() + "</objects><states>" + d.states.String() + "</states></oval_definitions>"
}

func importAll(t testing.TB, location string) ([]advisory.Record, feed.Stats, error) {
	t.Helper()
	src, err := feed.NewSource(location, feed.Options{})
	require.NoError(t, err)
	var got []advisory.Record
	stats, err := suse.Import(context.Background(), src, func(r advisory.Record) error {
		r.Normalize()
		assert.NoError(t, r.Validate())
		got = append(got, r)
		return nil
	})
	assert.Len(t, got, stats.Rows)
	return got, stats, err
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func lines(records []advisory.Record) []string {
	out := []string{}
	for _, r := range records {
		cpes := strings.ReplaceAll(strings.Join(r.CPEs, ","), "cpe:/o:", "")
		out = append(out, strings.Join([]string{r.Release, r.Package, string(r.Status), r.Fixed, strings.Join(r.Arches, ","), cpes}, " "))
	}
	slices.Sort(out)
	return out
}

func TestProductsArchitecturesAndStates(t *testing.T) {
	var d doc
	d.define("CVE-2024-0001", "", d.or(
		d.and(d.or("sles-release ==15.3", "sled-release ==15.3", "SUSE-Manager-Server-release ==4.2"), d.or(d.and("tar <1.34-1 (aarch64|x86_64)", "tar signed"), "tar-lang <1.34-1 noarch")),
		d.and("sles-release ==15", "tar >0:0-0"),
		d.and("sles-ltss-release ==15.1", "tar <1:1.30-2"),
		d.and("sle-module-development-tools-release ==15.4", "tar-tests <0:1.34-2"),
		d.and(d.or("SUSE-MicroOS-release ==5.2", "SLE-Micro-release ==5.5", "SL-Micro-release ==6.0"), "tar <1-1"),
		d.and("openSUSE-release ==15.2", "tar <1-2"), d.and("openSUSE-release ==42.3", "tar <1-3"),
		d.and("openSUSE-release ==5.2", "tar <1-4"), d.and("openSUSE-release >=20210101-0", "tar <1-5"),
		d.and("sles-release ==16.0", "tar <1-6"),
		d.and("SUSE-Manager-Server-release ==4.2", "tar <9-9"),
	))
	records, stats, err := importAll(t, write(t, t.TempDir(), "suse.linux.enterprise.15.xml", d.String()))
	require.NoError(t, err)
	assert.Empty(t, stats.Problems)
	assert.Equal(t, []string{
		"15.0 tar affected   suse:sles:15",
		"15.1 tar fixed 1:1.30-2  suse:sles-ltss:15:sp1",
		"15.2 tar fixed 1-2  opensuse:leap:15.2",
		"15.3 tar fixed 1.34-1 aarch64,x86_64 suse:sled:15:sp3,suse:sles:15:sp3",
		"15.3 tar-lang fixed 1.34-1 noarch suse:sled:15:sp3,suse:sles:15:sp3",
		"15.4 tar-tests fixed 1.34-2  suse:sle_hpc:15:sp4,suse:sled:15:sp4,suse:sles:15:sp4,suse:sles_sap:15:sp4",
		"16.0 tar fixed 1-6  suse:sles:16.0",
		"42.3 tar fixed 1-3  opensuse:leap:42.3",
		"5.2 tar fixed 1-1  suse:sle-micro:5.2", "5.5 tar fixed 1-1  suse:sle-micro:5.5", "6.0 tar fixed 1-1  suse:sle-micro:6.0",
		"tumbleweed tar fixed 1-5  opensuse:tumbleweed",
	}, lines(records))
}

// "Greater than 0:0-0" says that there is no fix; "is 0" that the package is
// not affected.
func TestTwoZeros(t *testing.T) {
	var d doc
	d.define("CVE-2024-0001", "", d.and("sles-release ==15.3", d.or("a >0:0-0", "b ==0", "c <0:0-1")))
	records, stats, err := importAll(t, write(t, t.TempDir(), "x.xml", d.String()))
	require.NoError(t, err)
	assert.Empty(t, stats.Problems)
	assert.Equal(t, []string{"15.3 a affected   suse:sles:15:sp3", "15.3 c fixed 0-1  suse:sles:15:sp3"}, lines(records))
}

func TestDetails(t *testing.T) {
	var d doc
	d.define("CVE-2024-0001", `<description>a flaw</description><advisory><severity>Important</severity>
		<cve cvss3="5.0/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H">CVE-2024-0001 at NVD</cve>
		<cve cvss3="7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H">CVE-2024-0001 at SUSE</cve></advisory>`, d.and("sles-release ==15.3", "a <1-1"))
	d.define("CVE-2024-0002", "<description>** REJECT ** no</description>", d.and("sles-release ==15.3", "a <1-1"))
	records, _, err := importAll(t, write(t, t.TempDir(), "x.xml", d.String()))
	require.NoError(t, err)
	assert.Equal(t, []advisory.Record{{
		ID: "CVE-2024-0001", Distro: "suse", Release: "15.3", Package: "a", Kind: advisory.Binary, Status: advisory.StatusFixed, Fixed: "1-1",
		Severity: severity.High, CPEs: []string{"cpe:/o:suse:sles:15:sp3"}, Description: "a flaw", URL: "https://www.suse.com/security/cve/CVE-2024-0001/",
		CVSS: &advisory.CVSS{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Score: 7.5, Source: "suse"},
	}}, records)
}

func TestMalformedDefinitions(t *testing.T) {
	for name, c := range map[string]struct {
		test   func(d *doc) string
		reason string
	}{
		"version": {func(d *doc) string { return d.and("sles-release ==15.3", "a <-1") }, "invalid rpm version"},
		"arch":    {func(d *doc) string { return d.and("sles-release ==15.3", "a <1 [x") }, "architectures"},
		"newer":   {func(d *doc) string { return d.and("sles-release ==15.3", "a >1-1") }, "cannot be told which versions"},
		"no test": {func(*doc) string { return `<criteria><criterion test_ref="none"/></criteria>` }, "there is no test"},
		"product": {func(d *doc) string { return d.and("a <1-1") }, "without a product"},
		"package": {func(d *doc) string { return d.and("sles-release ==15.3") }, "without a package"},
		"negated": {func(d *doc) string {
			return strings.Replace(d.and("sles-release ==15.3", "a <1-1"), "<criteria", `<criteria negate="true"`, 1)
		}, "negated criteria"},
		"negated1": {func(d *doc) string {
			return strings.Replace(d.and("sles-release ==15.3", "a <1-1"), "<criterion", `<criterion negate="true"`, 1)
		}, "negated criterion"},
	} {
		t.Run(name, func(t *testing.T) {
			var d doc
			d.define("CVE-2024-0002", "", c.test(&d))
			d.define("CVE-2024-0001", "", d.and("sles-release ==15.3", "b <1-1"))
			records, stats, err := importAll(t, write(t, t.TempDir(), "x.xml", d.String()))
			require.NoError(t, err)
			assert.Equal(t, []string{"15.3 b fixed 1-1  suse:sles:15:sp3"}, lines(records))
			require.Equal(t, 1, stats.Malformed, "%v", stats.Problems)
			assert.Equal(t, "x.xml: CVE-2024-0002", stats.Problems[0].Where)
			assert.Contains(t, stats.Problems[0].Reason, c.reason)
		})
	}
}

// Of the documents of a product the one that says most is read, and the
// smallest of its forms.
func TestDocumentsOfADirectory(t *testing.T) {
	dir := t.TempDir()
	for name, pkg := range map[string]string{
		"suse.linux.enterprise.15.xml.gz": "no", "suse.linux.enterprise.15-affected.xml": "no", "suse.linux.enterprise.15-affected.xml.gz": "sle",
		"suse.linux.enterprise.15-patch.xml.gz": "no", "suse.linux.enterprise.server.15-affected.xml.gz": "no",
		"suse.linux.enterprise.server.11.xml.gz": "sle11", "suse.linux.enterprise.desktop.11.xml.gz": "no", "suse.linux.enterprise.15-sp3.xml.gz": "no",
		"opensuse.leap.15.6.xml.gz": "leap", "opensuse.leap.15.6.xml.bz2": "no", "opensuse.leap.micro.5.2.xml.gz": "no",
		"suse.linux.enterprise.micro.5-affected.xml.bz2": "micro5", "suse.linux.micro.6-affected.xml": "micro6", "opensuse.tumbleweed.xml.gz": "tumbleweed",
	} {
		var d doc
		d.define("CVE-2024-0001", "", d.and("sles-release ==15.3", pkg+" <1-1"))
		write(t, dir, name, d.String())
	}
	write(t, dir, "LICENSE", "x")
	records, _, err := importAll(t, dir)
	require.NoError(t, err)
	var got []string
	for _, r := range records {
		got = append(got, r.Package)
	}
	slices.Sort(got)
	assert.Equal(t, []string{"leap", "micro5", "micro6", "sle", "sle11", "tumbleweed"}, got)

	_, _, err = importAll(t, t.TempDir())
	assert.ErrorContains(t, err, "this is not SUSE's OVAL")
}

func TestHostileServers(t *testing.T) {
	var d doc
	d.define("CVE-2024-0001", "", d.and("sles-release ==15.3", "a <1-1"))
	feedtest.Hostile(t, suse.Distro().Feeds[0], map[string][]byte{
		"/suse.linux.enterprise.15-affected.xml.gz": []byte(d.String()), "/opensuse.leap.15.6.xml.gz": []byte(d.String()),
	}, "/suse.linux.enterprise.15-affected.xml.gz")
}

func FuzzImport(f *testing.F) {
	var d doc
	d.define("CVE-2024-0001", "", d.and(d.or("sles-release ==15.3", "openSUSE-release ==15.3"), d.or("a <1-1 (i586|x86_64)", "b >0:0-0", "c ==0")))
	f.Add([]byte(d.String()))
	f.Fuzz(func(t *testing.T, text []byte) {
		src, err := feed.NewSource(write(t, t.TempDir(), "x.xml", string(text)), feed.Options{})
		require.NoError(t, err)
		rows := 0
		stats, err := suse.Import(context.Background(), src, func(r advisory.Record) error {
			rows++
			assert.NotEmpty(t, r.Release)
			assert.NotEmpty(t, r.CPEs)
			assert.Equal(t, r.Status == advisory.StatusFixed, r.Fixed != "")
			return nil
		})
		assert.Equal(t, rows, stats.Rows)
		if err == nil {
			assert.Positive(t, rows)
		}
	})
}
