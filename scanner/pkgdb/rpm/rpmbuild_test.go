package rpm_test

import (
	"archive/zip"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// built is a package that rpmbuild is to make.
type built struct {
	name, epoch, version, release, arch string
	source                              string // name-version-release
	module, vendor                      string
}

func (b built) row() string {
	return strings.Join([]string{b.name, cmp.Or(b.epoch, "0"), b.version, b.release, b.arch, b.source + ".src.rpm", b.module, b.vendor}, "\t")
}

func builtRows(list []built) []string {
	out := []string{}
	for _, b := range list {
		out = append(out, b.row())
	}
	slices.Sort(out)
	return out
}

// spec is the source of the packages of one source package, which are of one
// module and vendor. The package with the source's name is the main one.
func spec(source string, list []built) string {
	release := strings.LastIndexByte(source, '-')
	version := strings.LastIndexByte(source[:release], '-')
	name := source[:version]
	head := fmt.Sprintf("Name: %s\nVersion: %s\nRelease: %s\nSummary: s\nLicense: MIT\nVendor: %s\n",
		name, source[version+1:release], source[release+1:], list[0].vendor)
	if list[0].module != "" {
		head += "ModularityLabel: " + list[0].module + "\n"
	}
	sections := ""
	for _, b := range list {
		tags := "Epoch: " + cmp.Or(b.epoch, "0") + "\n"
		if b.arch == "noarch" {
			tags += "BuildArch: noarch\n"
		}
		if b.name == name {
			head += tags
			sections += "%files\n"
			continue
		}
		sections += fmt.Sprintf("%%package -n %[1]s\nVersion: %[2]s\nRelease: %[3]s\nSummary: s\n%[4]s%%description -n %[1]s\n%%files -n %[1]s\n", b.name, b.version, b.release, tags)
	}
	return head + "%description\n" + sections
}

// command runs a program of Debian's package rpm.
func command(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+t.TempDir())
	var out, complaints strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaints
	require.NoError(t, cmd.Run(), complaints.String())
	return out.String()
}

// install makes a root file system with a database that the real rpm wrote.
func install(t testing.TB, list []built) string {
	t.Helper()
	for _, name := range []string{"rpm", "rpmbuild"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("needs %s, of Debian's package rpm", name)
		}
	}
	work, root := t.TempDir(), t.TempDir()
	bySource := map[string][]built{}
	for _, b := range list {
		bySource[b.source] = append(bySource[b.source], b)
	}
	args := []string{
		"-bb", "--quiet", "--target", "x86_64", "--define", "_topdir " + work, "--define", "_rpmdir " + work + "/out",
		"--define", "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.rpm", "--define", "debug_package %{nil}",
		"--define", "__os_install_post %{nil}", "--define", "_binary_payload w0.gzdio",
	}
	for source, group := range bySource {
		path := filepath.Join(work, source+".spec")
		require.NoError(t, os.WriteFile(path, []byte(spec(source, group)), 0o600))
		args = append(args, path)
	}
	command(t, "rpmbuild", args...)
	files, err := filepath.Glob(filepath.Join(work, "out", "*.rpm"))
	require.NoError(t, err)
	require.Len(t, files, len(list))
	command(t, "rpm", append([]string{
		"--dbpath", filepath.Join(root, "var/lib/rpm"), "--define", "_db_backend sqlite",
		"-i", "--justdb", "--nodeps", "--noscripts", "--notriggers", "--nosignature", "--nodigest", "--ignorearch", "--ignoreos", "--force",
	}, files...)...)
	return root
}

// manifest is a package list that Red Hat publishes of an image.
func manifest(t testing.TB, name string) []built {
	t.Helper()
	archive, err := zip.OpenReader(scantest.Shared(t, "redhat/rpm-manifests.zip"))
	require.NoError(t, err)
	defer archive.Close()
	f, err := archive.Open("claircore/rhel/testdata/" + name)
	require.NoError(t, err)
	defer f.Close()
	dt, err := io.ReadAll(f)
	require.NoError(t, err)
	var doc struct {
		RPMs []struct {
			Name, Version, Release, Architecture string
			Source                               string `json:"srpm_nevra"`
		}
	}
	require.NoError(t, json.Unmarshal(dt, &doc))
	out := []built{}
	arch := map[string]string{}
	for _, p := range doc.RPMs {
		if p.Name == "gpg-pubkey" {
			continue
		}
		source := strings.TrimSuffix(p.Source, ".src")
		if at, after, ok := strings.Cut(source, ":"); ok { // an epoch, which file names have not
			source = at[:strings.LastIndexByte(at, '-')+1] + after
		}
		epoch, version, ok := strings.Cut(p.Version, ":")
		if !ok {
			epoch, version = "", p.Version
		}
		// A spec has one architecture, but for its packages without any.
		if strings.HasPrefix(source, p.Name+"-"+version+"-") {
			arch[source] = p.Architecture
		}
		out = append(out, built{
			name: p.Name, epoch: epoch, version: version, release: p.Release, arch: p.Architecture,
			source: source, vendor: "Red Hat, Inc.",
		})
	}
	for i := range out {
		if arch[out[i].source] == "noarch" {
			out[i].arch = "noarch"
		}
	}
	return out
}

// TestRHEL9 reads a database that rpm made of the package list of an image with
// RHEL 9 and the module nodejs:18.
func TestRHEL9(t *testing.T) {
	list := manifest(t, "nodejs.rpm-manifest.json")
	for i, b := range list {
		if strings.HasPrefix(b.source, "nodejs-") {
			list[i].module = "nodejs:18:9020020230327152102:rhel9"
		}
	}
	testInstalled(t, list, 290)
}

// TestOracle reads databases made of the packages of Oracle Linux: numbers
// inserted into Red Hat's, epochs of the flavours ksplice and FIPS, and modules.
func TestOracle(t *testing.T) {
	for _, dist := range []string{"el8", "el9", "el10"} {
		list := []built{}
		add := func(name, epoch, version, release, source, module string) {
			list = append(list, built{name, epoch, version, release, "x86_64", source + "-" + version + "-" + release, module, "Oracle America"})
		}
		add("glibc", "2", "2.34", "60.0.3.ksplice1."+dist, "glibc", "")
		add("glibc-common", "2", "2.34", "60.0.3.ksplice1."+dist, "glibc", "")
		add("gnutls", "10", "3.6.16", "7.0.1."+dist+"_fips", "gnutls", "")
		add("openssl-libs", "1", "3.0.7", "27.0.3."+dist, "openssl", "")
		add("kernel-uek-core", "", "5.15.0", "210.163.7."+dist+"uek", "kernel-uek", "")
		add("kernel-uek-core", "", "5.15.0", "300.163.18."+dist+"uek", "kernel-uek", "")
		add("nodejs", "1", "18.20.4", "1.0.1.module+"+dist+".9.0+90423+4c49f2a3", "nodejs", "nodejs:18:8100020240911143412:489197e6")
		add("bash", "", "5.1.8", "9."+dist, "bash", "")
		t.Run(dist, func(t *testing.T) { testInstalled(t, list, len(list)) })
	}
}

func testInstalled(t *testing.T, list []built, atLeast int) {
	root := install(t, list)
	fsys, err := rootfs.Open(root)
	require.NoError(t, err)
	defer fsys.Close()
	c := read(t, fsys)
	assert.Empty(t, c.Problems())
	assert.GreaterOrEqual(t, len(list), atLeast)
	assert.Equal(t, builtRows(list), rows(c.Packages()))
}
