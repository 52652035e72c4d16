// Package apk reads the package database of Alpine's apk.
package apk

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
)

// Paths lists the places of apk's database inside a root file system: the
// usual one, and that of systems which moved /lib to /usr/lib.
func Paths() []string {
	return []string{"lib/apk/db/installed", "usr/lib/apk/db/installed"}
}

// Read reads apk's databases into c and reports whether there is any.
func Read(fsys fs.FS, c *pkgdb.Collector) (found bool, err error) {
	return pkgdb.ReadFiles(fsys, Paths(), c, Parse)
}

// Parse reads paragraphs of lines that start with a letter and a colon. A
// broken paragraph is a problem of c and does not stop the rest.
func Parse(r io.Reader, path string, c *pkgdb.Collector) error {
	p := parser{path: path, c: c}
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

// letters are the fields that matter: name, version, architecture, origin,
// license, description, maintainer. Small letters and capitals differ.
const letters = "PVAoLTm"

type parser struct {
	path string
	c    *pkgdb.Collector

	// The paragraph at hand.
	start  int // its first line; 0 before that
	values [len(letters)]string
	seen   [len(letters)]bool
}

func (p *parser) value(letter byte) string {
	return p.values[strings.IndexByte(letters, letter)]
}

// line takes a line that is not empty.
func (p *parser) line(text []byte, cut bool, number int) {
	if p.start == 0 {
		p.start = number
	}
	if len(text) < 2 || text[1] != ':' {
		p.problem(number, "a line does not start with a letter and a colon")
		return
	}
	i := strings.IndexByte(letters, text[0])
	if i < 0 {
		return
	}
	twice := p.seen[i]
	p.seen[i] = true
	switch value := bytes.TrimSpace(text[2:]); {
	case cut || len(value) > pkgdb.MaxValue:
		if text[0] != 'T' && text[0] != 'L' { // what these say decides nothing
			p.problem(number, fmt.Sprintf("the field %c is longer than %d bytes", text[0], pkgdb.MaxValue))
		}
	case twice:
		p.problem(number, fmt.Sprintf("the field %c is there twice", text[0]))
	default:
		p.values[i] = string(value)
	}
}

// end takes the end of a paragraph.
func (p *parser) end() error {
	if p.start == 0 {
		return nil
	}
	defer func() { p.start, p.values, p.seen = 0, [len(letters)]string{}, [len(letters)]bool{} }()
	name, version, origin := p.value('P'), p.value('V'), p.value('o')
	switch {
	case name == "":
		p.problem(p.start, "a paragraph names no package")
		return nil
	case !isName(name):
		p.problem(p.start, fmt.Sprintf("%.64q is not the name of a package", name))
		return nil
	case origin == "" && isVirtual(name, version, p.value('T')):
		return nil
	case version == "":
		p.problem(p.start, fmt.Sprintf("package %s has no version", name))
		return nil
	case origin == "":
		origin = name
	case !isName(origin):
		p.problem(p.start, fmt.Sprintf("package %s: %.64q is not the name of an origin", name, origin))
		origin = name
	}
	return p.c.Add(inventory.Package{
		Format: inventory.FormatApk, Name: name, Version: version, Arch: p.value('A'),
		SourceName: origin, SourceVersion: version,
		License: p.value('L'), Vendor: p.value('m'), Path: p.path,
	})
}

// isVirtual tells the packages that "apk add --virtual" makes up. They hold
// nothing but dependencies; their name starts with a dot, by custom, or their
// version is a date (20221112.072824). Without either mark, the description
// alone would be an easy way to hide a package.
func isVirtual(name, version, description string) bool {
	return description == "virtual meta package" && (strings.HasPrefix(name, ".") || isDate(version))
}

func isDate(version string) bool {
	day, time, _ := strings.Cut(version, ".")
	return len(day) == len("20060102") && strings.Trim(day+time, "0123456789") == ""
}

// isName tells whether a name is one that abuild would give a package.
func isName(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._+-", r)
	}) < 0
}

func (p *parser) problem(line int, reason string) {
	p.c.Problem(p.path, line, reason)
}
