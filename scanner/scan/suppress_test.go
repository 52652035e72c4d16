package scan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/scan"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// opensslStatus has two binaries of openssl, whose version has an epoch, and bash.
const opensslStatus = "Package: openssl\nArchitecture: amd64\nVersion: 1:3.0.9-1\n\n" +
	"Package: libssl3\nSource: openssl\nArchitecture: amd64\nVersion: 1:3.0.9-1\n\n" +
	"Package: bash\nArchitecture: amd64\nVersion: 5.2.15-2\n"

// suppressed scans opensslStatus and lists what is suppressed, and what counts,
// as "source id".
func suppressed(t *testing.T, list ...policy.Suppression) (gone, counting []string, r *report.Report) {
	t.Helper()
	aliased := debianRecord("CVE-2024-0001", "openssl", "1:3.0.11-1")
	aliased.Aliases, aliased.Severity = []string{"DSA-1-1"}, severity.High
	records := []advisory.Record{aliased, debianRecord("CVE-2024-0002", "openssl", ""), debianRecord("CVE-2024-0001", "bash", "")}
	o := options()
	o.Suppressions = list
	r = scanWith(t, scantest.Rootfs(t, map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": opensslStatus}),
		scantest.Open(t, scantest.Database(t, records...)), o)
	gone, counting = []string{}, []string{}
	for _, f := range r.AllFindings() {
		if f.Group == report.GroupSuppressed {
			gone = append(gone, f.Source.Name+" "+f.ID)
		} else {
			counting = append(counting, f.Source.Name+" "+f.ID)
		}
	}
	slices.Sort(gone)
	return gone, counting, r
}

func ignore(change func(*policy.Suppression)) policy.Suppression {
	s := policy.Suppression{By: policy.SuppressedByIgnore, IDs: []string{"CVE-2024-0001"}, Reason: "a reason", Source: ".microscanner.yaml:3"}
	change(&s)
	return s
}

func stated(status string, day int, purls ...string) policy.Suppression {
	return policy.Suppression{
		By: policy.SuppressedByVEX, IDs: []string{"CVE-2024-0001"}, PURLs: purls, Reason: "a statement", Status: status,
		Timestamp: time.Date(2023, 1, day, 0, 0, 0, 0, time.UTC), Source: "vex.json, statement 1", Author: "A",
	}
}

func TestSuppress(t *testing.T) {
	withPURL := func(purls ...string) policy.Suppression {
		return ignore(func(s *policy.Suppression) { s.PURLs = purls })
	}
	ofPackage := func(name string) policy.Suppression {
		return ignore(func(s *policy.Suppression) { s.Package = name })
	}
	all, openssl, none := []string{"bash CVE-2024-0001", "openssl CVE-2024-0001"}, []string{"openssl CVE-2024-0001"}, []string{}
	for name, tc := range map[string]struct {
		list []policy.Suppression
		want []string
	}{
		"id":                   {[]policy.Suppression{ignore(func(*policy.Suppression) {})}, all},
		"id in small letters":  {[]policy.Suppression{ignore(func(s *policy.Suppression) { s.IDs = []string{" cve-2024-0001"} })}, all},
		"alias of the finding": {[]policy.Suppression{ignore(func(s *policy.Suppression) { s.IDs = []string{"DSA-1-1"} })}, openssl},
		"alias of the entry":   {[]policy.Suppression{ignore(func(s *policy.Suppression) { s.IDs = []string{"GHSA-x", "CVE-2024-0002"} })}, []string{"openssl CVE-2024-0002"}},
		"other id":             {[]policy.Suppression{ignore(func(s *policy.Suppression) { s.IDs = []string{"CVE-2024-00010"} })}, none},

		"source package":     {[]policy.Suppression{ofPackage("openssl")}, openssl},
		"other package":      {[]policy.Suppression{ofPackage("open")}, none},
		"capitals":           {[]policy.Suppression{ofPackage("OpenSSL")}, none},
		"one of two":         {[]policy.Suppression{ofPackage("libssl3")}, none}, // the other has it too
		"purl":               {[]policy.Suppression{withPURL("pkg:deb/debian/bash")}, []string{"bash CVE-2024-0001"}},
		"purl, version":      {[]policy.Suppression{withPURL("pkg:deb/debian/bash@5.2.15-2?arch=amd64")}, []string{"bash CVE-2024-0001"}},
		"purl, old version":  {[]policy.Suppression{withPURL("pkg:deb/debian/bash@5.2.15-1")}, none},
		"purl, arch":         {[]policy.Suppression{withPURL("pkg:deb/debian/bash?arch=arm64")}, none},
		"purl, qualifier":    {[]policy.Suppression{withPURL("pkg:deb/debian/bash?vcs_url=x")}, none},
		"purl, namespace":    {[]policy.Suppression{withPURL("pkg:deb/ubuntu/bash")}, none},
		"purl, type":         {[]policy.Suppression{withPURL("pkg:rpm/debian/bash")}, none},
		"purl, subpath":      {[]policy.Suppression{withPURL("pkg:deb/debian/bash#bin/bash")}, none},
		"purl of source":     {[]policy.Suppression{withPURL("pkg:deb/debian/openssl@1:3.0.9-1?arch=source")}, openssl},
		"purl of a binary":   {[]policy.Suppression{withPURL("pkg:deb/debian/openssl?arch=amd64")}, none}, // libssl3 has it too
		"purls of binaries":  {[]policy.Suppression{withPURL("pkg:deb/debian/openssl?arch=amd64", "pkg:deb/debian/libssl3@1%3A3.0.9-1")}, openssl},
		"purl, distribution": {[]policy.Suppression{withPURL("pkg:deb/debian/bash?distro=debian-12")}, []string{"bash CVE-2024-0001"}},
		"package and purl": {[]policy.Suppression{ignore(func(s *policy.Suppression) {
			s.Package, s.PURLs = "bash", []string{"pkg:deb/debian/openssl"}
		})}, none},

		"expired":     {[]policy.Suppression{ignore(func(s *policy.Suppression) { s.Expires = "2023-11-14" })}, none},
		"not expired": {[]policy.Suppression{ignore(func(s *policy.Suppression) { s.Expires = "2023-11-15" })}, all},

		"not affected":              {[]policy.Suppression{stated("not_affected", 1)}, all},
		"fixed":                     {[]policy.Suppression{stated("fixed", 1)}, all},
		"affected":                  {[]policy.Suppression{stated("affected", 1)}, none},
		"under investigation":       {[]policy.Suppression{stated("under_investigation", 1)}, none},
		"revoked":                   {[]policy.Suppression{stated("affected", 2), stated("not_affected", 1)}, none},
		"revoked for one":           {[]policy.Suppression{stated("affected", 2, "pkg:deb/debian/openssl@1:3.0.9-1"), stated("not_affected", 1)}, []string{"bash CVE-2024-0001"}},
		"affected before":           {[]policy.Suppression{stated("not_affected", 2), stated("affected", 1)}, all},
		"equally new, the last":     {[]policy.Suppression{stated("affected", 1), stated("fixed", 1)}, all},
		"affected, ignored by hand": {[]policy.Suppression{ignore(func(*policy.Suppression) {}), stated("affected", 2)}, all},
	} {
		t.Run(name, func(t *testing.T) {
			gone, counting, r := suppressed(t, tc.list...)
			assert.Equal(t, tc.want, gone)
			assert.Len(t, counting, 3-len(tc.want))
			assert.Equal(t, len(tc.want), r.Verdict.Suppressed.Total())
			assert.Equal(t, len(counting), r.Verdict.Counts.Total())
		})
	}
}

func TestSuppressedSaysWhy(t *testing.T) {
	_, _, r := suppressed(t, stated("not_affected", 1), ignore(func(s *policy.Suppression) { s.IDs, s.Expires = []string{"CVE-2024-0002"}, "2099-01-01" }))
	got := map[string]*report.Suppressed{}
	for _, f := range r.FindingsOf(report.GroupSuppressed) {
		got[f.ID] = f.Suppressed
	}
	assert.Equal(t, map[string]*report.Suppressed{
		"CVE-2024-0001": {By: "vex", Reason: "a statement", Status: "not_affected", Source: "vex.json, statement 1", Author: "A"},
		"CVE-2024-0002": {By: "ignore", Reason: "a reason", Expires: "2099-01-01", Source: ".microscanner.yaml:3"},
	}, got)
	assert.Equal(t, "no vulnerability counts; 3 suppressed: 1 high, 2 unknown", r.Verdict.Reason)

	_, _, r = suppressed(t, ignore(func(s *policy.Suppression) { s.Reason = strings.Repeat("é", 10_000) }))
	assert.Equal(t, strings.Repeat("é", 500)+"…", r.FindingsOf(report.GroupSuppressed)[0].Suppressed.Reason, "it stands at every finding")
}

func TestSuppressNotices(t *testing.T) {
	expires := func(day string) policy.Suppression {
		return ignore(func(s *policy.Suppression) { s.Expires = day })
	}
	other := ignore(func(s *policy.Suppression) { s.IDs = []string{"CVE-1999-0001"} })
	const entry = "the ignore list's entry for CVE-2024-0001 (.microscanner.yaml:3) "
	for name, tc := range map[string]struct {
		list []policy.Suppression
		want []string
	}{
		"none":           {[]policy.Suppression{expires("2023-11-29")}, nil},
		"expires soon":   {[]policy.Suppression{expires("2023-11-28")}, []string{entry + "expires on 2023-11-28"}},
		"has expired":    {[]policy.Suppression{expires("2023-11-01")}, []string{entry + "expired on 2023-11-01: the vulnerability counts again"}},
		"nothing to do":  {[]policy.Suppression{other}, []string{"the ignore list's entry for CVE-1999-0001 (.microscanner.yaml:3) matches no finding; remove it if no image needs it any more"}},
		"VEX is general": {[]policy.Suppression{stated("fixed", 1, "pkg:deb/debian/zlib")}, nil},
		"one of two": {[]policy.Suppression{ignore(func(s *policy.Suppression) { s.Package = "libssl3" })},
			[]string{entry + "covers libssl3 alone: the vulnerability stays with openssl; the name of the source package, openssl, covers all"}},
		"one of two, expires soon": {[]policy.Suppression{ignore(func(s *policy.Suppression) { s.Package, s.Expires = "libssl3", "2023-11-28" })},
			[]string{entry + "expires on 2023-11-28", entry + "covers libssl3 alone: the vulnerability stays with openssl; the name of the source package, openssl, covers all"}},
		"both of two": {[]policy.Suppression{
			ignore(func(s *policy.Suppression) { s.Package = "libssl3" }),
			ignore(func(s *policy.Suppression) { s.PURLs = []string{"pkg:deb/debian/openssl?arch=amd64"} }),
		}, nil},
		"one of two by VEX": {[]policy.Suppression{stated("fixed", 1, "pkg:deb/debian/libssl3")}, nil},
		"the source":        {[]policy.Suppression{ignore(func(s *policy.Suppression) { s.Package = "openssl" })}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, r := suppressed(t, tc.list...)
			assert.Equal(t, tc.want, r.Notices)
		})
	}
	_, _, r := suppressed(t, slices.Repeat([]policy.Suppression{other}, 105)...)
	require.Len(t, r.Notices, 101)
	assert.Equal(t, "5 more notes on entries that have expired, expire soon, match no finding, or cover a part of one", r.Notices[100])
}

