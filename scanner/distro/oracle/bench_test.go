package oracle_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/oracle"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// BenchmarkImport imports a document of the size of the real one: 10,000
// advisories on 25 packages for two architectures, with four CVEs each.
func BenchmarkImport(b *testing.B) {
	const advisories, packages = 10_000, 25
	path := filepath.Join(b.TempDir(), "oval.xml")
	writeLarge(b, path, advisories, packages)
	info, err := os.Stat(path)
	require.NoError(b, err)
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		src, err := feed.NewSource(path, feed.Options{})
		require.NoError(b, err)
		stats, err := oracle.Import(context.Background(), src, func(advisory.Record) error { return nil })
		require.NoError(b, err)
		require.Equal(b, 4*advisories*packages, stats.Rows)
	}
}

func writeLarge(b *testing.B, path string, advisories, packages int) {
	b.Helper()
	f, err := os.Create(path)
	require.NoError(b, err)
	w := bufio.NewWriter(f)
	p := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	p(`<oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5"><definitions>`)
	for a := range advisories {
		p(`<definition id="oval:com.oracle.elsa:def:%d" version="501" class="patch"><metadata><title>ELSA-2024-%d: an example security update (IMPORTANT)</title>`, a, a)
		p(`<reference source="elsa" ref_id="ELSA-2024-%d" ref_url="https://linux.oracle.com/errata/ELSA-2024-%d.html"/>`, a, a)
		for n := range 4 {
			p(`<reference source="CVE" ref_id="CVE-2024-%d%04d" ref_url="https://linux.oracle.com/cve/CVE-2024-%d%04d.html"/>`, n+1, a, n+1, a)
		}
		p(`<description>%4000s</description></metadata><criteria operator="AND"><criterion test_ref="oval:com.oracle.elsa:tst:%d001" comment="Oracle Linux 8 is installed"/><criteria operator="OR">`, "a list of changes", a)
		for arch := 2; arch <= 3; arch++ {
			p(`<criteria operator="AND"><criterion test_ref="oval:com.oracle.elsa:tst:%d00%d" comment="Oracle Linux arch is x86_64"/><criteria operator="OR">`, a, arch)
			for n := range packages {
				p(`<criteria operator="AND"><criterion test_ref="oval:com.oracle.elsa:tst:%d1%02d" comment="example%d is earlier than 0:2.4.37-65.0.1.el8"/><criterion test_ref="oval:com.oracle.elsa:tst:%d2%02d" comment="example%d is signed with the Oracle Linux 8 key"/></criteria>`, a, n, n, a, n, n)
			}
			p(`</criteria></criteria>`)
		}
		p(`</criteria></criteria></definition>`)
	}
	writeLargeTests(p, advisories, packages)
	require.NoError(b, w.Flush())
	require.NoError(b, f.Close())
}

func writeLargeTests(p func(string, ...any), advisories, packages int) {
	const test = `<rpminfo_test id="oval:com.oracle.elsa:tst:%d%s" version="501" comment="some words on what this test looks at, here" check="at least one" xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5#linux"><object object_ref="oval:com.oracle.elsa:obj:%d%s"/><state state_ref="oval:com.oracle.elsa:ste:%d%s"/></rpminfo_test>`
	const object = `<rpminfo_object xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5#linux" id="oval:com.oracle.elsa:obj:%d%s" version="501"><name>%s</name></rpminfo_object>`
	const state = `<rpminfo_state xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5#linux" id="oval:com.oracle.elsa:ste:%d%s" version="501">%s</rpminfo_state>`
	p(`</definitions><tests>`)
	for a := range advisories {
		for _, s := range []string{"001", "002", "003"} {
			p(test, a, s, a, "001", a, s)
		}
		for n := range packages {
			number := fmt.Sprintf("%02d", n)
			p(test, a, "1"+number, a, "1"+number, a, "1"+number)
			p(test, a, "2"+number, a, "1"+number, a, "004")
		}
	}
	p(`</tests><objects>`)
	for a := range advisories {
		p(object, a, "001", "oraclelinux-release")
		for n := range packages {
			p(object, a, fmt.Sprintf("1%02d", n), fmt.Sprintf("example%d", n))
		}
	}
	p(`</objects><states>`)
	for a := range advisories {
		p(state, a, "001", `<version operation="pattern match">^8</version>`)
		p(state, a, "002", `<arch operation="pattern match">x86_64</arch>`)
		p(state, a, "003", `<arch operation="pattern match">aarch64</arch>`)
		p(state, a, "004", `<signature_keyid operation="equals">82562ea9ad986da3</signature_keyid>`)
		for n := range packages {
			p(state, a, fmt.Sprintf("1%02d", n), `<evr datatype="evr_string" operation="less than">0:2.4.37-65.0.1.el8</evr>`)
		}
	}
	p(`</states></oval_definitions>`)
}
