package scan_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
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
