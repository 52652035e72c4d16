// Package all is the list of all formats of a report. A format is a package and
// a line here.
package all

import (
	"slices"

	"github.com/example/microscanner-frontend/scanner/report/cyclonedx"
	"github.com/example/microscanner-frontend/scanner/report/formats"
	"github.com/example/microscanner-frontend/scanner/report/github"
	"github.com/example/microscanner-frontend/scanner/report/html"
	"github.com/example/microscanner-frontend/scanner/report/junit"
	"github.com/example/microscanner-frontend/scanner/report/openvex"
	"github.com/example/microscanner-frontend/scanner/report/sarif"
	"github.com/example/microscanner-frontend/scanner/report/spdx"
)

// List lists the formats in the order in which they are shown.
func List() []formats.Format {
	return slices.Concat(formats.Native(), []formats.Format{
		{Name: "html", Extension: ".html", MediaType: "text/html; charset=utf-8", Write: html.Write},
		formats.New(formats.Format{Name: "sarif", Extension: ".sarif", MediaType: "application/sarif+json"}, sarif.WriteAll),
		formats.New(formats.Format{Name: "cyclonedx", Extension: ".cdx.json", MediaType: "application/vnd.cyclonedx+json; version=1.6", NeedsPackages: true}, cyclonedx.WriteAll),
		formats.New(formats.Format{Name: "spdx", Extension: ".spdx.json", MediaType: "application/spdx+json", NeedsPackages: true}, spdx.WriteAll),
		formats.New(formats.Format{Name: "openvex", Extension: ".openvex.json", MediaType: "application/vnd.openvex+json"}, openvex.WriteAll),
		formats.New(formats.Format{Name: "junit", Extension: ".junit.xml", MediaType: "application/xml"}, junit.WriteAll),
		formats.New(formats.Format{Name: "github", Extension: ".github.txt", MediaType: "text/plain; charset=utf-8"}, github.WriteAll),
	})
}
