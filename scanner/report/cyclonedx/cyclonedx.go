// Package cyclonedx writes reports as bills of materials in CycloneDX 1.6, in
// JSON (https://cyclonedx.org/docs/1.6/json/), with their vulnerabilities.
package cyclonedx

import (
	"io"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
)

// Write writes a document whose subject is the image.
func Write(w io.Writer, r *report.Report) error { return WriteAll(w, []*report.Report{r}) }

// WriteAll writes one document. Of several reports, each image is a component of
// the subject, and the image's packages are components of it.
func WriteAll(w io.Writer, reports []*report.Report) error {
	id, err := render.ID("cyclonedx", reports)
	if err != nil {
		return err
	}
	b := builder{
		refs: map[string]int{}, licenses: &render.Licenses{},
		components: []cdx.Component{}, dependencies: []cdx.Dependency{}, vulnerabilities: []cdx.Vulnerability{},
	}
	if len(reports) == 1 {
		b.single(reports[0])
	} else {
		b.several(reports)
	}
	return render.JSON(w, func(w io.Writer) error {
		return cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).Encode(b.document(id.URN()))
	})
}

// builder gathers what the document is made of.
type builder struct {
	refs            map[string]int // how often a reference was given out
	licenses        *render.Licenses
	metadata        cdx.Metadata
	components      []cdx.Component
	dependencies    []cdx.Dependency
	compositions    []cdx.Composition
	vulnerabilities []cdx.Vulnerability
}

func (b *builder) document(serial string) *cdx.BOM {
	return &cdx.BOM{
		JSONSchema: "http://cyclonedx.org/schema/bom-1.6.schema.json", BOMFormat: cdx.BOMFormat, SpecVersion: cdx.SpecVersion1_6,
		SerialNumber: serial, Version: 1, Metadata: &b.metadata, Components: &b.components,
		Dependencies: &b.dependencies, Compositions: list(b.compositions), Vulnerabilities: &b.vulnerabilities,
	}
}

func (b *builder) single(r *report.Report) {
	image, packages := b.image(r)
	b.describe(r, image)
	b.components = packages
}

func (b *builder) several(reports []*report.Report) {
	var images []string
	for _, r := range reports {
		image, packages := b.image(r)
		image.Components = list(packages)
		b.components = append(b.components, image)
		images = append(images, image.BOMRef)
	}
	if len(reports) == 0 {
		return
	}
	all := cdx.Component{BOMRef: b.ref("images"), Type: cdx.ComponentTypeContainer, Name: reference(reports[0])}
	b.dependencies = append(b.dependencies, cdx.Dependency{Ref: all.BOMRef, Dependencies: list(images)})
	b.describe(reports[0], all)
}

func (b *builder) describe(r *report.Report, subject cdx.Component) {
	name, version := render.Tool(r)
	b.metadata = cdx.Metadata{
		Timestamp: render.Stamp(render.Started(r)), Component: &subject,
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: name, Version: version}}},
	}
}

// ref gives out a reference that no other component of the document has.
func (b *builder) ref(name string) string {
	for {
		b.refs[name]++
		n := b.refs[name]
		if n == 1 {
			return name
		}
		name += suffix(n)
	}
}

// image gives the components of a scan, and notes its vulnerabilities.
func (b *builder) image(r *report.Report) (image cdx.Component, packages []cdx.Component) {
	image = cdx.Component{
		BOMRef: b.ref(render.Image(r)), Type: cdx.ComponentTypeContainer,
		Name: reference(r), Version: render.Digest(r), PackageURL: render.ImagePURL(r),
		Properties: properties("target", r.Image.Target, "stage", r.Image.Stage, "platform", r.Image.Platform,
			"database", r.Database.Digest, "verdict", r.Verdict.Reason),
	}
	packages = []cdx.Component{}
	if r.OS != "" {
		packages = append(packages, cdx.Component{
			BOMRef: b.ref("os:" + render.Line(r.OS)), Type: cdx.ComponentTypeOS, Name: render.Line(r.OS), Version: render.Line(r.Version),
		})
	}
	at := make(map[*report.Package]string, len(r.Resources))
	for i := range r.Resources {
		p := &r.Resources[i].Resource
		c := b.pkg(p)
		at[p] = c.BOMRef
		packages = append(packages, c)
	}
	b.contains(image.BOMRef, packages, r.ListsAllPackages())
	b.vulnerable(r, at)
	return image, packages
}

// contains notes what an image consists of. all says that every package of it
// is among them, as far as package databases tell.
func (b *builder) contains(image string, packages []cdx.Component, all bool) {
	refs := make([]string, len(packages))
	for i := range packages {
		refs[i] = packages[i].BOMRef
	}
	b.dependencies = append(b.dependencies, cdx.Dependency{Ref: image, Dependencies: list(refs)})
	if !all {
		b.compositions = append(b.compositions, cdx.Composition{
			Aggregate: cdx.CompositionAggregateIncomplete, Assemblies: &[]cdx.BOMReference{cdx.BOMReference(image)},
		})
	}
}

func (b *builder) pkg(p *report.Package) cdx.Component {
	purl := render.PURL(p)
	name := purl
	if name == "" {
		name = render.Line(p.Name + "@" + p.Version)
	}
	return cdx.Component{
		BOMRef: b.ref(name), Type: cdx.ComponentTypeLibrary, Name: required(render.Line(p.Name)), Version: render.Line(p.Version),
		PackageURL: purl, Licenses: b.license(p.License),
		Properties: properties("format", p.Format, "arch", p.Arch, "source", p.Source.Name, "sourceVersion", p.Source.Version, "module", p.Module),
	}
}

// license is the licence that a package states of itself.
func (b *builder) license(text string) *cdx.Licenses {
	switch {
	case text == "":
		return nil
	case b.licenses.IsExpression(text):
		return &cdx.Licenses{{Expression: text}}
	}
	return &cdx.Licenses{{License: &cdx.License{Name: render.Line(text)}}}
}
