package sarif

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
)

// rootfs is the base of the paths inside the image.
const rootfs = "ROOTFS"

// newResult is a finding; image is the image's name, where the path of the
// finding's package database, and rule the index of its rule.
func newResult(image string, f *report.Finding, where string, rule int, prints fingerprints) *sarif.Result {
	res := sarif.NewResult().
		WithRuleID(ruleID(f)).WithRuleIndex(rule).
		WithLevel(level(f.Severity)).
		WithMessage(message(sentence(f))).
		WithLocations([]*sarif.Location{newLocation(image, f, where)}).
		WithPartialFingerprints(prints.of(f))
	switch {
	case f.Suppressed != nil:
		res.AddSuppression(suppression(render.Suppression(f.Suppressed)))
	case f.Group == report.GroupKernelHeaders:
		res.AddSuppression(suppression("Only packages with the kernel's headers have it; the kernel that runs is the machine's."))
	case f.Group == report.GroupUnderInvestigation:
		res.WithKind("open").WithLevel(levelNone)
	}
	return res
}

// sentence says all of a finding for people.
func sentence(f *report.Finding) string {
	base := ""
	if b := f.IntroducedBy; b != nil && b.Base && b.BaseImage != "" {
		base = " It came with the base image " + b.BaseImage + "."
	}
	return f.Source.Name + " " + f.Source.Version + " has " + f.ID + ", severity " + f.Severity.String() + ": " + render.Fix(f) + "." +
		base + " Installed packages: " + render.Installed(f) + "."
}

// newLocation is the instruction that brought the package. Where none is known
// it is the package database in the image, because viewers need some file.
func newLocation(image string, f *report.Finding, where string) *sarif.Location {
	logical := sarif.NewLogicalLocation().
		WithName(render.Line(f.Source.Name)).
		WithFullyQualifiedName(render.Line(image + "/" + f.Source.Name + "@" + f.Source.Version)).
		WithKind("package")
	return sarif.NewLocation().
		WithLogicalLocations([]*sarif.LogicalLocation{logical}).
		WithPhysicalLocation(physical(f, where))
}

func physical(f *report.Finding, where string) *sarif.PhysicalLocation {
	at := sarif.NewPhysicalLocation()
	b, file := f.IntroducedBy, ""
	if b != nil && b.Line > 0 {
		file = render.RelativePath(b.File)
	}
	if file == "" {
		return at.WithArtifactLocation(sarif.NewArtifactLocation().WithURI(where).WithURIBaseID(rootfs)).
			WithRegion(sarif.NewRegion().WithStartLine(1))
	}
	region := sarif.NewRegion().WithStartLine(b.Line).WithEndLine(max(b.EndLine, b.Line))
	if b.Instruction != "" {
		region.WithSnippet(sarif.NewArtifactContent().WithText(render.Text(b.Instruction, render.MaxText)))
	}
	return at.WithArtifactLocation(sarif.NewArtifactLocation().WithURI(file)).WithRegion(region)
}

// database is the path of the package database that a finding's packages are
// in.
func database(packages []*report.Package) string {
	for _, p := range packages {
		for _, path := range p.Paths {
			if path := render.RelativePath(path); path != "" {
				return path
			}
		}
	}
	return "image"
}

func suppression(why string) *sarif.Suppression {
	return sarif.NewSuppression().WithKind("external").WithStatus("accepted").WithJustification(render.Line(why))
}

// fingerprints counts those that were given out.
type fingerprints map[string]int

// of identifies a finding from one scan to the next. The installed version is
// no part of it: after an upgrade that repairs nothing it is the same finding.
// The name is the one that GitHub looks at; it would take the Dockerfile's line
// otherwise, and so one finding for all packages that the line brings.
func (p fingerprints) of(f *report.Finding) map[string]string {
	file := ""
	if f.IntroducedBy != nil {
		file = f.IntroducedBy.File
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{f.ID, f.Source.Name, file}, "\x00")))
	hash := hex.EncodeToString(sum[:8])
	p[hash]++
	return map[string]string{"primaryLocationLineHash": hash + ":" + strconv.Itoa(p[hash])}
}

// message is a plain text. Brackets would be links, and braces placeholders
// (sections 3.11.5 and 3.11.6).
func message(text string) *sarif.Message {
	text = render.Line(text)
	if strings.ContainsAny(text, `\[]{}`) {
		text = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "{", "{{", "}", "}}").Replace(text)
	}
	return sarif.NewMessage().WithText(text)
}

func properties(p sarif.Properties) *sarif.PropertyBag {
	for k, v := range p {
		if v == "" {
			delete(p, k)
		}
	}
	return &sarif.PropertyBag{Properties: p}
}
