package openvex_test

import (
	"bytes"
	"flag"
	"testing"

	"github.com/openvex/go-vex/pkg/vex"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/openvex"
)

var update = flag.Bool("update", false, "write the golden files")

func write(t testing.TB, reports ...*report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, openvex.WriteAll(&b, reports))
	return b.Bytes()
}

// check validates every statement as the library does.
func check(t testing.TB, got []byte) *vex.VEX {
	t.Helper()
	doc, err := vex.Parse(got)
	require.NoError(t, err)
	require.Equal(t, "https://openvex.dev/ns/v0.2.0", doc.Context)
	require.NotEmpty(t, doc.ID)
	require.NotNil(t, doc.Timestamp)
	for _, s := range doc.Statements {
		require.NoError(t, s.Validate())
		require.NotEmpty(t, s.Vulnerability.Name)
	}
	return doc
}

func TestWrite(t *testing.T) {
	for name, reports := range reporttest.Samples() {
		got := write(t, reports...)
		reporttest.GoldenJSON(t, *update, name+".openvex.json", got)
		check(t, got)
	}
}

// TestReadBack asks the document as a scanner does that suppresses by it.
func TestReadBack(t *testing.T) {
	doc := check(t, write(t, reporttest.Sample()))
	const image = "pkg:oci/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08?arch=amd64&repository_url=registry.example.com/team/app"
	const zlib = "pkg:deb/debian/zlib1g@1:1.2?arch=amd64&distro=debian-12"
	for id, want := range map[string]vex.Status{
		"CVE-2023-0009": vex.StatusAffected, "CVE-2023-0010": vex.StatusNotAffected,
		"CVE-2023-0011": vex.StatusAffected, "CVE-2023-0012": vex.StatusUnderInvestigation,
	} {
		found := doc.Matches(id, image, []string{zlib})
		require.Len(t, found, 1, id)
		assert.Equal(t, want, found[0].Status, id)
	}
	assert.Empty(t, doc.Matches("CVE-2023-0010", image, []string{"pkg:deb/debian/tar@1.34?arch=amd64&distro=debian-12"}))
}

func TestUnknownImage(t *testing.T) {
	r := reporttest.Sample()
	r.Image.Reference = ""
	doc := check(t, write(t, r))
	assert.Len(t, doc.Matches("CVE-2023-0010", "pkg:deb/debian/zlib1g@1:1.2?arch=amd64&distro=debian-12", nil), 1)
}

func TestHostile(t *testing.T) {
	for name, r := range reporttest.Hostiles() {
		t.Run(name, func(t *testing.T) {
			got := write(t, r)
			reporttest.HarmlessJSON(t, got)
			check(t, got)
		})
	}
}
