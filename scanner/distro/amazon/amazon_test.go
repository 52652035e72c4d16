package amazon_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro/amazon"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
)

func TestRecognise(t *testing.T) {
	line := func(text string) []osrelease.Line {
		return []osrelease.Line{{Path: "etc/system-release", Text: text}}
	}
	for name, tc := range map[string]struct {
		release osrelease.Release
		want    string // "release version", empty if it is not recognised
	}{
		"1":                    {osrelease.Release{ID: "amzn", VersionID: "2018.03"}, "1 2018.03"},
		"1, older":             {osrelease.Release{ID: "amzn", VersionID: "2014.09"}, "1 2014.09"},
		"2":                    {osrelease.Release{ID: "amzn", VersionID: "2", Lines: line("Amazon Linux 2")}, "2 2"},
		"2, by its line":       {osrelease.Release{ID: "amzn", Lines: line("Amazon Linux release 2 (Karoo)")}, "2 2"},
		"2022":                 {osrelease.Release{ID: "amzn", VersionID: "2022"}, "2022 2022"},
		"2023":                 {osrelease.Release{ID: "amzn", VersionID: "2023", Lines: line("Amazon Linux release 2023.3.20240108 (Amazon Linux)")}, "2023 2023"},
		"1, no os-release":     {osrelease.Release{Lines: line("Amazon Linux AMI release 2013.03")}, "1 2013.03"},
		"2023, no os-release":  {osrelease.Release{Lines: line("Amazon Linux release 2023.3.20240108 (Amazon Linux)")}, "2023 2023.3.20240108"},
		"no number":            {osrelease.Release{ID: "amzn"}, " "},
		"two numbers":          {osrelease.Release{ID: "amzn", VersionID: "2", Lines: line("Amazon Linux release 2023.3.20240108")}, " 2"},
		"another's os-release": {osrelease.Release{ID: "rhel", VersionID: "9", Lines: line("Amazon Linux 2")}, ""},
		"another's line":       {osrelease.Release{Lines: line("CentOS release 6.10 (Final)")}, ""},
		"nothing":              {osrelease.Release{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			os, ok := amazon.Distro().Recognise(tc.release)
			require.Equal(t, tc.want != "", ok)
			if ok {
				assert.Equal(t, tc.want, os.Release+" "+os.Version)
				assert.Equal(t, os.Release == "", os.Unclear != "")
			}
		})
	}
}

func TestRealReleaseFiles(t *testing.T) {
	r, err := osrelease.Read(os.DirFS(scantest.Shared(t, "rootfs/release-files/amazon-2-host")))
	require.NoError(t, err)
	os, ok := amazon.Distro().Recognise(r)
	assert.True(t, ok)
	assert.Equal(t, "2", os.Release)
}

func TestTrap42ForeignVendors(t *testing.T) {
	for _, tc := range []struct {
		vendor, version string
		want            bool
	}{
		{"Amazon Linux", "1.20-1.amzn2", false},
		{"Amazon.com", "1.20-1", false},
		{"Amazon AWS", "1.20-1.amzn2023", false},
		{"", "1.20-1.amzn1", false},
		{"", "1.20-1.el7.ngx", true},
		{"Fedora Project", "1.20-1.el7", true},
		{"NGINX, Inc.", "1.20-1.amzn2.ngx", true},
	} {
		vendor, foreign := amazon.Distro().Rules.Foreign(nil, &inventory.Package{Name: "nginx", Vendor: tc.vendor, Version: tc.version})
		assert.Equal(t, tc.want, foreign, tc)
		assert.True(t, !foreign || vendor != "", tc)
	}
}

func TestTrap38KernelHeaders(t *testing.T) {
	for name, want := range map[string]bool{
		"kernel-headers": true, "kernel-devel": true, "kernel6.12-headers": true, "kernel6.12-devel": true,
		"kernel": false, "kernel6.12": false, "kernel-tools-devel": false, "glibc-headers": false, "headers": false,
	} {
		assert.Equal(t, want, amazon.Distro().Rules.Headers(&inventory.Package{Name: name}), name)
	}
}

func TestLifecycle(t *testing.T) {
	for release, want := range map[string]string{"1": "2023-12-31", "2": "2026-06-30", "2022": "2023-03-15", "2023": "2029-06-30"} {
		l, ok := amazon.Distro().Lifecycle(release)
		require.True(t, ok, release)
		assert.Equal(t, want, l.End.Format(time.DateOnly))
	}
	_, ok := amazon.Distro().Lifecycle("3")
	assert.False(t, ok)
}

// TestApplies has packages that may come from a topic, or from elsewhere.
func TestApplies(t *testing.T) {
	const base = "cpe:/o:amazon:linux:2"
	for _, tc := range []struct {
		installed string
		cpes      []string
		want      bool
	}{
		{"4.14.355-275.572.amzn2", nil, true},
		{"5.15.43-20.amzn2", []string{base, base + "::extras-kernel-5.15:5.15"}, true},
		{"1:5.15.43-20.amzn2", []string{base, base + "::extras-kernel-5.15:5.15"}, true},
		{"5.10.1-1.amzn2", []string{base, base + "::extras-kernel-5.15:5.15"}, false},
		{"5.1.15-1.amzn2", []string{base, base + "::extras-kernel-5.15:5.15"}, false},
		{"4.14.355-275.572.amzn2", []string{base, base + "::extras-kernel-5.15:5.15"}, false},
		{"6.2.6-1.amzn2", []string{base, base + "::extras-redis6:6"}, true},
		{"4.0.14-2.amzn2", []string{base, base + "::extras-redis6:6"}, false},
		{"20.10.25-1.amzn2", []string{base, base + "::extras-docker"}, true},
		{"2.76-16.amzn2", []string{base, base + "::extras-dnsmasq:2.85"}, false},
	} {
		a := &db.Advisory{CPEs: tc.cpes}
		assert.Equal(t, tc.want, amazon.Distro().Rules.Applies(&inventory.Package{Version: tc.installed}, a), "%s %v", tc.installed, tc.cpes)
	}
}
