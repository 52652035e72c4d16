package ubuntu_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/ubuntu"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// affected is a package of a record, fixed in a version unless that is empty.
func affected(ecosystem, fixed, availability string) string {
	end := ""
	if fixed != "" {
		end = `,{"fixed":"` + fixed + `"}`
	}
	return `{"package":{"ecosystem":"` + ecosystem + `","name":"foo"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}` + end + `]}],` +
		`"ecosystem_specific":{"binaries":[],"availability":"` + availability + `"}}`
}

const (
	free = "No subscription required"
	paid = "Available with Ubuntu Pro: https://ubuntu.com/pro"
)

func osvRecord(id string, affected ...string) string {
	return `{"id":"` + id + `","details":"A flaw","published":"2024-01-02T00:00:00Z","modified":"2024-02-03T00:00:00Z",` +
		`"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:N/I:H/A:N"},{"type":"Ubuntu","score":"high"}],` +
		`"affected":[` + strings.Join(affected, ",") + `]}`
}

func TestOSV(t *testing.T) {
	records, stats, err := importText(t, ubuntu.ImportOSV, "x.json", osvRecord("UBUNTU-CVE-2024-0001", affected("Ubuntu:22.04:LTS", "1.0-1", free)))
	require.NoError(t, err)
	assert.Zero(t, stats.Malformed)
	require.Len(t, records, 1)
	require.NoError(t, records[0].Validate())
	assert.Equal(t, advisory.Record{
		ID: "CVE-2024-0001", Distro: "ubuntu", Release: "22.04", Package: "foo", Kind: advisory.Source,
		Status: advisory.StatusFixed, Fixed: "1.0-1", Severity: severity.High,
		Published: "2024-01-02", Modified: "2024-02-03", Description: "A flaw", URL: "https://ubuntu.com/security/CVE-2024-0001",
		CVSS: &advisory.CVSS{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:N/I:H/A:N", Score: 6.5, Source: "ubuntu"},
	}, records[0])
}

func TestOSVReleases(t *testing.T) {
	for _, tc := range []struct {
		packages []string
		want     string
	}{
		{[]string{affected("Ubuntu:24.10", "1.0-1", free)}, "24.10 foo fixed 1.0-1"},
		{[]string{affected("Ubuntu:16.04:LTS", "", "")}, "16.04 foo affected"},
		{[]string{affected("Ubuntu:Pro:16.04:LTS", "", "")}, "16.04 foo affected"},
		{[]string{affected("Ubuntu:Pro:16.04:LTS", "1.0-1+esm1", paid)}, "16.04 foo needs-pro 1.0-1+esm1"},
		{[]string{affected("Ubuntu:16.04:LTS", "1.0-1+esm1", paid)}, "16.04 foo needs-pro 1.0-1+esm1"},
		{[]string{affected("Ubuntu:Pro:16.04:LTS", "1.0-1", free)}, "16.04 foo fixed 1.0-1"},
		{[]string{affected("Ubuntu:16.04:LTS", "", ""), affected("Ubuntu:Pro:16.04:LTS", "1.0-1+esm1", paid)}, "16.04 foo needs-pro 1.0-1+esm1"},
		{[]string{affected("Ubuntu:16.04:LTS", "1.0-1", free), affected("Ubuntu:Pro:16.04:LTS", "1.0-1+esm1", paid)}, "16.04 foo fixed 1.0-1"},
		{[]string{affected("Ubuntu:Pro:16.04:LTS", "1.0-1+esm9", paid), affected("Ubuntu:Pro:16.04:LTS", "1.0-1+esm10", paid)}, "16.04 foo needs-pro 1.0-1+esm10"},
		{[]string{affected("Ubuntu:Pro:FIPS:16.04:LTS", "1.0-1", paid)}, ""},
		{[]string{affected("Ubuntu:Pro:Realtime:22.04:LTS", "1.0-1", paid)}, ""},
		{[]string{affected("Debian:12", "1.0-1", free)}, ""},
	} {
		last := strings.Replace(affected("Ubuntu:99.04", "1-1", free), "foo", "zzz", 1)
		records, stats, err := importText(t, ubuntu.ImportOSV, "x.json", osvRecord("UBUNTU-CVE-2024-0001", append(tc.packages, last)...))
		require.NoError(t, err)
		assert.Zero(t, stats.Malformed)
		want := []string{"99.04 zzz fixed 1-1"}
		if tc.want != "" {
			want = append([]string{tc.want}, want...)
		}
		assert.Equal(t, want, said(records), tc.packages)
	}
}

// TestOSVNotices: a notice counts only where no record of a CVE says the same.
func TestOSVNotices(t *testing.T) {
	notice := osvRecord("USN-1-1", affected("Ubuntu:22.04:LTS", "1.0-1", free))
	records, _, err := importText(t, ubuntu.ImportOSV, "x.json", notice)
	require.NoError(t, err)
	require.Len(t, records, 1)
	assert.Equal(t, "USN-1-1", records[0].ID)
	assert.Equal(t, "https://ubuntu.com/security/notices/USN-1-1", records[0].URL)
	for _, bad := range []string{
		strings.Replace(notice, `"details"`, `"upstream":["UBUNTU-CVE-2024-0001"],"details"`, 1),
		strings.Replace(notice, `"details"`, `"related":["CVE-2024-0001"],"details"`, 1),
		strings.Replace(notice, "USN-1-1", "LSN-1-1", 1),
		strings.Replace(notice, "A flaw", "** REJECT ** no", 1),
		strings.Replace(notice, `"details"`, `"withdrawn":"2025-01-01T00:00:00Z","details"`, 1),
	} {
		_, stats, err := importText(t, ubuntu.ImportOSV, "x.json", bad)
		assert.ErrorContains(t, err, "x.json: these are not the OSV records of Ubuntu: no advisory is in it")
		assert.Zero(t, stats.Malformed)
	}
}

func TestOSVPriorityOfPackage(t *testing.T) {
	one := strings.Replace(affected("Ubuntu:22.04:LTS", "1.0-1", free), `"binaries"`, `"ubuntu_priority":"low","binaries"`, 1)
	records, _, err := importText(t, ubuntu.ImportOSV, "x.json", osvRecord("UBUNTU-CVE-2024-0001", one))
	require.NoError(t, err)
	assert.Equal(t, severity.Low, records[0].Severity)
}

func TestOneBadOSVPackageDoesNotStopTheRest(t *testing.T) {
	good := affected("Ubuntu:22.04:LTS", "1.0-1", free)
	for bad, want := range map[string]string{
		`{"package":{"ecosystem":"Ubuntu:22.04:LTS","name":"bar"}}`:                                                    "x.json: bar: it states no range of versions",
		strings.Replace(strings.Replace(good, "foo", "bar", 1), `{"binaries":[],"availability":"`+free+`"}`, `[1]`, 1): "x.json: bar: its ecosystem_specific is not what Ubuntu writes there",
	} {
		records, stats, err := importText(t, ubuntu.ImportOSV, "x.json", osvRecord("UBUNTU-CVE-2024-0001", bad, good))
		require.NoError(t, err)
		assert.Len(t, records, 1)
		require.Equal(t, 1, stats.Malformed)
		assert.Equal(t, want, stats.Problems[0].String())
	}
	_, stats, err := importText(t, ubuntu.ImportOSV, "x.json", osvRecord("GHSA-1", good))
	assert.Error(t, err)
	assert.Equal(t, `x.json: the id "GHSA-1" is neither a vulnerability's nor a notice's`, stats.Problems[0].String())
}

// TestSharedOSV reads the archive of which only three records are left, and the
// records of another project.
func TestSharedOSV(t *testing.T) {
	samples := unzip(t, "ubuntu/feeds-samples.zip")
	records, stats, err := importPath(t, ubuntu.ImportOSV, samples+"/vuls-data-update/pkg/fetch/ubuntu/osv/testdata/fixtures/happy/osv-all.tar.xz")
	require.NoError(t, err)
	assert.Zero(t, stats.Malformed)
	assert.Equal(t, []string{
		"20.04 rabbitmq-server fixed 3.8.3-0ubuntu0.1", "22.04 rabbitmq-server fixed 3.9.27-0ubuntu0.1",
		"24.04 rabbitmq-server fixed 3.12.1-1ubuntu1", "24.10 rabbitmq-server fixed 3.12.1-1ubuntu2",
	}, said(records))
	for _, r := range records {
		assert.NoError(t, r.Validate())
		assert.Equal(t, severity.Medium, r.Severity)
	}

	records, stats, err = importPath(t, ubuntu.ImportOSV, samples+"/vunnel/tests/unit/providers/ubuntu/test-fixtures/osv")
	require.NoError(t, err)
	assert.Zero(t, stats.Malformed)
	var got []string
	for _, r := range records {
		assert.NoError(t, r.Validate())
		assert.Equal(t, advisory.StatusAffected, r.Status)
		if r.Package == "gitlab" || r.Package == "eglibc" {
			got = append(got, r.ID+" "+r.Release+" "+r.Package+" "+r.Severity.String())
		}
	}
	assert.Equal(t, []string{"CVE-2016-20013 14.04 eglibc negligible", "CVE-2026-1403 16.04 gitlab medium"}, got)
}

func FuzzImportOSV(f *testing.F) {
	f.Add(osvRecord("UBUNTU-CVE-2024-0001", affected("Ubuntu:Pro:16.04:LTS", "1.0-1+esm1", paid), affected("Ubuntu:16.04:LTS", "", "")))
	f.Fuzz(func(t *testing.T, text string) {
		records, stats, err := importText(t, ubuntu.ImportOSV, "x.json", text)
		if err == nil {
			assert.Len(t, records, stats.Rows)
		}
		for _, r := range records {
			assert.NotEmpty(t, r.Status)
			assert.NotEmpty(t, r.Release)
		}
	})
}
