// Package spdx writes reports as inventories in SPDX 2.3, in JSON
// (https://spdx.github.io/spdx-spec/v2.3/).
package spdx

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
)

// noAssertion is what the format has for what nobody looked at.
const noAssertion = "NOASSERTION"

// document is the identifier of the document among its elements.
const document common.ElementID = "DOCUMENT"

// Write writes a document that describes one image.
func Write(w io.Writer, r *report.Report) error { return WriteAll(w, []*report.Report{r}) }

// WriteAll writes one document that describes the images of all reports.
func WriteAll(w io.Writer, reports []*report.Report) error {
	id, err := render.ID("spdx", reports)
	if err != nil {
		return err
	}
	b := builder{used: map[common.ElementID]int{}, licenses: &render.Licenses{}, extracted: map[string]bool{}}
	b.doc = &v2_3.Document{
		SPDXVersion: v2_3.Version, DataLicense: v2_3.DataLicense, SPDXIdentifier: document, DocumentNamespace: id.URN(),
		DocumentName: "image", CreationInfo: &v2_3.CreationInfo{},
	}
	for _, r := range reports {
		b.image(r)
	}
	if len(reports) > 0 {
		b.doc.DocumentName = render.Image(reports[0])
		b.doc.CreationInfo = creation(reports[0])
	}
	return render.JSON(w, func(w io.Writer) error { return json.Write(b.doc, w) })
}

func creation(r *report.Report) *v2_3.CreationInfo {
	name, version := render.Tool(r)
	return &v2_3.CreationInfo{
		Creators: []common.Creator{{CreatorType: "Tool", Creator: strings.TrimSuffix(name+"-"+version, "-")}},
		Created:  render.Stamp(render.Started(r)),
	}
}

// builder gathers the elements of a document.
type builder struct {
	doc       *v2_3.Document
	used      map[common.ElementID]int // how often an identifier was given out
	licenses  *render.Licenses
	extracted map[string]bool // identifiers of licences that are no expressions
}

func (b *builder) image(r *report.Report) {
	image := newPackage(cmp.Or(render.Line(r.Image.Reference), "image"), render.Digest(r), render.ImagePURL(r))
	image.PackageSPDXIdentifier = b.id("Image", render.Image(r))
	image.PrimaryPackagePurpose = "CONTAINER"
	if !r.ListsAllPackages() {
		image.PackageComment = "Packages without known vulnerabilities are not listed."
	}
	b.add(document, common.TypeRelationshipDescribe, image)
	if r.OS != "" {
		os := newPackage(render.Line(r.OS), render.Line(r.Version), "")
		os.PackageSPDXIdentifier = b.id("OperatingSystem", r.OS)
		os.PrimaryPackagePurpose = "OPERATING_SYSTEM" // in the schema; the text has a hyphen
		b.add(image.PackageSPDXIdentifier, common.TypeRelationshipContains, os)
	}
	for i := range r.Resources {
		b.add(image.PackageSPDXIdentifier, common.TypeRelationshipContains, b.pkg(&r.Resources[i].Resource))
	}
}

// add adds a package, and its relationship to another element.
func (b *builder) add(to common.ElementID, relationship string, p *v2_3.Package) {
	b.doc.Packages = append(b.doc.Packages, p)
	b.doc.Relationships = append(b.doc.Relationships, &v2_3.Relationship{
		RefA: common.DocElementID{ElementRefID: to}, RefB: common.DocElementID{ElementRefID: p.PackageSPDXIdentifier}, Relationship: relationship,
	})
}

func newPackage(name, version, purl string) *v2_3.Package {
	p := &v2_3.Package{
		PackageName: cmp.Or(name, "unknown"), PackageVersion: version, PackageDownloadLocation: noAssertion,
		PackageLicenseConcluded: noAssertion, PackageLicenseDeclared: noAssertion, PackageCopyrightText: noAssertion,
	}
	if purl != "" {
		p.PackageExternalReferences = []*v2_3.PackageExternalReference{{
			Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: purl,
		}}
	}
	return p
}

func (b *builder) pkg(p *report.Package) *v2_3.Package {
	out := newPackage(render.Line(p.Name), render.Line(p.Version), render.PURL(p))
	out.PackageSPDXIdentifier = b.id("Package", p.Format, p.Name, p.Version, p.Arch)
	out.PackageLicenseDeclared = b.license(p.License)
	if p.Source.Name != "" {
		out.PackageSourceInfo = render.Line(fmt.Sprintf("built from the source package %s %s", p.Source.Name, p.Source.Version))
	}
	return out
}

// license is a licence expression. What is none goes into the document as a
// text that the expression refers to.
func (b *builder) license(text string) string {
	switch {
	case text == "":
		return noAssertion
	case b.licenses.IsExpression(text):
		return text
	}
	id := "LicenseRef-" + hash(text)
	if !b.extracted[id] {
		b.extracted[id] = true
		b.doc.OtherLicenses = append(b.doc.OtherLicenses, &v2_3.OtherLicense{
			LicenseIdentifier: id, ExtractedText: render.Text(text, render.MaxText), LicenseName: noAssertion,
		})
	}
	return id
}

// id is an identifier of an element: letters, digits, dots and hyphens, unique
// in the document. It follows from what the element is, so that it is the same
// in the next scan.
func (b *builder) id(kind string, parts ...string) common.ElementID {
	id := common.ElementID(kind + "-" + hash(strings.Join(parts, "\x00")))
	b.used[id]++
	if n := b.used[id]; n > 1 {
		id = common.ElementID(fmt.Sprintf("%s-%d", id, n))
	}
	return id
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}
