package match_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/severity"
	"github.com/example/microscanner-frontend/scanner/version"
)

const (
	baseOS    = "cpe:/o:redhat:enterprise_linux:9::baseos"
	appStream = "cpe:/a:redhat:enterprise_linux:9::appstream"
	eus       = "cpe:/a:redhat:rhel_eus:9.2::appstream"
	nine      = "cpe:/o:redhat:enterprise_linux:9"
)

// bothKinds are the rules of Red Hat: fixes name binaries, the rest sources.
func bothKinds() match.Rules {
	return match.Rules{Kinds: []advisory.Kind{advisory.Binary, advisory.Source}, Scheme: version.Rpm}
}

func rpmOf(name, version, source, sourceVersion string) inventory.Package {
	return inventory.Package{
		Format: inventory.FormatRpm, Name: name, Version: version, Arch: "x86_64",
		SourceName: source, SourceVersion: sourceVersion, Path: "rpmdb.sqlite",
	}
}

func modular(p inventory.Package, label string) inventory.Package {
	p.Module = label
	return p
}

// ids lists what is found in one package.
func ids(t *testing.T, rules match.Rules, os inventory.OS, advisories fake, p inventory.Package) []string {
	t.Helper()
	r, err := match.Match(&inventory.Inventory{OS: os, Packages: []inventory.Package{p}}, rules, advisories, match.Options{})
	require.NoError(t, err)
	out := []string{}
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			out = append(out, strings.TrimSpace(f.ID+" "+f.Fixed))
		}
	}
	return out
}

func TestTrap15MissingEpochIsZero(t *testing.T) {
	advisories := fake{"binary openssl": {
		{ID: "CVE-2022-0001", Status: advisory.StatusFixed, Fixed: "1:1.1.1k-7.el8"},
		{ID: "CVE-2022-0002", Status: advisory.StatusFixed, Fixed: "1.1.1k-99.el8"},
		{ID: "CVE-2022-0003", Status: advisory.StatusFixed, Fixed: "0:1.1.1k-12.el8"},
	}}
	assert.Equal(t, []string{"CVE-2022-0001 1:1.1.1k-7.el8", "CVE-2022-0002 1.1.1k-99.el8"},
		ids(t, binaries(), inventory.OS{}, advisories, rpmOf("openssl", "1.1.1k-12.el8", "openssl", "1.1.1k-12.el8")))
	assert.Empty(t,
		ids(t, binaries(), inventory.OS{}, advisories, rpmOf("openssl", "1:1.1.1k-7.el8", "openssl", "1.1.1k-7.el8")))
}

// TestTrap16EpochOfTheSource has advisories on a source package, the epoch of
// which stands in no header of rpm's.
func TestTrap16EpochOfTheSource(t *testing.T) {
	rules := match.Rules{Kinds: []advisory.Kind{advisory.Source}, Scheme: version.Rpm}
	advisories := fake{
		"source bind": {{ID: "CVE-2023-0001", Status: advisory.StatusFixed, Fixed: "32:9.16.23-11.el9"}},
		"source perl": {{ID: "CVE-2023-0002", Status: advisory.StatusFixed, Fixed: "4:5.32.1-480.el9"}},
	}
	packages := []inventory.Package{
		rpmOf("bind-libs", "32:9.16.23-11.el9", "bind", "9.16.23-11.el9"),
		rpmOf("perl-libs", "4:5.32.1-480.el9", "perl", "5.32.1-480.el9"),
		rpmOf("perl-Errno", "1.30-480.el9", "perl", "5.32.1-480.el9"), // a version, and no epoch, of its own
	}
	r, err := run(rules, advisories, packages...)
	require.NoError(t, err)
	assert.Empty(t, found(r, packages))

	for i := range packages {
		packages[i].Version = strings.Replace(packages[i].Version, "-480", "-479", 1)
		packages[i].SourceVersion = strings.Replace(packages[i].SourceVersion, "-480", "-479", 1)
	}
	r, err = run(rules, advisories, packages...)
	require.NoError(t, err)
	assert.Equal(t, []string{"perl 4:5.32.1-479.el9 CVE-2023-0002 perl-libs perl-Errno"}, found(r, packages))
}

