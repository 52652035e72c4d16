package match_test

import (
	"errors"
	"fmt"
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

// fake is advisories by kind and package, selected as *db.Release does.
type fake map[string][]db.Advisory

func (f fake) Select(kind advisory.Kind, name string, want func(string) (bool, error)) ([]db.Advisory, error) {
	var out []db.Advisory
	for _, a := range f[string(kind)+" "+name] {
		keep := true
		if a.Fixed != "" {
			var err error
			if keep, err = want(a.Fixed); err != nil {
				return nil, err
			}
		}
		if keep {
			out = append(out, a)
		}
	}
	return out, nil
}

func pkg(name, version, source, sourceVersion string) inventory.Package {
	return inventory.Package{Name: name, Version: version, SourceName: source, SourceVersion: sourceVersion, Path: "status"}
}

// run matches packages by rules without products.
func run(rules match.Rules, advisories match.Advisories, packages ...inventory.Package) (match.Result, error) {
	return match.Match(&inventory.Inventory{Packages: packages}, rules, advisories, match.Options{})
}

// The rules of dpkg's distributions, and of those of rpm that name binaries.
func sources() match.Rules {
	return match.Rules{Kinds: []advisory.Kind{advisory.Source}, Scheme: version.Deb}
}

func binaries() match.Rules {
	return match.Rules{Kinds: []advisory.Kind{advisory.Binary}, Scheme: version.Rpm}
}

// found lists findings as "subject version id", with the packages behind it.
func found(r match.Result, packages []inventory.Package) []string {
	out := []string{}
	for _, s := range r.Subjects {
		names := ""
		for _, n := range s.Packages {
			names += " " + packages[n].Name
		}
		for _, f := range s.Findings {
			out = append(out, s.Name+" "+s.Version+" "+f.ID+names)
		}
	}
	return out
}

func TestMatch(t *testing.T) {
	fixed := func(id, version string) db.Advisory {
		return db.Advisory{ID: id, Status: advisory.StatusFixed, Fixed: version}
	}
	advisories := fake{
		"source glibc": {fixed("CVE-1", "2.36-9+deb12u1"), fixed("CVE-2", "2.36-9"), fixed("CVE-3", "2.36-9+deb12u10"), fixed("CVE-4", "2.36-9+deb12u9")},
		// The binary's version has an epoch that the source's has not.
		"source util-linux": {fixed("CVE-5", "2.38.1-6")},
		"source bsdutils":   {fixed("CVE-6", "9:1")},
		"binary libc6":      {fixed("CVE-7", "9:1")},
		"source zlib": {
			{ID: "CVE-10", Status: advisory.StatusAffected},
			{ID: "CVE-11", Status: advisory.StatusDeferred},
			{ID: "CVE-12", Status: advisory.StatusWillNotFix},
			{ID: "CVE-13", Status: advisory.StatusEndOfLife},
			{ID: "CVE-14", Status: advisory.StatusUnderInvestigation},
			{ID: "CVE-15", Status: advisory.StatusNotAffected},
		},
	}
	packages := []inventory.Package{
		pkg("zlib1g", "1", "zlib", "1"),
		pkg("libc6", "2.36-9", "glibc", "2.36-9"),
		pkg("libc-bin", "2.36-9", "glibc", "2.36-9"),
		pkg("libc6", "2.36-9+deb12u9", "glibc", "2.36-9+deb12u9"),
		pkg("bsdutils", "1:2.38.1-5", "util-linux", "2.38.1-5"),
		pkg("clean", "1", "clean", "1"),
	}
	r, err := run(sources(), advisories, packages...)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"glibc 2.36-9 CVE-1 libc6 libc-bin",
		"glibc 2.36-9 CVE-3 libc6 libc-bin",
		"glibc 2.36-9 CVE-4 libc6 libc-bin",
		"glibc 2.36-9+deb12u9 CVE-3 libc6",
		"util-linux 2.38.1-5 CVE-5 bsdutils",
		"zlib 1 CVE-10 zlib1g",
		"zlib 1 CVE-11 zlib1g",
		"zlib 1 CVE-12 zlib1g",
		"zlib 1 CVE-13 zlib1g",
	}, found(r, packages))
	assert.Empty(t, r.Problems)
	assert.Equal(t, 1, r.UnderInvestigation)
	assert.Equal(t, "2.36-9+deb12u10", r.Subjects[0].FixVersion, "the highest fix, by the scheme's order")
	assert.Empty(t, r.Subjects[3].FixVersion)
}