// Of an image in which nothing was looked for, no entry says that it matches nothing.
func TestSuppressNothingAssessed(t *testing.T) {
	o := options()
	o.Suppressions = []policy.Suppression{ignore(func(*policy.Suppression) {})}
	assert.Empty(t, scanWith(t, t.TempDir(), nil, o).Notices)
}

func TestSuppressRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		list []policy.Suppression
		want string
	}{
		"no reason": {[]policy.Suppression{ignore(func(s *policy.Suppression) { s.Reason = "" })},
			"the ignore list's entry for CVE-2024-0001 (.microscanner.yaml:3) has no reason; say why the vulnerability does not count"},
		"no purl": {[]policy.Suppression{ignore(func(s *policy.Suppression) { s.PURLs = []string{"bash"} })},
			`the ignore list's entry for CVE-2024-0001 (.microscanner.yaml:3) names the package "bash", which is no package URL`},
		"too many": {slices.Repeat([]policy.Suppression{ignore(func(*policy.Suppression) {})}, policy.MaxSuppressions+1), "there are more than 10000 entries"},
		"too many of one": {slices.Repeat([]policy.Suppression{ignore(func(*policy.Suppression) {})}, 1001),
			"more than 1000 entries for CVE-2024-0001 in one package"},
		"ids times packages": {[]policy.Suppression{ignore(func(s *policy.Suppression) {
			for i := range 500 {
				s.IDs = append(s.IDs, fmt.Sprint("CVE-2024-", i))
				s.PURLs = append(s.PURLs, fmt.Sprint("pkg:deb/debian/p", i))
			}
		})}, "name more than 200000 packages and vulnerabilities together"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.Suppressions = tc.list
			_, err := tryWith(t, t.TempDir(), nil, o)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// TestSuppressRpm has what the URLs of rpm packages have: an epoch of their own,
// and two names for one vendor.
func TestSuppressRpm(t *testing.T) {
	for purl, want := range map[string]bool{
		"pkg:rpm/redhat/openssl-libs@3.0.7-1.el9?epoch=1": true,
		"pkg:rpm/rhel/openssl-libs@3.0.7-1.el9?epoch=1":   true,
		"pkg:rpm/redhat/openssl@3.0.7-1.el9?arch=src":     true, // the source
		"pkg:rpm/redhat/openssl-libs@3.0.7-1.el9?epoch=0": false,
		"pkg:rpm/redhat/openssl-libs@3.0.7-2.el9":         false,
		"pkg:rpm/redhat/Openssl-libs":                     false,
	} {
		list := []report.Vulnerability{{Name: "CVE-2024-0001"}}
		got := scan.SuppressRpm(t, stated("fixed", 1, purl), list)
		assert.Equal(t, want, got[0].Suppressed != nil, purl)
		assert.Nil(t, list[0].Suppressed, "the list of other packages stays as it is")
	}
}

// BenchmarkSuppress scans the image of BenchmarkRootfs with as many suppressions
// as there may be, none of which match.
func BenchmarkSuppress(b *testing.B) {
	dir, records := fatImage()
	root := scantest.Rootfs(b, dir)
	database := scantest.Open(b, scantest.Database(b, records...))
	o := options()
	for i := range policy.MaxSuppressions {
		o.Suppressions = append(o.Suppressions, stated("not_affected", 1, fmt.Sprintf("pkg:deb/debian/source-%d@0?arch=source", i%300)))
		o.Suppressions[i].IDs[0] = fmt.Sprintf("CVE-2024-%d", 10000+i)
	}
	for b.Loop() {
		require.Empty(b, scanWith(b, root, database, o).Notices)
	}
}
