package centos_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/centos"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
)

const fixtures = "../../feed/csaf/redhat/testdata/"

func recognise(t *testing.T, dir string) (inventory.OS, bool) {
	t.Helper()
	release, err := osrelease.Read(os.DirFS(dir))
	require.NoError(t, err)
	return centos.Distro().Recognise(release)
}

func TestRecognise(t *testing.T) {
	for name, tt := range map[string]struct {
		files            map[string]string
		release, version string
		unclear          string
		no               bool
	}{
		"CentOS 5":  {files: map[string]string{"etc/redhat-release": "CentOS release 5.7 (Final)"}, release: "5", version: "5.7"},
		"CentOS 6":  {files: map[string]string{"etc/centos-release": "CentOS release 6.5 (Final)\n", "etc/redhat-release": "CentOS release 6.5 (Final)\n"}, release: "6", version: "6.5"},
		"CPE alone": {files: map[string]string{"etc/system-release-cpe": "cpe:/o:centos:linux:6:GA\n"}, release: "6", version: "6"},
		"CentOS 7": {files: map[string]string{
			"etc/os-release": "ID=\"centos\"\nNAME=\"CentOS Linux\"\nVERSION_ID=\"7\"\n", "etc/centos-release": "CentOS Linux release 7.7.1908 (Core)\n",
		}, release: "7", version: "7.7.1908"},
		"CentOS 8":         {files: map[string]string{"etc/os-release": "ID=centos\nNAME=\"CentOS Linux\"\nVERSION_ID=8\n"}, release: "8", version: "8"},
		"two releases":     {files: map[string]string{"etc/os-release": "ID=centos\nVERSION_ID=8\n", "etc/centos-release": "CentOS Linux release 7.7.1908 (Core)"}, unclear: "cannot be told which release of CentOS"},
		"no release":       {files: map[string]string{"etc/os-release": "ID=centos\n"}, unclear: "cannot be told which release of CentOS"},
		"Oracle":           {files: map[string]string{"etc/oracle-release": "Oracle Linux Server release 6.10", "etc/system-release-cpe": "cpe:/o:centos:linux:6:GA"}, no: true},
		"RHEL":             {files: map[string]string{"etc/redhat-release": "Red Hat Enterprise Linux release 8.9 (Ootpa)"}, no: true},
		"derivative":       {files: map[string]string{"etc/os-release": "ID=clearos\nID_LIKE=centos\n", "etc/centos-release": "CentOS release 6.5 (Final)"}, no: true},
		"bad CPE":          {files: map[string]string{"etc/system-release-cpe": "cpe:/o:centos:linux"}, no: true},
		"nothing":          {no: true},
		"Scientific Linux": {files: map[string]string{"etc/redhat-release": "Scientific Linux release 6.10 (Carbon)"}, no: true},
	} {
		t.Run(name, func(t *testing.T) {
			os, ok := recognise(t, scantest.Rootfs(t, tt.files))
			require.Equal(t, !tt.no, ok)
			if tt.unclear != "" {
				assert.Contains(t, os.Unclear, tt.unclear)
			} else {
				assert.Empty(t, os.Unclear)
			}
			assert.Equal(t, tt.release, os.Release)
			if tt.release != "" {
				assert.Equal(t, tt.version, os.Version)
				assert.NotEmpty(t, os.Path)
			}
		})
	}
}

func TestTrap23Stream(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"os-release": {"etc/os-release": "NAME=\"CentOS Stream\"\nVERSION=\"9\"\nID=\"centos\"\nVERSION_ID=\"9\"\nPRETTY_NAME=\"CentOS Stream 9\"\n"},
		"line":       {"etc/centos-release": "CentOS Stream release 8\n"},
		"both":       {"etc/os-release": "NAME=\"CentOS Stream\"\nID=centos\nVERSION_ID=8\n", "etc/centos-release": "CentOS Stream release 8\n"},
	} {
		os, ok := recognise(t, scantest.Rootfs(t, files))
		require.True(t, ok, name)
		assert.Empty(t, os.Release, name)
		assert.Contains(t, os.Unclear, "is not supported: its packages run ahead of Red Hat Enterprise Linux", name)
	}
}

