package spdx_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdxlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/spdx"
)

var update = flag.Bool("update", false, "write the golden files")

// schema is that of SPDX, as Syft has it for its own tests.
func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	dir := reporttest.ModuleDir(t, "github.com/anchore/syft@v1.57.0")
	text, err := os.ReadFile(filepath.Join(dir, "schema", "spdx-json", "spdx-schema-2.3.json"))
	require.NoError(t, err)
	return reporttest.Schema(t, "https://schema.example/spdx.json", text, nil)
}

func write(t testing.TB, reports ...*report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, spdx.WriteAll(&b, reports))
	return b.Bytes()
}

func check(t testing.TB, s *jsonschema.Schema, got []byte) {
	t.Helper()
	reporttest.Valid(t, s, got)
	doc, err := json.Read(bytes.NewReader(got))
	require.NoError(t, err)
	require.NoError(t, spdxlib.ValidateDocument(doc))
	ids := map[string]bool{}
	for _, p := range doc.Packages {
		id := string(p.PackageSPDXIdentifier)
		require.Regexp(t, `^[a-zA-Z0-9.-]+$`, id)
		require.NotContains(t, ids, id)
		ids[id] = true
	}
	described, err := spdxlib.GetDescribedPackageIDs(doc)
	require.NoError(t, err)
	assert.NotEmpty(t, described)
}

func TestWrite(t *testing.T) {
	s := schema(t)
	for name, reports := range reporttest.Samples() {
		got := write(t, reports...)
		reporttest.GoldenJSON(t, *update, name+".spdx.json", got)
		check(t, s, got)
	}
}

func TestHostile(t *testing.T) {
	s := schema(t)
	for name, r := range reporttest.Hostiles() {
		t.Run(name, func(t *testing.T) {
			got := write(t, r)
			reporttest.HarmlessJSON(t, got)
			check(t, s, got)
		})
	}
}

// TestSamePackageTwice: a package that two databases hold is two elements.
func TestSamePackageTwice(t *testing.T) {
	r := reporttest.Sample()
	r.Resources = append(r.Resources, r.Resources[1], r.Resources[1])
	check(t, schema(t), write(t, r))
}

// TestLicenseRefs: an expression refers to no licence that the document lacks.
func TestLicenseRefs(t *testing.T) {
	r := reporttest.Sample()
	r.Resources[0].Resource.License = "MIT AND LicenseRef-Fedora-Public-Domain"
	got := write(t, r)
	check(t, schema(t), got)
	assert.NotContains(t, string(got), `"licenseDeclared":"MIT AND`)
	doc, err := json.Read(bytes.NewReader(got))
	require.NoError(t, err)
	known := map[string]bool{}
	for _, l := range doc.OtherLicenses {
		known[l.LicenseIdentifier] = true
	}
	for _, p := range doc.Packages {
		for _, ref := range regexp.MustCompile(`LicenseRef-[A-Za-z0-9.-]+`).FindAllString(p.PackageLicenseDeclared, -1) {
			assert.True(t, known[ref], ref)
		}
	}
}
