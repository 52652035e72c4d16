package all_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
)

func TestListIsComplete(t *testing.T) {
	list := all.List()
	assert.True(t, slices.IsSortedFunc(list, func(a, b distro.Distro) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	}))
	for _, d := range list {
		assert.NotEmpty(t, d.ID)
		assert.NotEmpty(t, d.Name, d.ID)
		assert.NotEmpty(t, d.Databases, d.ID)
		assert.NotEmpty(t, d.Rules.Scheme, d.ID)
		assert.NotEmpty(t, d.Rules.Kinds, d.ID)
		assert.NotNil(t, d.Recognise, d.ID)
		assert.NotNil(t, d.Read, d.ID)
		assert.True(t, slices.ContainsFunc(d.Feeds, func(f feed.Feed) bool { return f.Name == d.ID }), d.ID)
		found, ok := distro.ByID(list, d.ID)
		assert.True(t, ok)
		assert.Equal(t, d.Name, found.Name)
	}
	_, ok := distro.ByID(list, "nobody")
	assert.False(t, ok)
}

// TestRecognise has every release file beside what at most one distribution
// makes of it.
func TestRecognise(t *testing.T) {
	for name, tc := range map[string]struct {
		release osrelease.Release
		want    string // "distro release version"
	}{
		"Debian stable":            {osrelease.Release{ID: "debian", VersionID: "12", DebianVersion: "12.9"}, "debian 12 12"},
		"Debian with a point":      {osrelease.Release{ID: "debian", VersionID: "11.6"}, "debian 11 11.6"},
		"Debian sid":               {osrelease.Release{ID: "debian", DebianVersion: "forky/sid"}, "debian sid "},
		"Debian says nothing":      {osrelease.Release{ID: "debian"}, "debian unclear "},
		"Debian says other things": {osrelease.Release{ID: "debian", DebianVersion: "testing/unstable"}, "debian unclear "},
		"Debian, two releases":     {osrelease.Release{ID: "debian", VersionID: "12", DebianVersion: "11.6"}, "debian unclear 12"},
		"Debian, number and sid":   {osrelease.Release{ID: "debian", VersionID: "12", DebianVersion: "trixie/sid"}, "debian unclear 12"},
		"Alpine, three numbers":    {osrelease.Release{ID: "alpine", VersionID: "3.20.1", AlpineRelease: "3.20.3"}, "alpine 3.20 3.20.1"},
		"Alpine, two snapshots":    {osrelease.Release{ID: "alpine", VersionID: "3.22.0_alpha20250108", AlpineRelease: "3.23.0_alpha20251016"}, "alpine edge 3.22.0_alpha20250108"},
		"Alpine, two branches":     {osrelease.Release{ID: "alpine", VersionID: "3.20.1", AlpineRelease: "3.18.12"}, "alpine unclear 3.20.1"},
		"Alpine, number and edge":  {osrelease.Release{ID: "alpine", VersionID: "3.20.1", AlpineRelease: "3.21.0_alpha20240923"}, "alpine unclear 3.20.1"},
		"Alpine says nothing":      {osrelease.Release{ID: "alpine"}, "alpine unclear "},
		"Debian, number in file":   {osrelease.Release{ID: "debian", DebianVersion: "13.1"}, "debian 13 13.1"},
		"Debian 6, no os-release":  {osrelease.Release{DebianVersion: "6.0.7"}, "debian 6 6.0.7"},
		"Debian old sid, no id":    {osrelease.Release{DebianVersion: "wheezy/sid"}, "debian sid "},
		"Ubuntu":                   {osrelease.Release{ID: "ubuntu", IDLike: "debian", VersionID: "24.04", DebianVersion: "trixie/sid"}, "ubuntu 24.04 24.04"},
		"Ubuntu says nothing":      {osrelease.Release{ID: "ubuntu"}, "ubuntu unclear "},
		"Ubuntu with a point":      {osrelease.Release{ID: "ubuntu", VersionID: "12.04.5"}, "ubuntu 12.04 12.04.5"},
		"Kali":                     {osrelease.Release{ID: "kali", IDLike: "debian", VersionID: "2024.1", DebianVersion: "kali-rolling"}, ""},
		"Raspbian":                 {osrelease.Release{ID: "raspbian", IDLike: "debian", VersionID: "12", DebianVersion: "12.9"}, "debian 12 12"},
		"Alpine":                   {osrelease.Release{ID: "alpine", VersionID: "3.20.3"}, "alpine 3.20 3.20.3"},
		"Alpine, two digits":       {osrelease.Release{ID: "alpine", VersionID: "3.9"}, "alpine 3.9 3.9"},
		"Alpine candidate":         {osrelease.Release{ID: "alpine", VersionID: "3.10.0_rc4"}, "alpine 3.10 3.10.0_rc4"},
		"Alpine edge":              {osrelease.Release{ID: "alpine", VersionID: "3.19_alpha20230901"}, "alpine edge 3.19_alpha20230901"},
		"Alpine edge, three":       {osrelease.Release{ID: "alpine", VersionID: "3.24.0_alpha20251224"}, "alpine edge 3.24.0_alpha20251224"},
		"Alpine git":               {osrelease.Release{ID: "alpine", VersionID: "3.3_git20151201"}, "alpine edge 3.3_git20151201"},
		"Alpine edge by its word":  {osrelease.Release{ID: "alpine", VersionID: "edge"}, "alpine edge edge"},
		"Alpine, number elsewhere": {osrelease.Release{ID: "alpine", AlpineRelease: "3.18.5"}, "alpine 3.18 3.18.5"},
		"Alpine, no os-release":    {osrelease.Release{AlpineRelease: "3.3.1"}, "alpine 3.3 3.3.1"},
		"postmarketOS":             {osrelease.Release{ID: "postmarketos", IDLike: "alpine", VersionID: "v24.06"}, ""},
		"Wolfi":                    {osrelease.Release{ID: "wolfi", VersionID: "20230201"}, "wolfi  20230201"},
		"Chainguard":               {osrelease.Release{ID: "chainguard", VersionID: "20230214"}, "chainguard  20230214"},
		"AlmaLinux":                {osrelease.Release{ID: "almalinux", IDLike: "rhel centos fedora", VersionID: "8.4"}, "alma 8 8.4"},
		"Rocky Linux":              {osrelease.Release{ID: "rocky", IDLike: "rhel centos fedora", VersionID: "9.4"}, "rocky 9 9.4"},
		"Amazon Linux 1":           {osrelease.Release{ID: "amzn", IDLike: "rhel fedora", VersionID: "2018.03"}, "amazon 1 2018.03"},
		"Amazon Linux 2":           {osrelease.Release{ID: "amzn", IDLike: "centos rhel fedora", VersionID: "2"}, "amazon 2 2"},
		"Amazon Linux 2023":        {osrelease.Release{ID: "amzn", IDLike: "fedora", VersionID: "2023"}, "amazon 2023 2023"},
		"nobody":                   {osrelease.Release{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, d := range all.List() {
				if os, ok := d.Recognise(tc.release); ok {
					require.Equal(t, d.ID, os.Distro)
					require.NotEmpty(t, os.Path+tc.release.ID)
					if d.Lifecycle != nil { // A rolling distribution has no release.
						require.NotEqual(t, os.Release == "", os.Unclear == "", os.Unclear)
					}
					if os.Unclear != "" {
						os.Release = "unclear"
					}
					got = append(got, os.Distro+" "+os.Release+" "+os.Version)
				}
			}
			if tc.want == "" {
				assert.Empty(t, got)
				return
			}
			assert.Equal(t, []string{tc.want}, got)
		})
	}
}