func TestTrap17ModulesMustBeEqual(t *testing.T) {
	fixed := func(id, module string) db.Advisory {
		return db.Advisory{ID: id, Status: advisory.StatusFixed, Fixed: "1:99-1", Module: module}
	}
	advisories := fake{"binary nodejs": {
		fixed("CVE-2024-0001", ""), fixed("CVE-2024-0002", "nodejs:18"), fixed("CVE-2024-0003", "nodejs:20"), fixed("CVE-2024-0004", "other:18"),
	}}
	p := rpmOf("nodejs", "1:18.19.1-1", "nodejs", "18.19.1-1")
	assert.Equal(t, []string{"CVE-2024-0001 1:99-1"}, ids(t, binaries(), inventory.OS{}, advisories, p))
	assert.Equal(t, []string{"CVE-2024-0002 1:99-1"}, ids(t, binaries(), inventory.OS{}, advisories, modular(p, "nodejs:18:8090020240101:rhel8")))
	assert.Empty(t, ids(t, binaries(), inventory.OS{}, advisories, modular(p, "nodejs:16:8090020240101:rhel8")))
}

// TestTrap17UnknownStream has packages of a module without its label.
func TestTrap17UnknownStream(t *testing.T) {
	advisories := fake{"binary nodejs": {{ID: "CVE-2024-0001", Status: advisory.StatusAffected}}}
	packages := []inventory.Package{
		rpmOf("nodejs", "1:18.19.1-1.module_el8.9.0+3733+1a2b", "nodejs", "18.19.1-1.module_el8.9.0+3733+1a2b"),
		rpmOf("nodejs", "1:18.19.1-1.module+el8.9.0+3733+1a2b", "nodejs", "18.19.1-1.module+el8.9.0+3733+1a2b"),
		modular(rpmOf("nodejs", "1:18.19.1-2", "nodejs", "18.19.1-2"), "nodejs"),
	}
	r, err := run(binaries(), advisories, packages...)
	require.NoError(t, err)
	assert.Empty(t, r.Subjects)
	assert.Equal(t, []int{0, 1, 2}, r.UnknownStream)
	assert.Empty(t, r.Problems)
}

func TestTrap20HighestFixOfTheProduct(t *testing.T) {
	advisories := fake{"binary openssl": {
		{ID: "CVE-2023-0001", Status: advisory.StatusFixed, Fixed: "1:3.0.7-6.el9_2", CPEs: []string{eus}},
		{ID: "CVE-2023-0001", Status: advisory.StatusFixed, Fixed: "1:3.0.7-16.el9_2", CPEs: []string{baseOS}},
		{ID: "CVE-2023-0001", Status: advisory.StatusFixed, Fixed: "1:3.0.7-18.el9", CPEs: []string{appStream}},
	}}
	mainline := inventory.OS{CPEs: []string{baseOS, appStream}}
	p := rpmOf("openssl", "1:3.0.7-17.el9", "openssl", "3.0.7-17.el9")
	assert.Equal(t, []string{"CVE-2023-0001 1:3.0.7-18.el9"}, ids(t, bothKinds(), mainline, advisories, p))
	assert.Empty(t, ids(t, bothKinds(), inventory.OS{CPEs: []string{eus}}, advisories, p))

	// With several fixes of the product to come, the last is the whole one.
	p.Version = "1:3.0.7-5.el9"
	for range 2 {
		assert.Equal(t, []string{"CVE-2023-0001 1:3.0.7-18.el9"}, ids(t, bothKinds(), mainline, advisories, p))
		slices.Reverse(advisories["binary openssl"])
	}
}

func TestTrap21FixesOfOtherProducts(t *testing.T) {
	advisories := fake{"binary python3": {
		{ID: "CVE-2023-0001", Status: advisory.StatusFixed, Fixed: "99-1", CPEs: []string{"cpe:/a:redhat:openstack:17.1::el9"}},
		{ID: "CVE-2023-0002", Status: advisory.StatusAffected, CPEs: []string{"cpe:/a:redhat:enterprise_linux:9"}},
		{ID: "CVE-2023-0003", Status: advisory.StatusAffected, CPEs: []string{"cpe:/o:redhat:enterprise_linux:90", "cpe:/o:redhat:enterprise_linux:8"}},
		{ID: "CVE-2023-0004", Status: advisory.StatusAffected, CPEs: []string{nine}},
		{ID: "CVE-2023-0005", Status: advisory.StatusAffected, CPEs: []string{appStream}},
		{ID: "CVE-2023-0006", Status: advisory.StatusAffected},
	}}
	p := rpmOf("python3", "3-1", "python3", "3-1")
	assert.Equal(t, []string{"CVE-2023-0004", "CVE-2023-0006"}, ids(t, binaries(), inventory.OS{CPEs: []string{baseOS}}, advisories, p))
	assert.Equal(t, []string{"CVE-2023-0004", "CVE-2023-0006"}, ids(t, binaries(), inventory.OS{CPEs: []string{nine}}, advisories, p),
		"a statement on a part does not hold for the whole")
	assert.NotContains(t, ids(t, binaries(), inventory.OS{CPEs: []string{"cpe:/o:redhat:enterprise_linux:91::baseos"}}, advisories, p), "CVE-2023-0004")
	assert.Equal(t, []string{"CVE-2023-0006"}, ids(t, binaries(), inventory.OS{}, advisories, p))
}

