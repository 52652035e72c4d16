package ubuntu_test

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/ubuntu"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// unzip unpacks an archive of real samples for the time of a test.
func unzip(t *testing.T, name string) string {
	t.Helper()
	z, err := zip.OpenReader(scantest.Shared(t, name))
	require.NoError(t, err)
	defer z.Close()
	dir := t.TempDir()
	for _, member := range z.File {
		if !member.Mode().IsRegular() || !filepath.IsLocal(member.Name) {
			continue
		}
		r, err := member.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		path := filepath.Join(dir, member.Name) //nolint:gosec // G305: it is local, see above.
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, text, 0o600))
	}
	return dir
}

// ovalDocument is a document with one definition on a platform, with the
// comments of its criterions.
func ovalDocument(platform string, comments ...string) string {
	var criterions strings.Builder
	for _, c := range comments {
		criterions.WriteString(`<criterion test_ref="t" comment="` + c + `"/>`)
	}
	return `<oval_definitions><definitions>
<definition class="inventory" id="d:1"><criteria><criterion test_ref="t" comment="The host is running Ubuntu xenial."/></criteria></definition>
<definition class="vulnerability" id="d:2"><metadata><title>CVE-2024-0001 on Ubuntu 16.04 LTS (xenial) - medium</title>
<description>A flaw

    Update Instructions:

    Run this:

libfoo - 1.0-2
libfoo-dev - 1.0-2
Available with Ubuntu Pro: https://ubuntu.com/pro

libbar - 1.0-3
No subscription required</description>
<affected family="unix"><platform>` + platform + `</platform></affected>
<advisory><severity>Medium</severity><public_date>2024-01-02 03:04:05 UTC</public_date>
<cve href="https://ubuntu.com/security/CVE-2024-0001" cvss_vector="CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:H/A:N">CVE-2024-0001</cve></advisory></metadata>
<criteria><extend_definition definition_ref="d:1"/><criteria operator="OR">` + criterions.String() + `</criteria></criteria></definition>
</definitions></oval_definitions>`
}

const ovalName = "com.ubuntu.xenial.cve.oval.xml"

