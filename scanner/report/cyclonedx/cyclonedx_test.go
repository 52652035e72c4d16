package cyclonedx_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/cyclonedx"
)

var update = flag.Bool("update", false, "write the golden files")

// schema is OWASP's, which comes with the library's source.
func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	const base = "http://cyclonedx.org/schema/"
	dir := filepath.Join(reporttest.ModuleDir(t, "github.com/CycloneDX/cyclonedx-go"), "schema")
	read := func(name string) []byte {
		dt, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return dt
	}
	return reporttest.Schema(t, base+"bom-1.6.schema.json", read("bom-1.6.schema.json"), map[string][]byte{
		base + "spdx.schema.json":     read("spdx.schema.json"),
		base + "jsf-0.82.schema.json": read("jsf-0.82.schemax.json"),
	})
}

func write(t testing.TB, reports ...*report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, cyclonedx.WriteAll(&b, reports))
	return b.Bytes()
}

func decode(t testing.TB, dt []byte) *cdx.BOM {
	t.Helper()
	var bom cdx.BOM
	require.NoError(t, cdx.NewBOMDecoder(bytes.NewReader(dt), cdx.BOMFileFormatJSON).Decode(&bom))
	return &bom
}

// references are those of all components; none is given out twice.
func references(t testing.TB, bom *cdx.BOM) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	var add func(c cdx.Component)
	add = func(c cdx.Component) {
		require.NotContains(t, out, c.BOMRef)
		out[c.BOMRef] = true
		if c.Components != nil {
			for _, below := range *c.Components {
				add(below)
			}
		}
	}
	add(*bom.Metadata.Component)
	for _, c := range *bom.Components {
		add(c)
	}
	return out
}

func check(t testing.TB, s *jsonschema.Schema, got []byte) {
	t.Helper()
	reporttest.Valid(t, s, got)
	bom := decode(t, got)
	known := references(t, bom)
	if bom.Vulnerabilities != nil {
		for _, v := range *bom.Vulnerabilities {
			require.NotEmpty(t, v.Affects, v.ID)
			for _, a := range *v.Affects {
				require.Contains(t, known, a.Ref)
			}
		}
	}
	for _, d := range *bom.Dependencies {
		require.Contains(t, known, d.Ref)
		if d.Dependencies != nil {
			for _, on := range *d.Dependencies {
				require.Contains(t, known, on)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	s := schema(t)
	for name, reports := range reporttest.Samples() {
		got := write(t, reports...)
		reporttest.GoldenJSON(t, *update, name+".cdx.json", got)
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

// TestSamePackageTwice: a package that two databases hold is two components.
func TestSamePackageTwice(t *testing.T) {
	r := reporttest.Sample()
	r.Resources = append(r.Resources, r.Resources[1], r.Resources[1])
	check(t, schema(t), write(t, r))
}

func TestSerialNumberFollowsFromTheContent(t *testing.T) {
	a, b := decode(t, write(t, reporttest.Sample())), decode(t, write(t, reporttest.Broken()))
	assert.NotEqual(t, a.SerialNumber, b.SerialNumber)
}
