package cyclonedx

import (
	"cmp"
	"fmt"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
)

// prefix begins the names of our properties.
const prefix = "microscanner:"

// properties are pairs of a name and a value; those without a value are left out.
func properties(pairs ...string) *[]cdx.Property {
	var out []cdx.Property
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, cdx.Property{Name: prefix + pairs[i], Value: render.Line(pairs[i+1])})
		}
	}
	return list(out)
}

// list is what the library takes for a list: nil if it is empty.
func list[T any](s []T) *[]T {
	if len(s) == 0 {
		return nil
	}
	return &s
}

func reference(r *report.Report) string { return cmp.Or(render.Line(r.Image.Reference), "image") }

// required is a text where the schema wants one.
func required(s string) string { return cmp.Or(s, "unknown") }

func suffix(n int) string { return fmt.Sprintf("#%d", n) }
