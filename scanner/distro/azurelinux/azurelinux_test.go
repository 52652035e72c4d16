package azurelinux_test

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
	"github.com/example/microscanner-frontend/scanner/distro/azurelinux"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/feedtest"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// definition is what Microsoft says of one vulnerability in one package.
type definition struct{ cve, name, operation, evr, patchable, severity string }

func document(definitions ...definition) string {
	var defs, tests, objects, states strings.Builder
	for i, d := range definitions {
		fmt.Fprintf(&defs, `<definition class="vulnerability" id="def:%d"><metadata><title>%s affecting package %s</title>
			<reference ref_id="%s" ref_url="https://nvd.nist.gov/vuln/detail/%s" source="CVE"/>
			<patchable>%s</patchable><advisory_date>2024-07-23T22:05:39Z</advisory_date><severity>%s</severity>
			<description>about %s</description></metadata>
			<criteria operator="AND"><criterion test_ref="tst:%d"/></criteria></definition>`, i, d.cve, d.name, d.cve, d.cve, d.patchable, d.severity, d.cve, i)
		fmt.Fprintf(&tests, `<linux-def:rpminfo_test id="tst:%d"><linux-def:object object_ref="obj:%d"/><linux-def:state state_ref="ste:%d"/></linux-def:rpminfo_test>`, i, i, i)
		fmt.Fprintf(&objects, `<linux-def:rpminfo_object id="obj:%d"><linux-def:name>%s</linux-def:name></linux-def:rpminfo_object>`, i, d.name)
		fmt.Fprintf(&states, `<linux-def:rpminfo_state id="ste:%d"><linux-def:evr datatype="evr_string" operation="%s">%s</linux-def:evr></linux-def:rpminfo_state>`, i, d.operation, d.evr)
	}
	return `<oval_definitions xmlns:linux-def="http://oval.mitre.org/XMLSchema/oval-definitions-5#linux"><definitions>` + defs.String() +
		`</definitions><tests>` + tests.String() + `</tests><objects>` + objects.String() + `</objects><states>` + states.String() + `</states></oval_definitions>`
}

func fixed(cve, name, evr string) definition {
	return definition{cve, name, "less than", evr, "true", "High"}
}

func importAll(t testing.TB, location string) ([]advisory.Record, feed.Stats, error) {
	t.Helper()
	src, err := feed.NewSource(location, feed.Options{})
	require.NoError(t, err)
	var got []advisory.Record
	stats, err := azurelinux.Import(context.Background(), src, func(r advisory.Record) error {
		r.Normalize()
		assert.NoError(t, r.Validate())
		got = append(got, r)
		return nil
	})
	assert.Len(t, got, stats.Rows)
	return got, stats, err
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func lines(records []advisory.Record) []string {
	out := []string{}
	for _, r := range records {
		out = append(out, strings.Join([]string{r.Release, r.Package, r.ID, string(r.Status), r.Fixed, r.Severity.String()}, " "))
	}
	return out
}

func TestStatements(t *testing.T) {
	records, stats, err := importAll(t, write(t, "azurelinux-3.0-oval.xml", document(
		fixed("CVE-2024-0001", "cmake", "0: 3.30.3-2.azl3"),
		definition{"CVE-2024-0002", "zlib", "less than or equal", "0:1.3.1-1.azl3", "false", "Critical"},
		definition{"CVE-2024-0003", "clamav", "less than", "0:1-1.azl3", "Not Applicable", "Critical"},
		definition{"CVE-2024-0004", "dhcp", "less than", "12:4.4-1.azl3", "true", "urgent"},
	)))
	require.NoError(t, err)
	assert.Empty(t, stats.Problems)
	require.Len(t, records, 3)
	assert.Equal(t, advisory.Record{
		ID: "CVE-2024-0001", Distro: "azurelinux", Release: "3.0", Package: "cmake", Kind: advisory.Source, Status: advisory.StatusFixed,
		Fixed: "3.30.3-2.azl3", Severity: severity.High, Published: "2024-07-23", Description: "about CVE-2024-0001",
		URL: "https://nvd.nist.gov/vuln/detail/CVE-2024-0001",
	}, records[0])
	assert.Equal(t, []string{
		"3.0 cmake CVE-2024-0001 fixed 3.30.3-2.azl3 high",
		"3.0 zlib CVE-2024-0002 affected  critical",
		"3.0 dhcp CVE-2024-0004 fixed 12:4.4-1.azl3 unknown",
	}, lines(records))
}

// An address that is none hides no vulnerability.
func TestBadAddress(t *testing.T) {
	text := document(fixed("CVE-2024-0001", "cmake", "0:3.30.3-2.azl3"))
	for _, address := range []string{"nvd", "javascript:alert(1)", "https://", "https://%zz"} {
		records, _, err := importAll(t, write(t, "azurelinux-3.0-oval.xml", strings.Replace(text, "https://nvd.nist.gov/vuln/detail/CVE-2024-0001", address, 1)))
		require.NoError(t, err)
		require.Len(t, records, 1)
		assert.Empty(t, records[0].URL)
	}
}

func TestReleases(t *testing.T) {
	dir := t.TempDir()
	for name, mark := range map[string]string{
		"cbl-mariner-1.0-oval.xml": "cm1", "cbl-mariner-2.0-oval.xml": "cm2", "azurelinux-3.0-oval.xml.gz": "azl3", "other.xml": "azl3",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(document(fixed("CVE-2024-0001", "cmake", "0:1-1."+mark))), 0o600))
	}
	want := []string{
		"1.0 cmake CVE-2024-0001 fixed 1-1.cm1 high", "2.0 cmake CVE-2024-0001 fixed 1-1.cm2 high", "3.0 cmake CVE-2024-0001 fixed 1-1.azl3 high",
	}
	records, stats, err := importAll(t, dir)
	require.NoError(t, err)
	assert.Empty(t, stats.Problems)
	assert.Equal(t, want, lines(records))

	// A document of another name is told from the versions in it.
	records, _, err = importAll(t, filepath.Join(dir, "other.xml"))
	require.NoError(t, err)
	assert.Equal(t, want[2:], lines(records))

	require.NoError(t, os.Remove(filepath.Join(dir, "cbl-mariner-1.0-oval.xml")))
	records, stats, err = importAll(t, dir)
	require.NoError(t, err)
	assert.Equal(t, want[1:], lines(records))
	require.Equal(t, 1, stats.Malformed)
	assert.Equal(t, "there is no cbl-mariner-1.0-oval.xml: nothing will be known of release 1.0", stats.Problems[0].Reason)
}

