package render

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	"github.com/package-url/packageurl-go"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/report"
)

// Tool is the name and the version of the program that scanned.
func Tool(r *report.Report) (name, version string) {
	name, version, _ = strings.Cut(Line(r.Scanner), " ")
	return cmp.Or(name, "microscanner"), version
}

// Image names what was scanned, with as much as the report knows:
// "example/app:1 (linux/amd64)", "stage builder".
func Image(r *report.Report) string {
	name := r.Image.Reference
	if t := r.Image.Target; t != "" {
		name += " target " + t
	}
	if s := r.Image.Stage; s != "" {
		name += " stage " + s
	}
	if p := r.Image.Platform; p != "" {
		name += " (" + p + ")"
	}
	return cmp.Or(strings.TrimSpace(Line(name)), "image")
}

// Digest is the digest of the image's manifest, "sha256:…"; empty if the report
// does not know it.
func Digest(r *report.Report) string {
	return Line(cmp.Or(r.Image.Digest, r.Digest))
}

// PURL is the package URL of a package, checked; empty if it has none.
func PURL(p *report.Package) string {
	if p.PURL == "" || len(p.PURL) > MaxLine {
		return ""
	}
	u, err := packageurl.FromString(p.PURL)
	if err != nil {
		return ""
	}
	return report.Printable(u.ToString())
}

// ImagePURL is the package URL of an image, of the type oci; empty if the report
// does not know the image's name. It has the tag only where the digest is not
// known: who asks for an image by its digest may not know a tag.
func ImagePURL(r *report.Report) string {
	named, err := reference.ParseNormalizedNamed(r.Image.Reference)
	if err != nil || len(r.Image.Reference) > MaxLine {
		return ""
	}
	repository := named.Name()
	q := packageurl.Qualifiers{{Key: "repository_url", Value: repository}}
	if t, ok := named.(reference.Tagged); ok && Digest(r) == "" {
		q = append(q, packageurl.Qualifier{Key: "tag", Value: t.Tag()})
	}
	if _, arch, ok := strings.Cut(r.Image.Platform, "/"); ok {
		arch, _, _ = strings.Cut(arch, "/")
		q = append(q, packageurl.Qualifier{Key: "arch", Value: Line(arch)})
	}
	name := repository[strings.LastIndexByte(repository, '/')+1:]
	return packageurl.NewPackageURL(packageurl.TypeOCI, "", name, Digest(r), q, "").ToString()
}

// Place names an instruction: "Dockerfile:4"; empty if no line is known.
func Place(b *report.IntroducedBy) string {
	if b == nil || b.File == "" || b.Line <= 0 {
		return ""
	}
	return Line(b.File) + ":" + strconv.Itoa(b.Line)
}

// Suppression says in one line why a finding does not count, and who says so.
func Suppression(s *report.Suppressed) string {
	parts := []string{s.Reason}
	for _, p := range []struct{ prefix, value string }{
		{"", strings.TrimSpace(s.Status + " " + s.Justification)}, {"expires ", s.Expires}, {"by ", s.Author}, {"from ", s.Source},
	} {
		if p.value != "" {
			parts = append(parts, p.prefix+p.value)
		}
	}
	return Line(strings.Join(parts, "; "))
}

// Instruction is the text of an instruction in one line.
func Instruction(b *report.IntroducedBy) string {
	text := cutLoose(b.Instruction, MaxText)
	if !strings.ContainsAny(text, "\n\t") {
		return Line(text)
	}
	// A strings.Replacer would take longer to make than all else here.
	for _, blank := range []string{"\\\r\n", "\\\n", "\t"} {
		text = strings.ReplaceAll(text, blank, " ")
	}
	return Line(strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' }), " "))
}

// Installed names the installed packages of a finding.
func Installed(f *report.Finding) string { return strings.Join(f.Binaries, ", ") }

// Fix says in a few words what repairs a finding.
func Fix(f *report.Finding) string {
	switch {
	case f.Fixable():
		return "fixed in " + f.Fixed
	case f.Fixed != "":
		return fmt.Sprintf("fixed in %s for subscribers of Ubuntu Pro", f.Fixed)
	case f.Status != "" && f.Status != string(advisory.StatusAffected):
		return "no fixed version is known (" + f.Status + ")"
	}
	return "no fixed version is known"
}