// The release files of real systems.
func TestRecogniseReal(t *testing.T) {
	dir := scantest.Shared(t, "rootfs")
	want := map[string]string{
		"centos-5": "5", "centos-6": "6", "centos-7": "7", "centos-8-modular": "8", "release-files/centos-6-host": "6",
		"release-files/centos-7-host": "7", "release-files/grype-centos": "8", "release-files/grype-centos5": "5",
		"release-files/syft-centos5": "5", "release-files/syft-centos6": "6",
	}
	for name, release := range want {
		os, ok := recognise(t, dir+"/"+name)
		assert.True(t, ok && os.Unclear == "", name)
		assert.Equal(t, release, os.Release, name)
	}
	folders, err := os.ReadDir(dir + "/release-files")
	require.NoError(t, err)
	for _, folder := range folders {
		name := "release-files/" + folder.Name()
		if _, ok := recognise(t, dir+"/"+name); ok && want[name] == "" {
			t.Errorf("%s is not CentOS", name)
		}
	}
}

func TestTrap42VendorOfPackage(t *testing.T) {
	for vendor, want := range map[string]bool{
		"CentOS": false, "CentOS BuildSystem <http://bugs.centos.org>": false, "": false,
		"Fedora Project": true, "Red Hat, Inc.": true, "CBS <cbs@centos.org>": true,
	} {
		_, foreign := centos.Distro().Rules.Foreign(nil, &inventory.Package{Name: "nginx", Vendor: vendor})
		assert.Equal(t, want, foreign, vendor)
	}
}

func TestLifecycle(t *testing.T) {
	for release, end := range map[string]string{"5": "2017-03-31", "6": "2020-11-30", "7": "2024-06-30", "8": "2021-12-31"} {
		l, ok := centos.Distro().Lifecycle(release)
		require.True(t, ok)
		assert.Equal(t, end, l.End.Format("2006-01-02"))
	}
	_, ok := centos.Distro().Lifecycle("9")
	assert.False(t, ok, "there was none")
}

// statements gives what the records say of each package, by release, kind, name
// and module.
func statements(t *testing.T, document string) map[string]string {
	t.Helper()
	src, err := feed.NewSource(document, feed.Options{})
	require.NoError(t, err)
	out := map[string]string{}
	_, err = centos.Distro().Feeds[0].Records(context.Background(), src, func(r advisory.Record) error {
		require.NoError(t, r.Validate())
		assert.Equal(t, "centos", r.Distro)
		assert.Empty(t, r.CPEs, "CentOS has no products")
		key := r.Release + " " + string(r.Kind) + " " + r.Package + " " + r.Module
		require.NotContains(t, out, key)
		out[key] = string(r.Status) + " " + r.Fixed
		return nil
	})
	require.NoError(t, err)
	return out
}

// TestTrap20FixesOfCentOS: updates of minor releases, of the extended support
// and of other products never reached CentOS, and none did after its last day.
func TestTrap20FixesOfCentOS(t *testing.T) {
	assert.Equal(t, map[string]string{
		"5 binary glibc ":           "fixed 2.5-107.el5_9.1",
		"6 source openssl ":         "end-of-life ",
		"7 binary bind ":            "end-of-life ", // fixed with extended support
		"7 binary openssl ":         "will-not-fix ",
		"7 source openssl ":         "will-not-fix ",
		"7 binary sudo ":            "fixed 1.8.23-10.el7_9.1",
		"8 binary nodejs nodejs:18": "end-of-life ", // fixed after the last day
		"8 binary nodejs nodejs:20": "end-of-life ",
		"8 source nodejs nodejs:18": "end-of-life ",
		"8 source nodejs nodejs:20": "end-of-life ",
		"8 binary openssl ":         "fixed 1:1.1.1k-6.el8_6",
		"8 binary openssl-doc ":     "fixed 1:1.1.1k-6.el8_6",
		"8 binary openssl-libs ":    "fixed 1:1.1.1k-6.el8_6",
	}, statements(t, fixtures+"vex.json"))
	assert.Equal(t, map[string]string{
		"7 source compat-libtiff3 ":      "end-of-life ",
		"7 source libtiff ":              "end-of-life ",
		"8 binary libtiff ":              "end-of-life ",
		"8 source libtiff ":              "end-of-life ",
		"8 source python39 python39:3.9": "end-of-life ",
	}, statements(t, fixtures+"vex-feed.json"))
}
