package html_test

import (
	"bytes"
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/html"
)

var update = flag.Bool("update", false, "write the golden files")

func write(t testing.TB, r *report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, html.Write(&b, r))
	return b.Bytes()
}

// TestWrite: the report of several platforms is no report of this format.
func TestWrite(t *testing.T) {
	for name, reports := range reporttest.Samples() {
		if len(reports) == 1 {
			reporttest.Golden(t, *update, name+".html", write(t, reports[0]))
		}
	}
}

// BenchmarkWrite writes 5,000 findings.
func BenchmarkWrite(b *testing.B) {
	r := reporttest.Many(5000)
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		require.NoError(b, html.Write(&out, r))
	}
	b.ReportMetric(float64(out.Len()), "page-bytes")
}
