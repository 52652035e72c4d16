package compile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db/compile"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

// What Canonical's OVAL says of jammy, and its OSV of jammy and mantic: OSV has
// no word for what nobody looked at yet, and calls it affected.
const (
	jammyOVAL = `<oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5"><definitions>` +
		`<definition class="vulnerability" id="oval:com.ubuntu.jammy:def:1" version="1"><metadata><title>CVE-2024-0001 on Ubuntu 22.04 LTS - low</title>` +
		`<affected family="unix"><platform>Ubuntu 22.04 LTS</platform></affected></metadata><criteria>` +
		`<criterion test_ref="t" comment="openssl package in jammy is affected and may need fixing."/></criteria></definition></definitions></oval_definitions>`
	ubuntuOSV = `{"id":"UBUNTU-CVE-2024-0001","modified":"2024-01-01T00:00:00Z","affected":[` +
		`{"package":{"ecosystem":"Ubuntu:22.04:LTS","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]},` +
		`{"package":{"ecosystem":"Ubuntu:23.10","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`
)

// OSV counts for the releases that have no OVAL: what is not yet looked at is
// not reported as affected only because all feeds are read, as they are by
// default.
func TestOSVSupplementsOVALOfUbuntu(t *testing.T) {
	oval, osv := file(t, "com.ubuntu.jammy.cve.oval.xml", jammyOVAL), file(t, "osv.json", ubuntuOSV)
	for _, feeds := range [][]compile.Feed{
		{{Name: "ubuntu", Location: osv}, {Name: "ubuntu-oval", Location: oval}},
		{{Name: "ubuntu", Location: oval}, {Name: "ubuntu", Location: osv}},
	} {
		o := options(t, feeds...)
		_, err := compile.Run(t.Context(), o)
		require.NoError(t, err)
		for release, want := range map[string]string{"22.04": "CVE-2024-0001 under-investigation", "23.10": "CVE-2024-0001 affected"} {
			r, err := scantest.Open(t, o.Output).Release("ubuntu", release)
			require.NoError(t, err)
			rows, err := r.Lookup(advisory.Source, "openssl")
			require.NoError(t, err)
			require.NoError(t, r.Close())
			require.Len(t, rows, 1)
			assert.Equal(t, want, strings.TrimSpace(rows[0].ID+" "+string(rows[0].Status)+" "+rows[0].Fixed), release)
		}
	}
}
