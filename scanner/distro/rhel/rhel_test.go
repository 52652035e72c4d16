package rhel_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro/rhel"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

func recognise(t *testing.T, dir string) (inventory.OS, bool) {
	t.Helper()
	release, err := osrelease.Read(os.DirFS(dir))
	require.NoError(t, err)
	return rhel.Distro().Recognise(release)
}

func TestRecognise(t *testing.T) {
	const line9 = "Red Hat Enterprise Linux release 9.4 (Plow)"
	for name, tt := range map[string]struct {
		files            map[string]string
		release, version string
		unclear          string
		no               bool
	}{
		"RHEL 9": {files: map[string]string{
			"etc/os-release": "ID=rhel\nVERSION_ID=9.4\n", "etc/redhat-release": line9,
		}, release: "9", version: "9.4"},
		"os-release alone": {files: map[string]string{"etc/os-release": "ID=rhel\nVERSION_ID=10.1\n"}, release: "10", version: "10.1"},
		"other minor release in the line": {files: map[string]string{
			"etc/os-release": "ID=rhel\nVERSION_ID=9.2\n", "etc/redhat-release": line9,
		}, release: "9", version: "9.2"},
		"RHEL 5":              {files: map[string]string{"etc/redhat-release": "Red Hat Enterprise Linux Server release 5.11 (Tikanga)"}, release: "5", version: "5.11"},
		"RHEL 6 workstation":  {files: map[string]string{"etc/redhat-release": "Red Hat Enterprise Linux Workstation release 6.10 (Santiago)\n"}, release: "6", version: "6.10"},
		"CPE alone":           {files: map[string]string{"etc/system-release-cpe": "cpe:/o:redhat:enterprise_linux:8.3:ga\n"}, release: "8", version: "8.3"},
		"two releases":        {files: map[string]string{"etc/os-release": "ID=rhel\nVERSION_ID=8.1\n", "etc/redhat-release": line9}, unclear: "cannot be told which release of RHEL"},
		"no release":          {files: map[string]string{"etc/os-release": "ID=rhel\n"}, unclear: "cannot be told which release of RHEL"},
		"release of words":    {files: map[string]string{"etc/os-release": "ID=rhel\nVERSION_ID=nine\n"}, unclear: `VERSION_ID="nine"`},
		"CoreOS":              {files: map[string]string{"etc/os-release": "ID=rhel\nVARIANT_ID=coreos\nVERSION_ID=9.4\n"}, unclear: "RHEL CoreOS is not supported"},
		"Atomic Host":         {files: map[string]string{"etc/os-release": "ID=rhel\nVARIANT_ID=atomic.host\nVERSION_ID=7.9\n"}, unclear: "RHEL Atomic Host is not supported"},
		"CoreOS by its own":   {files: map[string]string{"etc/os-release": "ID=rhcos\nID_LIKE=\"rhel fedora\"\nVERSION_ID=4.16\n"}, no: true},
		"Oracle":              {files: map[string]string{"etc/oracle-release": "Oracle Linux Server release 8.9", "etc/redhat-release": "Red Hat Enterprise Linux release 8.9 (Ootpa)"}, no: true},
		"Rocky":               {files: map[string]string{"etc/rocky-release": "Rocky Linux release 8.9 (Green Obsidian)", "etc/redhat-release": "Red Hat Enterprise Linux release 8.9 (Ootpa)"}, no: true},
		"Scientific Linux":    {files: map[string]string{"etc/redhat-release": "Scientific Linux release 6.10 (Carbon)"}, no: true},
		"CentOS":              {files: map[string]string{"etc/redhat-release": "CentOS release 5.7 (Final)"}, no: true},
		"derivative":          {files: map[string]string{"etc/os-release": "ID=eurolinux\nID_LIKE=rhel\n", "etc/redhat-release": line9}, no: true},
		"nothing":             {no: true},
		"CPE of another line": {files: map[string]string{"etc/redhat-release": "Something release 8", "etc/system-release-cpe": "cpe:/o:redhat:enterprise_linux:8.3:ga"}, no: true},
	} {
		t.Run(name, func(t *testing.T) {
			os, ok := recognise(t, scantest.Rootfs(t, tt.files))
			require.Equal(t, !tt.no, ok)
			if tt.no {
				return
			}
			if tt.unclear != "" {
				assert.Contains(t, os.Unclear, tt.unclear)
				assert.Empty(t, os.Release)
				return
			}
			assert.Empty(t, os.Unclear)
			assert.Equal(t, tt.release, os.Release)
			assert.Equal(t, tt.version, os.Version)
			assert.NotEmpty(t, os.CPEs)
			assert.NotEmpty(t, os.Path)
			assert.NotEqual(t, "an unknown operating system", os.Pretty)
		})
	}
}