func TestOVAL(t *testing.T) {
	records, stats, err := importText(t, ubuntu.ImportOVAL, ovalName, ovalDocument("Ubuntu 16.04 LTS", "foo package in xenial was vulnerable but has been fixed (note: '1.0-1')."))
	require.NoError(t, err)
	assert.Equal(t, feed.Stats{Rows: 1}, stats)
	require.NoError(t, records[0].Validate())
	assert.Equal(t, []advisory.Record{{
		ID: "CVE-2024-0001", Distro: "ubuntu", Release: "16.04", Package: "foo", Kind: advisory.Source,
		Status: advisory.StatusFixed, Fixed: "1.0-1", Severity: severity.Medium,
		Published: "2024-01-02", Description: "A flaw", URL: "https://ubuntu.com/security/CVE-2024-0001",
		CVSS: &advisory.CVSS{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:H/A:N", Score: 5.9, Source: "ubuntu"},
	}}, records)
}

func TestOVALSentences(t *testing.T) {
	for comment, want := range map[string]string{
		"was vulnerable but has been fixed (note: '1.0-1+esm1').":                                                  "needs-pro 1.0-1+esm1",
		"was vulnerable but has been fixed (note: '1.0-1~esm1').":                                                  "needs-pro 1.0-1~esm1",
		"was vulnerable but has been fixed (note: '1.0-2').":                                                       "needs-pro 1.0-2", // by the instructions
		"was vulnerable but has been fixed (note: '1.0-3').":                                                       "fixed 1.0-3",
		"is affected and needs fixing.":                                                                            "affected",
		"is affected and may need fixing.":                                                                         "under-investigation",
		"is affected, but a decision has been made to defer addressing it.":                                        "deferred",
		"is affected, but a decision has been made to defer addressing it (note: 'x').":                            "deferred",
		"is affected. An update containing the fix has been completed and is pending publication (note: '1.0-9').": "affected",
	} {
		records, stats, err := importText(t, ubuntu.ImportOVAL, ovalName, ovalDocument("Ubuntu 16.04 LTS", "foo package in xenial "+comment))
		require.NoError(t, err, comment)
		assert.Zero(t, stats.Malformed, comment)
		assert.Equal(t, []string{"16.04 foo " + want}, said(records), comment)
	}
	for comment, want := range map[string]string{
		"foo package in xenial, is related to the CVE in some way and has been fixed (note: '1.0-1').":                                     "not-affected",
		"(CVE-2024-0001) foo package in xenial is affected and needs fixing.":                                                              "affected",
		"foo: while related to the CVE in some way, a decision has been made to ignore this issue (note: 'was needed now end-of-life').":   "end-of-life",
		"foo: while related to the CVE in some way, a decision has been made to ignore this issue (note: 'end of standard support').":      "",
		"foo package in xenial, while related to the CVE in some way, a decision has been made to ignore this issue (note: 'was needed').": "will-not-fix",
	} {
		records, stats, err := importText(t, ubuntu.ImportOVAL, ovalName, ovalDocument("Ubuntu 16.04 LTS", comment, "zzz package in xenial is affected and needs fixing."))
		require.NoError(t, err, comment)
		assert.Zero(t, stats.Malformed, comment)
		var list []string
		if want != "" {
			list = append(list, "16.04 foo "+want)
		}
		assert.Equal(t, append(list, "16.04 zzz affected"), said(records), comment)
	}
}

func TestOVALPlatforms(t *testing.T) {
	for platform, want := range map[string]string{
		"Ubuntu 16.04 LTS":                  "16.04 foo fixed 1.0-1",
		"Ubuntu 24.10":                      "24.10 foo fixed 1.0-1",
		"Ubuntu Pro 16.04 LTS":              "16.04 foo needs-pro 1.0-1",
		"Ubuntu 16.04 ESM":                  "16.04 foo needs-pro 1.0-1",
		"Ubuntu Pro FIPS-updates 22.04 LTS": "",
		"Debian 12":                         "",
	} {
		records, _, err := importText(t, ubuntu.ImportOVAL, ovalName, ovalDocument(platform, "foo package in xenial was vulnerable but has been fixed (note: '1.0-1')."))
		if want == "" {
			assert.ErrorContains(t, err, ovalName+": this is not the OVAL of Ubuntu: no advisory is in it", platform)
			continue
		}
		require.NoError(t, err, platform)
		assert.Equal(t, []string{want}, said(records), platform)
	}
}

func TestOneBadCommentDoesNotStopTheRest(t *testing.T) {
	for bad, want := range map[string]string{
		"foo":                            `the comment "foo" is of no known form`,
		"foo package in xenial is fine.": `the comment "foo package in xenial is fine." says nothing that is known`,
		"foo package in xenial was vulnerable and has been fixed, but no release version available for it.": "released without a version",
	} {
		records, stats, err := importText(t, ubuntu.ImportOVAL, ovalName, ovalDocument("Ubuntu 16.04 LTS", bad, "zzz package in xenial is affected and needs fixing."))
		require.NoError(t, err, bad)
		assert.Len(t, records, 1, bad)
		require.Equal(t, 1, stats.Malformed)
		assert.Equal(t, ovalName+": d:2: "+want, stats.Problems[0].String())
	}
}

// TestOVALTree: the releases that have a document are read, the others are not
// missed.
func TestOVALTree(t *testing.T) {
	dir := t.TempDir()
	for _, codename := range []string{"jammy", "xenial"} {
		text := ovalDocument(map[string]string{"jammy": "Ubuntu 22.04 LTS", "xenial": "Ubuntu 16.04 LTS"}[codename], "foo package in x is affected and needs fixing.")
		require.NoError(t, os.WriteFile(filepath.Join(dir, "com.ubuntu."+codename+".cve.oval.xml"), []byte(text), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "com.ubuntu.jammy.usn.oval.xml"), []byte("not read"), 0o600))
	records, stats, err := importPath(t, ubuntu.ImportOVAL, dir)
	require.NoError(t, err)
	assert.Zero(t, stats.Malformed)
	assert.Equal(t, []string{"16.04 foo affected", "22.04 foo affected"}, said(records))

	_, _, err = importPath(t, ubuntu.ImportOVAL, t.TempDir())
	assert.ErrorContains(t, err, "there is no com.ubuntu.<codename>.cve.oval.xml.bz2 of any release")
}

func TestSharedOVAL(t *testing.T) {
	folder := unzip(t, "ubuntu/feeds-samples.zip") + "/vuls-data-update/pkg/fetch/ubuntu/oval/testdata/fixtures/"
	records, stats, err := importPath(t, ubuntu.ImportOVAL, folder+"oci.com.ubuntu.jammy.cve.oval.xml.bz2")
	require.NoError(t, err)
	assert.Equal(t, feed.Stats{Rows: 2}, stats)
	assert.Equal(t, []string{"22.04 libssh fixed 0.9.6-2ubuntu0.22.04.2", "22.04 openssh fixed 1:8.9p1-3ubuntu0.5"}, said(records))
	assert.NotContains(t, records[0].Description, "Update Instructions")

	_, _, err = importPath(t, ubuntu.ImportOVAL, folder+"oci.com.ubuntu.fips-updates_jammy.cve.oval.xml.bz2")
	assert.ErrorContains(t, err, "no advisory is in it", "FIPS is another product")
}

func FuzzImportOVAL(f *testing.F) {
	f.Add(ovalDocument("Ubuntu 16.04 LTS", "foo package in xenial was vulnerable but has been fixed (note: '1.0-1')."))
	f.Fuzz(func(t *testing.T, text string) {
		records, stats, err := importText(t, ubuntu.ImportOVAL, ovalName, text)
		if err == nil {
			assert.Len(t, records, stats.Rows)
		}
		for _, r := range records {
			assert.NotEmpty(t, r.Status)
			assert.NotEmpty(t, r.Release)
		}
	})
}
