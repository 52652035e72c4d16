package dpkg

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
)

// Parse reads paragraphs as deb-control(5) has them. A broken paragraph is a
// problem of c and does not stop the rest.
func Parse(r io.Reader, path string, c *pkgdb.Collector) error {
	p := parser{path: path, c: c, shared: map[string]string{}}
	lines := pkgdb.NewLines(r)
	for lines.Next() {
		if len(lines.Text()) > 0 {
			p.line(lines.Text(), lines.Cut(), lines.Number())
		} else if err := p.end(); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return p.end()
}

// field is an index of the fields that matter.
type field int

const (
	fieldPackage field = iota
	fieldStatus
	fieldArchitecture
	fieldVersion
	fieldSource
	fieldMaintainer
	fields

	fieldOther field = -1
)

// String is the field's name.
func (f field) String() string {
	return [fields]string{"Package", "Status", "Architecture", "Version", "Source", "Maintainer"}[f]
}

// maxMaintainer is how long the name and address of a maintainer may be, in
// bytes. Longer ones are not believed.
const maxMaintainer = 256

// maxShared bounds what is remembered of a database that has nothing in common.
const maxShared = 1000

type parser struct {
	path   string
	c      *pkgdb.Collector
	shared map[string]string // values that many packages have in common

	// The paragraph at hand.
	start   int // its first line; 0 before that
	values  [fields]string
	seen    [fields]bool
	current field // that a continuation line would belong to
}

// line takes a line that is not empty.
func (p *parser) line(text []byte, cut bool, number int) {
	if p.start == 0 {
		p.start, p.current = number, fieldOther
	}
	if text[0] == ' ' || text[0] == '\t' {
		if p.matters() {
			p.problem(number, "the field "+p.current.String()+" has more than one line")
		}
		return
	}
	name, value, ok := bytes.Cut(text, []byte(":"))
	if !ok {
		p.current = fieldOther
		p.problem(number, "a line has no field name")
		return
	}
	p.current = fieldOf(bytes.TrimRight(name, " \t"))
	if p.current == fieldOther {
		return
	}
	twice := p.seen[p.current]
	p.seen[p.current] = true
	value = bytes.TrimSpace(value)
	switch {
	case !p.matters() && (cut || twice || len(value) > maxMaintainer):
	case cut || len(value) > pkgdb.MaxValue:
		p.problem(number, fmt.Sprintf("the field %s is longer than %d bytes", p.current, pkgdb.MaxValue))
	case twice:
		p.problem(number, "the field "+p.current.String()+" is there twice")
	default:
		p.values[p.current] = p.text(value)
	}
}

// matters reports whether it does what is wrong with the field at hand. The
// maintainer is a hint, and no reason to call a result partial.
func (p *parser) matters() bool { return p.current != fieldOther && p.current != fieldMaintainer }

// fieldOf finds a field that matters. Names are the same in any case.
func fieldOf(name []byte) field {
	is := func(known string) bool {
		return len(name) == len(known) && strings.EqualFold(string(name), known)
	}
	switch {
	case is("Package"):
		return fieldPackage
	case is("Status"):
		return fieldStatus
	case is("Architecture"):
		return fieldArchitecture
	case is("Version"):
		return fieldVersion
	case is("Source"):
		return fieldSource
	case is("Maintainer"):
		return fieldMaintainer
	}
	return fieldOther
}

// text makes a string of a value, and the same string of the same value where
// packages often have it in common.
func (p *parser) text(value []byte) string {
	switch p.current {
	case fieldStatus, fieldArchitecture, fieldMaintainer:
		if s, ok := p.shared[string(value)]; ok {
			return s
		}
		s := string(value)
		if len(p.shared) < maxShared {
			p.shared[s] = s
		}
		return s
	}
	return string(value)
}

// end takes the end of a paragraph.
func (p *parser) end() error {
	start, values := p.start, p.values
	p.start, p.values, p.seen = 0, [fields]string{}, [fields]bool{}
	if start == 0 {
		return nil
	}
	name := strings.ToLower(values[fieldPackage])
	switch {
	case name == "":
		p.problem(start, "a paragraph names no package")
		return nil
	case !isName(name):
		p.problem(start, fmt.Sprintf("%.64q is not the name of a package", name))
		return nil
	}
	installed, err := isInstalled(values[fieldStatus])
	if err != nil {
		p.problem(start, fmt.Sprintf("package %s: %v", name, err))
	}
	if !installed {
		return nil
	}
	version := values[fieldVersion]
	if version == "" {
		p.problem(start, fmt.Sprintf("package %s has no version", name))
		return nil
	}
	source, sourceVersion, err := parseSource(values[fieldSource], name, version)
	if err != nil {
		p.problem(start, fmt.Sprintf("package %s: %v", name, err))
	}
	return p.c.Add(inventory.Package{
		Format: inventory.FormatDpkg, Name: name, Version: version, Arch: values[fieldArchitecture],
		SourceName: source, SourceVersion: sourceVersion, Vendor: values[fieldMaintainer], Path: p.path,
	})
}

func (p *parser) problem(line int, reason string) {
	p.c.Problem(p.path, line, reason)
}

// isInstalled reads the field Status: what is wanted, a flag, and the state. The
// state alone says whether the package's files are there. The paragraphs of
// status.d have no such field. A state that dpkg does not know counts as
// installed beside its error.
func isInstalled(status string) (bool, error) {
	if status == "" {
		return true, nil
	}
	words := strings.Fields(status)
	if len(words) != 3 {
		return true, fmt.Errorf("the status %.64q is not three words", status)
	}
	switch words[2] {
	case "installed", "unpacked", "half-configured", "half-installed", "triggers-awaited", "triggers-pending":
		return true, nil
	case "config-files", "not-installed":
		return false, nil
	}
	return true, fmt.Errorf("there is no state %.64q", words[2])
}

// parseSource reads the field Source: "name" or "name (version)". What it does
// not state is the same as in the binary package.
func parseSource(source, name, version string) (sourceName, sourceVersion string, err error) {
	if source == "" {
		return name, version, nil
	}
	sourceName, stated, hasVersion := strings.Cut(source, "(")
	sourceName, sourceVersion = strings.ToLower(strings.TrimSpace(sourceName)), version
	closed := true
	if hasVersion {
		stated, closed = strings.CutSuffix(stated, ")")
		sourceVersion = strings.TrimSpace(stated)
	}
	if !closed || sourceVersion == "" || !isName(sourceName) {
		return name, version, fmt.Errorf("the source %.64q is not of the form \"name (version)\"", source)
	}
	return sourceName, sourceVersion, nil
}

// isName tells whether a name in small letters is one that dpkg takes: a letter
// or digit, then letters, digits and -+._ (dpkg's lib/dpkg/parsehelp.c). dpkg
// itself turns capitals into small letters.
func isName(s string) bool {
	const first = "abcdefghijklmnopqrstuvwxyz0123456789"
	return s != "" && strings.IndexByte(first, s[0]) >= 0 && strings.Trim(s, first+"-+._") == ""
}
