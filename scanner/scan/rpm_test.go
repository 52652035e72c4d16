package scan_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

// TestRpm scans a real CentOS 8 with modules, from its package database to the
// report.
func TestRpm(t *testing.T) {
	root := unpacked(t, scantest.Shared(t, "rootfs/centos-8-modular"))
	record := func(id, pkg string, kind advisory.Kind, fixed, module string) advisory.Record {
		r := advisory.Record{ID: id, Distro: "centos", Release: "8", Package: pkg, Kind: kind, Status: advisory.StatusFixed, Fixed: fixed, Module: module}
		if fixed == "" {
			r.Status = advisory.StatusWillNotFix
		}
		return r
	}
	records := []advisory.Record{
		// Trap 15: the installed package has the epoch 1.
		record("CVE-2021-0001", "openssl-libs", advisory.Binary, "1:1.1.1c-16.el8", ""),
		record("CVE-2021-0002", "openssl-libs", advisory.Binary, "1.1.1c-16.el8", ""),
		record("CVE-2021-0003", "openssl", advisory.Source, "", ""),
		// Trap 17: a stream, no stream, another.
		record("CVE-2021-0004", "conmon", advisory.Binary, "2:2.0.7-1", "container-tools:rhel8"),
		record("CVE-2021-0005", "conmon", advisory.Binary, "2:2.0.7-1", ""),
		record("CVE-2021-0006", "conmon", advisory.Binary, "2:2.0.7-1", "container-tools:2.0"),
		// Trap 38.
		record("CVE-2021-0007", "kernel-headers", advisory.Binary, "4.18.0-240.el8", ""),
	}
	r := scanRootfs(t, root, scantest.Open(t, scantest.Database(t, records...)))
	var got []string
	for _, f := range r.AllFindings() {
		got = append(got, f.ID+" "+f.Source.Name+" "+f.Fixed+string(f.Group))
	}
	assert.ElementsMatch(t, []string{
		"CVE-2021-0001 openssl 1:1.1.1c-16.el8", "CVE-2021-0003 openssl ", "CVE-2021-0004 conmon 2:2.0.7-1", "CVE-2021-0007 kernel 4.18.0-240.el8kernel-headers",
	}, got)
	for _, res := range r.Resources {
		if res.Resource.Name == "conmon" {
			assert.Equal(t, "2:2.0.6-1.module_el8.2.0+305+5e198a41", res.Resource.Version)
			assert.Equal(t, "2", res.Resource.Epoch)
			assert.Equal(t, "container-tools:rhel8", res.Resource.Module)
			assert.Equal(t, "pkg:rpm/centos/conmon@2.0.6-1.module_el8.2.0%2B305%2B5e198a41?arch=x86_64&distro=centos-8&epoch=2&rpmmod=container-tools:rhel8:8020020200507003530:0d58ad57", res.Resource.PURL)
		}
	}
	var text bytes.Buffer
	require.NoError(t, report.WriteJSON(&text, r))
	back, err := report.Decode(&text)
	require.NoError(t, err)
	assert.Equal(t, r.Verdict, back.Verdict)
}

// TestRealRpmImages scans every real image with packages of rpm: its own vendor's
// packages are compared, all of them, and those of no other.
func TestRealRpmImages(t *testing.T) {
	for name, tc := range map[string]struct{ distro, release, bash string }{
		"centos-5":          {"centos", "5", "3.2-33.el5_11.4"},
		"centos-6":          {"centos", "6", "4.1.2-48.el6"},
		"centos-7":          {"centos", "7", "4.2.46-30.el7"},
		"centos-8-modular":  {"centos", "8", "4.4.19-10.el8"},
		"rhel-8-ubi-s390x":  {"rhel", "8", "4.4.20-3.el8"},
		"mariner-2.0":       {"azurelinux", "1.0", "5.1.8-1.cm2"},
		"sle-15-bci":        {"suse", "15.2", "4.4-19.6.1"},
		"rhel-8 as Rocky's": {"rocky", "8", ""},
	} {
		t.Run(name, func(t *testing.T) {
			folder := name
			if tc.bash == "" {
				folder = "rhel-8-ubi-s390x"
			}
			root := unpacked(t, scantest.Shared(t, "rootfs/"+folder))
			if tc.bash == "" {
				require.NoError(t, os.Remove(filepath.Join(root, "etc/redhat-release")))
				require.NoError(t, os.WriteFile(filepath.Join(root, "etc/os-release"), []byte("ID=rocky\nVERSION_ID=8.5\n"), 0o600))
			}
			var records []advisory.Record
			for _, kind := range []advisory.Kind{advisory.Binary, advisory.Source} {
				records = append(records,
					advisory.Record{ID: "CVE-2020-0001", Distro: tc.distro, Release: tc.release, Package: "bash", Kind: kind, Status: advisory.StatusFixed, Fixed: "99:1-1"},
					advisory.Record{ID: "CVE-2020-0002", Distro: tc.distro, Release: tc.release, Package: "bash", Kind: kind, Status: advisory.StatusFixed, Fixed: "0.1-1"},
				)
			}
			r := scanRootfs(t, root, scantest.Open(t, scantest.Database(t, records...)))
			assert.Equal(t, tc.distro, r.OS)
			assert.False(t, r.PartialResults)
			if tc.bash == "" {
				assert.Empty(t, r.Findings())
				assert.Equal(t, policy.ExitError, r.Verdict.ExitCode)
				assert.Equal(t, "the image is rocky 8.5, but none of its packages is known to be one of Rocky Linux's own; nothing was assessed (set on-unsupported=warn to let such images pass)", r.Verdict.Reason)
				assert.Contains(t, r.NotAssessed, report.NotAssessed{Reason: "packages that are not the distribution's own, of Red Hat, Inc.", Count: 181})
				return
			}
			assert.Equal(t, []string{"bash " + tc.bash + " CVE-2020-0001"}, foundIn(r))
			for _, n := range r.NotAssessed {
				assert.NotContains(t, n.Reason, "packages that are not the distribution's own")
			}
		})
	}
}
