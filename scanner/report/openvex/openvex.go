// Package openvex writes reports as OpenVEX 0.2.0 documents
// (https://github.com/openvex/spec): what the scan says of each vulnerability,
// and what was decided of it.
package openvex

import (
	"io"
	"strings"
	"time"

	"github.com/openvex/go-vex/pkg/vex"

	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
)

// Write writes a document with the statements of one report.
func Write(w io.Writer, r *report.Report) error { return WriteAll(w, []*report.Report{r}) }

// WriteAll writes one document with the statements of all reports.
func WriteAll(w io.Writer, reports []*report.Report) error {
	id, err := render.ID("openvex", reports)
	if err != nil {
		return err
	}
	doc := document{
		Metadata:   vex.Metadata{Context: vex.ContextLocator(), ID: id.URN(), Author: "microscanner", AuthorRole: "Scanner", Version: 1},
		Statements: []statement{},
	}
	for i, r := range reports {
		if i == 0 {
			started := render.Started(r).Truncate(time.Second)
			doc.Timestamp = &started
			name, version := render.Tool(r)
			doc.Author, doc.Tooling = name, strings.TrimSpace(name+" "+version)
		}
		doc.Statements = append(doc.Statements, statements(r)...)
	}
	return render.JSON(w, render.Value(doc))
}

// document is a vex.VEX, and statement a vex.Statement, without their methods:
// their MarshalJSON write times in UTC, as ours are, and would have the encoder
// read each statement three times.
type (
	document struct {
		vex.Metadata
		Statements []statement `json:"statements"`
	}
	statement vex.Statement
)

func statements(r *report.Report) []statement {
	packages := render.NewIndex(r)
	image := component(render.ImagePURL(r))
	findings := r.AllFindings()
	out := make([]statement, 0, len(findings))
	for _, f := range findings {
		s := newStatement(&f)
		s.Products = products(image, packages.Of(&f))
		out = append(out, s)
	}
	return out
}

// newStatement is a finding without its products.
func newStatement(f *report.Finding) statement {
	s := statement{Vulnerability: vex.Vulnerability{Name: vex.VulnerabilityID(render.Line(f.ID))}}
	for _, alias := range f.Details.Aliases {
		s.Vulnerability.Aliases = append(s.Vulnerability.Aliases, vex.VulnerabilityID(render.Line(alias)))
	}
	switch {
	case f.Suppressed != nil:
		suppressed(&s, f.Suppressed)
	case f.Group == report.GroupUnderInvestigation:
		s.Status = vex.StatusUnderInvestigation
	default:
		s.Status = vex.StatusAffected
		s.ActionStatement = action(f)
	}
	return s
}

// suppressed states what was decided. What an ignore list says is no statement
// about the flaw: the product is affected, and somebody takes that.
func suppressed(s *statement, why *report.Suppressed) {
	switch {
	case why.By != report.SuppressedByVEX:
		s.Status = vex.StatusAffected
		s.ActionStatement = "Accepted: " + render.Suppression(why)
	case vex.Status(why.Status) == vex.StatusFixed:
		s.Status = vex.StatusFixed
		s.StatusNotes = render.Suppression(why)
	default:
		s.Status = vex.StatusNotAffected
		s.ImpactStatement = render.Suppression(why)
		if j := vex.Justification(why.Justification); j.Valid() {
			s.Justification = j
		}
	}
}

func action(f *report.Finding) string {
	if f.Details.Solution != "" {
		return render.Line(f.Details.Solution)
	}
	return render.Line(strings.ToUpper(render.Fix(f)[:1]) + render.Fix(f)[1:] + ".")
}

// products are what a finding is of: the image, and in it the packages; the
// packages alone where the report does not know the image.
func products(image vex.Component, packages []*report.Package) []vex.Product {
	var parts []vex.Component
	for _, p := range packages {
		if c := component(render.PURL(p)); c.ID != "" {
			parts = append(parts, c)
		}
	}
	if image.ID == "" {
		var out []vex.Product
		for _, c := range parts {
			out = append(out, vex.Product{Component: c})
		}
		return out
	}
	product := vex.Product{Component: image}
	for _, c := range parts {
		product.Subcomponents = append(product.Subcomponents, vex.Subcomponent{Component: c})
	}
	return []vex.Product{product}
}

// component is what a package URL names; the zero value without one.
func component(purl string) vex.Component {
	if purl == "" {
		return vex.Component{}
	}
	return vex.Component{ID: purl, Identifiers: map[vex.IdentifierType]string{vex.PURL: purl}}
}
