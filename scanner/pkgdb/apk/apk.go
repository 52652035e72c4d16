// Package apk reads the package database of Alpine's apk.
package apk

import (
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
// license, maintainer, description. Small letters and capitals differ.
const letters = "PVAoLmT"

type parser struct {
	path string
	c    *pkgdb.Collector

	// The paragraph at hand.
	start  int // its first line; 0 before that
	values [len(letters)]string
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
	switch value := text[2:]; {
	case i < 0:
	case cut || len(value) > pkgdb.MaxValue:
		if text[0] != 'T' && text[0] != 'L' { // what these say decides nothing
			p.problem(number, fmt.Sprintf("the field %c is longer than %d bytes", text[0], pkgdb.MaxValue))
		}
	case p.values[i] != "":
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
	defer func() { p.start, p.values = 0, [len(letters)]string{} }()
	name, version, origin := p.value('P'), p.value('V'), p.value('o')
	switch {
	case name == "":
		p.problem(p.start, "a paragraph names no package")
		return nil
	case origin == "" && isVirtual(name, p.value('T')):
		return nil
	case version == "":
		p.problem(p.start, fmt.Sprintf("package %s has no version", name))
		return nil
	case origin == "":
		origin = name
	}
	return p.c.Add(inventory.Package{
		Format: inventory.FormatApk, Name: name, Version: version, Arch: p.value('A'),
		SourceName: origin, SourceVersion: version,
		License: p.value('L'), Maintainer: p.value('m'), Path: p.path,
	})
}

// isVirtual tells the packages that "apk add --virtual" makes up. They hold
// nothing but dependencies, and their version is a date.
func isVirtual(name, description string) bool {
	return strings.HasPrefix(name, ".") || description == "virtual meta package"
}

func (p *parser) problem(line int, reason string) {
	p.c.Problem(p.path, line, reason)
}