func TestMalformedDefinitions(t *testing.T) {
	for name, c := range map[string]struct {
		d       definition
		replace [2]string
		reason  string
	}{
		"release":   {fixed("CVE-2024-0002", "a", "0:1-1"), [2]string{}, `it cannot be told for which release the version "1-1" is`},
		"operation": {definition{"CVE-2024-0002", "a", "equals", "0:1-1.azl3", "true", ""}, [2]string{}, `the comparison "equals" of versions`},
		"version":   {fixed("CVE-2024-0002", "a", "0:-1.azl3"), [2]string{}, "invalid rpm version"},
		"name":      {fixed("CVE-2024-0002", "", "0:1-1.azl3"), [2]string{}, "the test tst:0 cannot be understood"},
		"no CVE":    {fixed("CVE-2024-0002", "a", "0:1-1.azl3"), [2]string{`source="CVE"`, `source="x"`}, "it refers to no CVE"},
		"criteria":  {fixed("CVE-2024-0002", "a", "0:1-1.azl3"), [2]string{`<criterion test_ref="tst:0"/>`, ``}, "its criteria are not one test"},
		"negated":   {fixed("CVE-2024-0002", "a", "0:1-1.azl3"), [2]string{`<criterion test`, `<criterion negate="true" test`}, "its criteria are not one test"},
		"test":      {fixed("CVE-2024-0002", "a", "0:1-1.azl3"), [2]string{`test_ref="tst:0"`, `test_ref="tst:9"`}, `there is no test "tst:9"`},
		"no evr":    {fixed("CVE-2024-0002", "a", "0:1-1.azl3"), [2]string{`linux-def:evr`, `linux-def:arch`}, "the test tst:0 has no version"},
	} {
		t.Run(name, func(t *testing.T) {
			text := document(c.d, fixed("CVE-2024-0001", "cmake", "0:1-1.azl3"))
			if c.replace[0] != "" {
				text = strings.Replace(text, c.replace[0], c.replace[1], 1)
			}
			if name == "no evr" {
				text = strings.Replace(text, "</linux-def:evr>", "</linux-def:arch>", 1)
			}
			records, stats, err := importAll(t, write(t, "oval.xml", text))
			require.NoError(t, err)
			assert.Equal(t, []string{"3.0 cmake CVE-2024-0001 fixed 1-1.azl3 high"}, lines(records))
			require.Equal(t, 1, stats.Malformed, "%v", stats.Problems)
			assert.Contains(t, stats.Problems[0].Reason, c.reason)
		})
	}
}

func TestAnotherKindOfDocument(t *testing.T) {
	for text, want := range map[string]string{
		"<html/>":             "oval.xml: this is not an OVAL document",
		"<oval_definitions/>": "oval.xml: there is no definition in it",
		document(definition{"CVE-2024-0001", "a", "less than", "0:1-1.azl3", "Not Applicable", ""}): "no advisory is in it",
	} {
		_, _, err := importAll(t, write(t, "oval.xml", text))
		assert.ErrorContains(t, err, want)
	}
	_, _, err := importAll(t, t.TempDir())
	assert.ErrorContains(t, err, "no advisory is in it")
}