func TestTrap22OlderByTheDistributionsOwnRule(t *testing.T) {
	rules := binaries()
	rules.Older = older
	advisories := fake{"binary bash": {
		{ID: "CVE-2020-0001", Status: advisory.StatusFixed, Fixed: "1.0-1.el7_9.1"},
		{ID: "CVE-2020-0002", Status: advisory.StatusFixed, Fixed: "1.0-1.el7_9.2"},
	}}
	assert.Equal(t, []string{"CVE-2020-0002 1.0-1.el7_9.2"}, ids(t, rules, inventory.OS{}, advisories, rpmOf("bash", "1.0-1.el7.centos.1", "bash", "1.0-1.el7.centos.1")))
}

func older(installed, fixed string) (bool, error) {
	order, err := version.Rpm.Compare(strings.Replace(installed, ".el7.centos.", ".el7_9.", 1), fixed)
	return order < 0, err
}

func TestTrap24UnderInvestigation(t *testing.T) {
	advisories := fake{
		"binary a":   {{ID: "CVE-2024-0001", Status: advisory.StatusUnderInvestigation}},
		"binary b":   {{ID: "CVE-2024-0001", Status: advisory.StatusUnderInvestigation}},
		"source src": {{ID: "CVE-2024-0002", Status: advisory.StatusUnderInvestigation}, {ID: "CVE-2024-0002", Status: advisory.StatusAffected}},
	}
	inv := &inventory.Inventory{Packages: []inventory.Package{rpmOf("a", "1-1", "src", "1-1"), rpmOf("b", "1-1", "src", "1-1")}}
	r, err := match.Match(inv, bothKinds(), advisories, match.Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{"a 1-1 CVE-2024-0002 a", "b 1-1 CVE-2024-0002 b"}, found(r, inv.Packages))
	assert.Equal(t, 1, r.UnderInvestigation, "once for the source package")

	r, err = match.Match(inv, bothKinds(), advisories, match.Options{UnderInvestigation: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"a 1-1 CVE-2024-0001 a", "a 1-1 CVE-2024-0002 a", "b 1-1 CVE-2024-0001 b", "b 1-1 CVE-2024-0002 b"}, found(r, inv.Packages))
	assert.Equal(t, advisory.StatusUnderInvestigation, r.Subjects[0].Findings[0].Status)
	assert.Equal(t, advisory.StatusAffected, r.Subjects[0].Findings[1].Status)
}

func TestTrap27NeedsPro(t *testing.T) {
	advisories := fake{"source glibc": {
		{ID: "CVE-2024-0001", Status: advisory.StatusNeedsPro, Fixed: "2.23-0ubuntu11.3+esm7"},
		{ID: "CVE-2024-0002", Status: advisory.StatusFixed, Fixed: "2.23-0ubuntu11.3"},
	}}
	inv := &inventory.Inventory{Packages: []inventory.Package{pkg("libc6", "2.23-0ubuntu11", "glibc", "2.23-0ubuntu11")}}
	for pro, want := range map[bool]struct {
		status advisory.Status
		fix    string
	}{
		false: {advisory.StatusNeedsPro, "2.23-0ubuntu11.3"},
		true:  {advisory.StatusFixed, "2.23-0ubuntu11.3+esm7"},
	} {
		inv.OS.Pro = pro
		r, err := match.Match(inv, sources(), advisories, match.Options{})
		require.NoError(t, err)
		assert.Equal(t, want.status, r.Subjects[0].Findings[0].Status)
		assert.Equal(t, want.fix, r.Subjects[0].FixVersion, "a fix that everybody gets")
	}
	inv.Packages[0].SourceVersion = "2.23-0ubuntu11.3+esm7"
	r, err := match.Match(inv, sources(), advisories, match.Options{})
	require.NoError(t, err)
	assert.Empty(t, r.Subjects, "the fix is installed, however it came there")
}