func TestArchitectures(t *testing.T) {
	advisories := fake{"source a": {
		{ID: "CVE-1", Status: advisory.StatusAffected, Arches: []string{"amd64", "i386"}},
		{ID: "CVE-2", Status: advisory.StatusAffected, Arches: []string{"s390x"}},
		{ID: "CVE-3", Status: advisory.StatusUnderInvestigation, Arches: []string{"s390x"}},
		{ID: "CVE-5", Status: advisory.StatusAffected},
	}}
	for arch, want := range map[string][]string{
		"amd64": {"a 1 CVE-1 a", "a 1 CVE-5 a"},
		"s390x": {"a 1 CVE-2 a", "a 1 CVE-5 a"},
		"arm64": {"a 1 CVE-5 a"},
		"all":   {"a 1 CVE-1 a", "a 1 CVE-2 a", "a 1 CVE-5 a"},
		"":      {"a 1 CVE-1 a", "a 1 CVE-2 a", "a 1 CVE-5 a"},
	} {
		p := pkg("a", "1", "a", "1")
		p.Arch = arch
		r, err := run(sources(), advisories, p)
		require.NoError(t, err)
		assert.Equal(t, want, found(r, []inventory.Package{p}), arch)
		assert.Equal(t, arch == "s390x" || arch == "all" || arch == "", r.UnderInvestigation == 1, arch)
	}
}

func TestOneFindingForAnID(t *testing.T) {
	advisories := fake{"source a": {
		{ID: "CVE-1", Status: advisory.StatusAffected, Severity: severity.High, SeveritySource: "nvd", Aliases: []string{"X-1"}},
		{ID: "CVE-1", Status: advisory.StatusFixed, Fixed: "10", Severity: severity.Low, SeveritySource: "debian"},
		{ID: "CVE-1", Status: advisory.StatusFixed, Fixed: "9", Severity: severity.Critical, SeveritySource: "cna", Aliases: []string{"X-1", "X-2"}},
		{ID: "CVE-2", Status: advisory.StatusAffected},
	}}
	r, err := run(sources(), advisories, pkg("a", "1", "a", "1"))
	require.NoError(t, err)
	require.Len(t, r.Subjects, 1)
	assert.Equal(t, []db.Advisory{
		{ID: "CVE-1", Status: advisory.StatusFixed, Fixed: "10", Severity: severity.Critical, SeveritySource: "cna", Aliases: []string{"X-1", "X-2"}},
		{ID: "CVE-2", Status: advisory.StatusAffected},
	}, r.Subjects[0].Findings)
	assert.Equal(t, "10", r.Subjects[0].FixVersion)
}

func TestMatchBinaryNames(t *testing.T) {
	advisories := fake{"binary libc6": {{ID: "CVE-7", Status: advisory.StatusFixed, Fixed: "9"}}}
	packages := []inventory.Package{pkg("libc6", "2", "glibc", "99")}
	r, err := run(binaries(), advisories, packages...)
	require.NoError(t, err)
	assert.Equal(t, []string{"libc6 2 CVE-7 libc6"}, found(r, packages))
}

func TestVersionsThatCannotBeCompared(t *testing.T) {
	advisories := fake{
		"source a": {{ID: "CVE-1", Status: advisory.StatusFixed, Fixed: "2"}, {ID: "CVE-2", Status: advisory.StatusFixed, Fixed: "3"}, {ID: "CVE-3", Status: advisory.StatusAffected}},
		"source b": {{ID: "CVE-4", Status: advisory.StatusFixed, Fixed: "x:1"}, {ID: "CVE-5", Status: advisory.StatusFixed, Fixed: "2"}},
	}
	packages := []inventory.Package{pkg("a", "bad:1", "a", "bad:1"), pkg("b", "1", "b", "1"), pkg("c", "bad:1", "c", "bad:1")}
	r, err := run(sources(), advisories, packages...)
	require.NoError(t, err)
	// What does not depend on the version is found all the same.
	assert.Equal(t, []string{"a bad:1 CVE-3 a", "b 1 CVE-5 b"}, found(r, packages))
	// Once for a package, however many advisories; and not at all for a package
	// that no advisory speaks of.
	require.Len(t, r.Problems, 2)
	assert.Equal(t, `the advisories on a cannot be applied: invalid deb version "bad:1": the epoch, before the colon, is not a number`, r.Problems[0].Reason)
	assert.Equal(t, `an advisory on b cannot be applied: invalid deb version "x:1": the epoch, before the colon, is not a number`, r.Problems[1].Reason)
	assert.Equal(t, "status", r.Problems[0].Path)
}

type broken struct{}

func (broken) Select(advisory.Kind, string, func(string) (bool, error)) ([]db.Advisory, error) {
	return nil, errors.New("the file is damaged")
}

func TestDatabaseErrors(t *testing.T) {
	_, err := run(sources(), broken{}, pkg("a", "1", "a", "1"))
	require.EqualError(t, err, "look up the advisories on a: the file is damaged")
}

func TestTooManyFindings(t *testing.T) {
	advisories := fake{}
	for i := range 600 {
		advisories["source linux"] = append(advisories["source linux"], db.Advisory{ID: fmt.Sprintf("CVE-%d", i), Status: advisory.StatusAffected})
	}
	var packages []inventory.Package
	for i := range 500 {
		packages = append(packages, pkg(fmt.Sprintf("p%d", i), "1", "linux", "1"))
	}
	_, err := run(sources(), advisories, packages...)
	require.EqualError(t, err, "the image has more than 120000 findings")
}