func TestRealDocument(t *testing.T) {
	records, stats, err := importAll(t, scantest.Shared(t, "azurelinux/azurelinux-3.0-oval.xml.gz"))
	require.NoError(t, err)
	assert.Empty(t, stats.Problems)
	// One of the 1222 definitions does not apply.
	assert.Equal(t, 1221, stats.Rows)
	for _, want := range []string{
		"3.0 oath-toolkit CVE-2024-47191 fixed 2.6.7-3.azl3 high",
		"3.0 cmake CVE-2024-6874 fixed 3.30.3-2.azl3 medium",
		"3.0 cmake CVE-2024-8096 fixed 3.30.3-2.azl3 medium",
	} {
		assert.True(t, slices.Contains(lines(records), want), want)
	}
	assert.False(t, slices.ContainsFunc(records, func(r advisory.Record) bool { return r.Package == "cloud-hypervisor" && r.ID == "CVE-2023-45853" }))
}

func TestRecognise(t *testing.T) {
	for text, want := range map[string]string{
		"ID=mariner\nVERSION_ID=\"2.0\"\n":    "2.0",
		"ID=azurelinux\nVERSION_ID=\"3.0\"\n": "3.0",
		"ID=azurelinux\n":                     "",
		"ID=azurelinux\nVERSION_ID=next\n":    "",
	} {
		r, err := osrelease.Read(os.DirFS(scantest.Rootfs(t, map[string]string{"etc/os-release": text})))
		require.NoError(t, err)
		os, ok := azurelinux.Distro().Recognise(r)
		require.True(t, ok)
		assert.Equal(t, want, os.Release)
		assert.Equal(t, want == "", os.Unclear != "")
	}
	_, ok := azurelinux.Distro().Recognise(osrelease.Release{ID: "photon", VersionID: "4.0"})
	assert.False(t, ok)
	for folder, want := range map[string]string{"release-files/grype-azurelinux": "3.0", "release-files/grype-mariner": "1.0", "release-files/syft-mariner": "1.0", "mariner-2.0": "1.0"} {
		r, err := osrelease.Read(os.DirFS(scantest.Shared(t, "rootfs/"+folder)))
		require.NoError(t, err)
		os, ok := azurelinux.Distro().Recognise(r)
		require.True(t, ok)
		assert.Equal(t, want, os.Release)
	}
}

// Microsoft states no epochs: one that is installed decides nothing.
func TestTrap16NoEpochOfSources(t *testing.T) {
	older := azurelinux.Distro().Rules.Older
	for _, c := range []struct {
		installed, fixed string
		want             bool
	}{
		{"5.34-1.cm2", "5.34-2.cm2", true}, {"4:5.34-1.cm2", "5.34-2.cm2", true}, {"4:5.34-2.cm2", "5.34-2.cm2", false},
		{"5.34-1.cm2", "1:5.0-1.cm2", true}, {"1:5.34-1.cm2", "1:5.0-1.cm2", false},
	} {
		got, err := older(c.installed, c.fixed)
		require.NoError(t, err)
		assert.Equal(t, c.want, got, "%s < %s", c.installed, c.fixed)
	}
	_, err := older("x y", "1")
	assert.Error(t, err)
}

func TestRulesAndLifecycle(t *testing.T) {
	d := azurelinux.Distro()
	for vendor, want := range map[string]bool{"Microsoft Corporation": false, "": false, "Acme": true} {
		_, foreign := d.Rules.Foreign(nil, &inventory.Package{Vendor: vendor})
		assert.Equal(t, want, foreign, vendor)
	}
	assert.True(t, d.Rules.Headers(&inventory.Package{Name: "kernel-headers"}))
	assert.True(t, d.Rules.Headers(&inventory.Package{Name: "kernel-azure-devel"}))
	assert.False(t, d.Rules.Headers(&inventory.Package{Name: "kernel"}))
	l, ok := d.Lifecycle("2.0")
	assert.True(t, ok)
	assert.Equal(t, 2025, l.End.Year())
	l, ok = d.Lifecycle("3.0")
	assert.True(t, ok)
	assert.True(t, l.End.IsZero())
	_, ok = d.Lifecycle("4.0")
	assert.False(t, ok)
}

func TestHostileServers(t *testing.T) {
	site := map[string][]byte{}
	for name, mark := range map[string]string{"cbl-mariner-1.0-oval.xml": "cm1", "cbl-mariner-2.0-oval.xml": "cm2", "azurelinux-3.0-oval.xml": "azl3"} {
		site["/"+name] = []byte(document(fixed("CVE-2024-0001", "cmake", "0:1-1."+mark)))
	}
	feedtest.Hostile(t, azurelinux.Distro().Feeds[0], site, "/azurelinux-3.0-oval.xml")
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(document(fixed("CVE-2024-0001", "cmake", "0:3.30.3-2.azl3"), definition{"CVE-2024-0002", "zlib", "less than or equal", "0:1-1.cm2", "false", "Low"})))
	f.Fuzz(func(t *testing.T, text []byte) {
		src, err := feed.NewSource(write(t, "oval.xml", string(text)), feed.Options{})
		require.NoError(t, err)
		rows := 0
		stats, err := azurelinux.Import(context.Background(), src, func(r advisory.Record) error {
			rows++
			assert.NotEmpty(t, r.Release)
			assert.Equal(t, r.Status == advisory.StatusFixed, r.Fixed != "")
			return nil
		})
		assert.Equal(t, rows, stats.Rows)
		if err == nil {
			assert.Positive(t, rows)
		}
	})
}