func TestTrap42ForeignPackages(t *testing.T) {
	rules := binaries()
	rules.Foreign = func(os *inventory.OS, p *inventory.Package) (string, bool) {
		return p.Vendor, p.Vendor != os.Pretty
	}
	advisories := fake{"binary nginx": {{ID: "CVE-2024-0001", Status: advisory.StatusAffected}}}
	var packages []inventory.Package
	for _, vendor := range []string{"Red Hat, Inc.", "nginx", "Fedora Project", "nginx"} {
		p := rpmOf("nginx", "1-1", "nginx", "1-1")
		p.Vendor = vendor
		packages = append(packages, p)
	}
	r, err := match.Match(&inventory.Inventory{OS: inventory.OS{Pretty: "Red Hat, Inc."}, Packages: packages}, rules, advisories, match.Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{"nginx 1-1 CVE-2024-0001 nginx"}, found(r, packages))
	assert.Equal(t, []int{0}, r.Subjects[0].Packages)
	assert.Equal(t, []match.Foreign{{Vendor: "Fedora Project", Packages: []int{2}}, {Vendor: "nginx", Packages: []int{1, 3}}}, r.Foreign)
}

// TestRowsOfSources has fixes of binaries and statements on their source.
func TestRowsOfSources(t *testing.T) {
	os := inventory.OS{CPEs: []string{baseOS}}
	advisories := fake{
		"binary openssl-libs": {
			{ID: "CVE-2024-1000", Status: advisory.StatusFixed, Fixed: "1:3.0.7-20.el9", CPEs: []string{baseOS}, Severity: severity.Low},
			{ID: "CVE-2024-1001", Status: advisory.StatusFixed, Fixed: "1:3.0.7-10.el9", CPEs: []string{baseOS}},
			{ID: "CVE-2024-1002", Status: advisory.StatusFixed, Fixed: "1:3.0.7-10.el9", CPEs: []string{eus}},
			{ID: "CVE-2024-1005", Status: advisory.StatusFixed, Fixed: "1:3.0.7-10.el9", CPEs: []string{baseOS}},
			{ID: "CVE-2024-1005", Status: advisory.StatusFixed, Fixed: "1:3.0.7-30.el9", CPEs: []string{nine}},
		},
		"source openssl": {
			{ID: "CVE-2024-0999", Status: advisory.StatusWillNotFix, CPEs: []string{nine}},
			{ID: "CVE-2024-1000", Status: advisory.StatusAffected, CPEs: []string{nine}, Severity: severity.High, SeveritySource: "rhel"},
			{ID: "CVE-2024-1001", Status: advisory.StatusAffected, CPEs: []string{nine}},
			{ID: "CVE-2024-1002", Status: advisory.StatusAffected, CPEs: []string{nine}},
			{ID: "CVE-2024-1003", Status: advisory.StatusAffected, CPEs: []string{nine}},
			{ID: "CVE-2024-1003", Status: advisory.StatusEndOfLife, CPEs: []string{baseOS}},
			{ID: "CVE-2024-10000", Status: advisory.StatusDeferred, CPEs: []string{nine}},
		},
	}
	p := rpmOf("openssl-libs", "1:3.0.7-18.el9", "openssl", "3.0.7-18.el9")
	r, err := match.Match(&inventory.Inventory{OS: os, Packages: []inventory.Package{p}}, bothKinds(), advisories, match.Options{})
	require.NoError(t, err)
	require.Len(t, r.Subjects, 1)
	var got []string
	for _, f := range r.Subjects[0].Findings {
		got = append(got, strings.TrimSpace(f.ID+" "+string(f.Status)+" "+f.Fixed))
	}
	assert.Equal(t, []string{
		"CVE-2024-0999 will-not-fix",
		"CVE-2024-1000 fixed 1:3.0.7-20.el9", // rather than affected
		// 1001 has its fix; 1002 has that of another product.
		"CVE-2024-1002 affected",
		"CVE-2024-1003 end-of-life",
		"CVE-2024-1005 fixed 1:3.0.7-30.el9",
		"CVE-2024-10000 deferred",
	}, got)
	assert.Equal(t, severity.High, r.Subjects[0].Findings[1].Severity, "the worst of both")
	assert.Equal(t, "rhel", r.Subjects[0].Findings[1].SeveritySource)
	assert.Equal(t, "openssl-libs", r.Subjects[0].Name)
}