// TestOddInput gives the rules what no package and no release file of a real
// image says: none may panic.
func TestOddInput(t *testing.T) {
	odd := []string{"", ":", "-", ".", "~", "_", "0", "::::", "-:-.", "1:", ":1", "\x00\xff", "…", ".el", ".el7_", ".el7.centos.", "x.module_el", "kernel-", "-headers", "99999999999999999999:1-1", "12", "3.20", "edge/sid", "/sid", "cpe:/o:redhat:enterprise_linux:", "Amazon Linux", "CentOS release  (Final)", strings.Repeat("9", 500)}
	for _, d := range all.List() {
		for _, a := range odd {
			for _, b := range odd {
				oddRules(d, a, b)
				for _, id := range []string{"", "debian", "ubuntu", "alpine", "amzn", "azurelinux", "centos", "ol", "rhel", "rocky", "almalinux", "sles", "opensuse", "wolfi"} {
					os, ok := d.Recognise(osrelease.Release{
						ID: id, VersionID: a, DebianVersion: b, AlpineRelease: b, SystemCPE: b, CPEName: a, PrettyName: b, Name: a,
						Lines: []osrelease.Line{{Path: "etc/redhat-release", Text: a, Name: b, Version: b}},
					})
					if ok {
						assert.Equal(t, d.ID, os.Distro)
					}
				}
			}
		}
	}
}

// oddRules calls the rules that the distribution has.
func oddRules(d distro.Distro, a, b string) {
	p := &inventory.Package{Format: inventory.FormatRpm, Name: a, Version: b, SourceName: b, SourceVersion: a, Vendor: b, Module: a}
	if d.Rules.Foreign != nil {
		d.Rules.Foreign(&inventory.OS{Release: a}, p)
	}
	if d.Rules.Headers != nil {
		d.Rules.Headers(p)
	}
	if d.Rules.Applies != nil {
		d.Rules.Applies(p, &db.Advisory{Fixed: a, CPEs: []string{b, a}})
	}
	if d.Rules.Older != nil {
		_, _ = d.Rules.Older(a, b)
	}
	if d.Lifecycle != nil {
		d.Lifecycle(a)
	}
}
