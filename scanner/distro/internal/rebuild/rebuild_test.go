package rebuild_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro/internal/rebuild"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/severity"
)

func some() rebuild.Distro {
	return rebuild.Distro{
		ID: "some", Name: "Some Linux", ReleaseID: "somelinux", LineName: "some linux", Vendor: "Some",
		Ends: map[string]string{"9": "2032-05-31"},
	}
}

func TestStreams(t *testing.T) {
	for title, want := range map[string][]string{
		"Important: nodejs:18 security update":                                     {"nodejs:18"},
		"Moderate: virt:rhel and virt-devel:rhel security, bug fix update":         {"virt-devel:rhel", "virt:rhel"},
		"Moderate: python39:3.9, python39-devel:3.9 security update":               {"python39-devel:3.9", "python39:3.9"},
		"Low: pmdk:1_fileformat_v6 update":                                         {"pmdk:1_fileformat_v6"},
		"Important: httpd:2.4/mod_http2 security update":                           {"httpd:2.4"},
		"Important: 389-ds security update":                                        nil,
		"Important: kernel security update":                                        nil,
		"":                                                                         nil,
		"Moderate: perl-App-cpanminus:1.7044 and perl-App-cpanminus:1.7044 update": {"perl-App-cpanminus:1.7044"},
	} {
		assert.Equal(t, want, rebuild.Streams(title), title)
	}
}

func TestIsModular(t *testing.T) {
	for version, want := range map[string]bool{
		"1-1.module_el8.6.0+2904+12ab34cd": true, "1-1.module+el8.3.0+74+855e3f5d": true,
		"1-1.el8_6": false, "1-1.modules.el8": false,
	} {
		assert.Equal(t, want, rebuild.IsModular(version), version)
	}
}

func TestRating(t *testing.T) {
	for title, want := range map[string]severity.Severity{
		"Critical: x": severity.Critical, "Important: x": severity.High, "Moderate: x": severity.Medium, "Low: x": severity.Low,
		"x security update": severity.Unknown, "": severity.Unknown,
	} {
		assert.Equal(t, want, rebuild.Rating(title), title)
	}
}

func TestRecognise(t *testing.T) {
	line := func(name, version string) []osrelease.Line {
		return []osrelease.Line{{Path: "etc/some-release", Text: name + " release " + version, Name: name, Version: version}}
	}
	for name, tc := range map[string]struct {
		release osrelease.Release
		want    string // "release version", empty if it is not recognised
		unclear string
	}{
		"minor":              {osrelease.Release{ID: "somelinux", VersionID: "9.4", Path: "etc/os-release"}, "9 9.4", ""},
		"major":              {osrelease.Release{ID: "somelinux", VersionID: "10"}, "10 10", ""},
		"line too":           {osrelease.Release{ID: "somelinux", VersionID: "9.4", Lines: line("some linux", "9.5")}, "9 9.4", ""},
		"line alone":         {osrelease.Release{Lines: line("some linux", "8.10")}, "8 8.10", ""},
		"number in the line": {osrelease.Release{ID: "somelinux", Lines: line("some linux", "8.10")}, "8 8.10", ""},
		"no number":          {osrelease.Release{ID: "somelinux", Path: "etc/os-release"}, " ", "etc/os-release says VERSION_ID=\"\""},
		"no digits":          {osrelease.Release{ID: "somelinux", VersionID: "x"}, " x", `VERSION_ID="x"`},
		"two numbers":        {osrelease.Release{ID: "somelinux", VersionID: "9.4", Lines: line("some linux", "8.10")}, " 9.4", "etc/some-release says"},
		"another":            {osrelease.Release{ID: "otherlinux", VersionID: "9", Lines: line("some linux", "9.4")}, "", ""},
		"another's line":     {osrelease.Release{Lines: line("other linux", "9.4")}, "", ""},
		"not the first line": {osrelease.Release{Lines: append(line("other linux", "9.4"), line("some linux", "9.4")...)}, "", ""},
		"nothing":            {osrelease.Release{}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			os, ok := some().Describe().Recognise(tc.release)
			require.Equal(t, tc.want != "", ok)
			if !ok {
				return
			}
			assert.Equal(t, tc.want, os.Release+" "+os.Version)
			assert.Equal(t, os.Release == "", os.Unclear != "")
			assert.Contains(t, os.Unclear, tc.unclear)
			assert.Equal(t, "some", os.Distro)
		})
	}
}

func TestTrap42ForeignVendors(t *testing.T) {
	for vendor, want := range map[string]bool{"Some": false, "Some Foundation": false, "": false, "Fedora Project": true, "Awesome": true} {
		name, foreign := some().Describe().Rules.Foreign(nil, &inventory.Package{Vendor: vendor})
		assert.Equal(t, want, foreign, vendor)
		assert.Equal(t, vendor, name)
	}
}

func TestTrap38KernelHeaders(t *testing.T) {
	for name, want := range map[string]bool{
		"kernel-headers": true, "kernel-devel": true, "kernel-rt-devel": true, "kernel-cross-headers": true,
		"kernel": false, "kernel-core": false, "kernel-tools-libs-devel": false, "kernel-uek-tools-libs-devel": false, "glibc-headers": false, "kernelshark-devel": false,
	} {
		assert.Equal(t, want, rebuild.Headers(&inventory.Package{Name: name}), name)
	}
}

// TestTrap40NumbersInReleases has releases that a comparison of texts would
// order the other way.
func TestTrap40NumbersInReleases(t *testing.T) {
	scheme := some().Describe().Rules.Scheme
	for _, pair := range [][2]string{
		{"1-1.el8_9", "1-1.el8_10"}, {"4.18.0-99.el8", "4.18.0-553.el8_10"}, {"1-9.module_el8.9.0+1", "1-10.module_el8.10.0+1"},
	} {
		order, err := scheme.Compare(pair[0], pair[1])
		require.NoError(t, err)
		assert.Negative(t, order, pair)
	}
}

func TestLifecycle(t *testing.T) {
	l, ok := some().Describe().Lifecycle("9")
	assert.True(t, ok)
	assert.Equal(t, 2032, l.End.Year())
	_, ok = some().Describe().Lifecycle("11")
	assert.False(t, ok)
}