// TestArchitecturesOfOneVersion has one package for two architectures, and a
// rule that tells packages of one name apart.
func TestArchitecturesOfOneVersion(t *testing.T) {
	advisories := fake{"binary glibc": {
		{ID: "CVE-2024-0001", Status: advisory.StatusFixed, Fixed: "2-1", Arches: []string{"i686"}},
		{ID: "CVE-2024-0002", Status: advisory.StatusFixed, Fixed: "2-1", Arches: []string{"x86_64"}},
		{ID: "CVE-2024-0003", Status: advisory.StatusFixed, Fixed: "2-1"},
	}}
	packages := []inventory.Package{rpmOf("glibc", "1-1", "glibc", "1-1"), rpmOf("glibc", "1-1", "glibc", "1-1")}
	packages[1].Arch = "i686"
	r, err := run(binaries(), advisories, packages...)
	require.NoError(t, err)
	require.Len(t, r.Subjects, 2)
	assert.Equal(t, []int{0}, r.Subjects[0].Packages)
	assert.Equal(t, "CVE-2024-0002", r.Subjects[0].Findings[0].ID)
	assert.Equal(t, "CVE-2024-0001", r.Subjects[1].Findings[0].ID)
	assert.Len(t, r.Subjects[1].Findings, 2)

	rules := binaries()
	rules.Applies = func(p *inventory.Package, a *db.Advisory) bool { return p.Arch == "i686" && a.ID == "CVE-2024-0003" }
	advisories["binary glibc"] = advisories["binary glibc"][2:]
	r, err = run(rules, advisories, packages...)
	require.NoError(t, err)
	assert.Equal(t, []string{"glibc 1-1 CVE-2024-0003 glibc"}, found(r, packages))
	assert.Equal(t, []int{1}, r.Subjects[0].Packages)
}

type repositories map[string][]string

func (r repositories) Repository(id string) ([]string, bool, error) {
	if id == "broken" {
		return nil, false, errors.New("the table is damaged")
	}
	cpes, ok := r[id]
	return slices.Clone(cpes), ok, nil
}

func TestProducts(t *testing.T) {
	const openstack, eight = "cpe:/a:redhat:openstack:17.1::el9", "cpe:/o:redhat:enterprise_linux:8::baseos"
	table := repositories{
		"base": {baseOS}, "app": {appStream, baseOS}, "openstack": {openstack}, "eight": {eight}, "eus": {eus, nine + ".1"}, "empty": nil,
	}
	for name, tc := range map[string]struct {
		sets, cpes, unknown []string
	}{
		"none":         {nil, []string{nine}, nil},
		"known":        {[]string{"app", "base"}, []string{appStream, baseOS}, nil},
		"some unknown": {[]string{"base", "else"}, []string{baseOS}, []string{"else"}},
		"all unknown":  {[]string{"else", "more"}, []string{nine}, []string{"else", "more"}},
		// An image of a layered product is one of RHEL, too.
		"another product": {[]string{"openstack"}, []string{openstack, nine}, nil},
		"another release": {[]string{"eight"}, []string{nine, eight}, nil},
		"a minor release": {[]string{"eus"}, []string{eus, nine + ".1"}, nil},
		"no product":      {[]string{"empty"}, []string{nine}, nil},
	} {
		cpes, unknown, err := match.Products(&inventory.OS{CPEs: []string{nine}, ContentSets: tc.sets}, table)
		require.NoError(t, err)
		assert.ElementsMatch(t, tc.cpes, cpes, name)
		assert.True(t, slices.IsSorted(cpes), name)
		assert.Equal(t, tc.unknown, unknown, name)
	}
	_, _, err := match.Products(&inventory.OS{ContentSets: []string{"broken"}}, table)
	require.EqualError(t, err, "look up the products of the content set broken: the table is damaged")
}

func TestOlderCannotTell(t *testing.T) {
	rules := binaries()
	rules.Older = func(string, string) (bool, error) { return false, errors.New("no such version") }
	r, err := run(rules, fake{"binary a": {{ID: "CVE-2024-0001", Status: advisory.StatusFixed, Fixed: "2-1"}, {ID: "CVE-2024-0002", Status: advisory.StatusAffected}}}, rpmOf("a", "1-1", "a", "1-1"))
	require.NoError(t, err)
	require.Len(t, r.Problems, 1, "once, although the version is looked at twice")
	assert.Equal(t, "an advisory on a cannot be applied: no such version", r.Problems[0].Reason)
}