// The release files of real systems.
func TestRecogniseReal(t *testing.T) {
	dir := scantest.Shared(t, "rootfs")
	want := map[string]string{
		"rhel-8-ubi-s390x": "8", "release-files/rhel-7": "7", "release-files/rhel-8": "8", "release-files/rhel-8.3-host": "8",
		"release-files/rhel-8.9-host": "8", "release-files/rhel-9": "9", "release-files/grype-redhat": "7",
		"release-files/syft-redhat/from-os-release": "7", "release-files/syft-redhat/from-redhat-release": "8",
		"fragments/ubuntu-pro-and-rhel-eus/rhel_content_manifests": "9", "fragments/ubuntu-pro-and-rhel-eus/rhel_no_manifests": "9",
	}
	for name, release := range want {
		os, ok := recognise(t, dir+"/"+name)
		assert.True(t, ok && os.Unclear == "", name)
		assert.Equal(t, release, os.Release, name)
	}
	atomic, ok := recognise(t, dir+"/release-files/rhel-atomichost-7")
	assert.True(t, ok)
	assert.Contains(t, atomic.Unclear, "RHEL Atomic Host")
	folders, err := os.ReadDir(dir + "/release-files")
	require.NoError(t, err)
	for _, folder := range folders {
		name := "release-files/" + folder.Name()
		if _, ok := recognise(t, dir+"/"+name); ok && want[name] == "" && name != "release-files/rhel-atomichost-7" {
			t.Errorf("%s is not RHEL", name)
		}
	}
}

func TestTrap42VendorOfPackage(t *testing.T) {
	foreign := rhel.Distro().Rules.Foreign
	for vendor, want := range map[string]bool{"Red Hat, Inc.": false, "Red Hat, Inc. <http://bugzilla.redhat.com/bugzilla>": false, "": false, "Fedora Project": true, "CentOS": true, "nginx Inc.": true} {
		who, is := foreign(nil, &inventory.Package{Name: "nginx", Vendor: vendor})
		assert.Equal(t, want, is, vendor)
		assert.Equal(t, vendor, who)
	}
}

func TestLifecycle(t *testing.T) {
	l, ok := rhel.Distro().Lifecycle("7")
	require.True(t, ok)
	assert.Equal(t, time.Date(2024, time.June, 30, 0, 0, 0, 0, time.UTC), l.End)
	assert.True(t, l.Extended.After(l.End))
	assert.NotEmpty(t, l.ExtendedName)
	for _, release := range []string{"5", "6", "8", "9", "10"} {
		l, ok := rhel.Distro().Lifecycle(release)
		require.True(t, ok, release)
		assert.False(t, l.End.IsZero(), release)
	}
	_, ok = rhel.Distro().Lifecycle("11")
	assert.False(t, ok, "a release that is not known")
}

func inspect(t *testing.T, dir string) (inventory.OS, error) {
	t.Helper()
	fsys, err := rootfs.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, fsys.Close()) })
	var os inventory.OS
	err = rhel.Distro().Inspect(fsys, &os, nil)
	return os, err
}

func TestContentSets(t *testing.T) {
	os, err := inspect(t, scantest.Rootfs(t, map[string]string{
		"root/buildinfo/content_manifests/base.json": `{"content_sets": ["b-rpms", "a-rpms__8", "b-rpms"], "image_contents": []}`,
		"root/buildinfo/content_manifests/eus.json":  `{"content_sets": ["a-eus-rpms__9_DOT_2"]}`,
		"root/buildinfo/content_manifests/notes.txt": "no manifest",
		"usr/share/buildinfo/labels.json":            `{"name": "ubi9"}`,
		"usr/share/buildinfo/new.json":               `{"metadata": {"icm_version": 1}, "from_dnf_hint": true, "content_sets": ["c-rpms"]}`,
	}))
	require.NoError(t, err)
	assert.Equal(t, []string{"a-eus-rpms__9_DOT_2", "a-rpms", "b-rpms", "c-rpms"}, os.ContentSets)

	os, err = inspect(t, t.TempDir())
	require.NoError(t, err)
	assert.Empty(t, os.ContentSets)

	for _, bad := range []string{"", "[", `{"content_sets": "a"}`} {
		_, err = inspect(t, scantest.Rootfs(t, map[string]string{"root/buildinfo/content_manifests/base.json": bad}))
		require.ErrorContains(t, err, "the image's content manifest root/buildinfo/content_manifests/base.json is not what Red Hat's builds write")
	}
	_, err = inspect(t, scantest.Rootfs(t, map[string]string{"usr/share/buildinfo/big.json": string(make([]byte, 5<<20))}))
	require.ErrorContains(t, err, "usr/share/buildinfo/big.json")
}

func TestContentSetsReal(t *testing.T) {
	os, err := inspect(t, scantest.Shared(t, "rootfs/fragments/ubuntu-pro-and-rhel-eus/rhel_content_manifests"))
	require.NoError(t, err)
	assert.Equal(t, []string{
		"rhel-9-for-x86_64-appstream-eus-rpms__9_DOT_4", "rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_4",
		"rhel-9-for-x86_64-rt-rpms__9_DOT_4", "rhocp-4.16-for-rhel-9-x86_64-rpms",
	}, os.ContentSets)
}
