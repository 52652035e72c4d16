// Package html writes a report as a page for people: one file that needs no
// network and no JavaScript.
//
// Programs that drive MicroScanner look for "<!DOCTYPE html>", for "</html>" and
// for "<h1>Scan Report: </h1>". The page has each of them once.
package html

import (
	"bufio"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
)

//go:embed page
var files embed.FS

// styleFile is the page's style sheet, which goes into it as it is.
const styleFile = "page/style.css"

// Write writes a page about one report. All that comes from the report is text
// in it: html/template escapes markup, and report.Printable what controls a
// terminal or turns the direction of writing. Only addresses of HTTP and HTTPS
// become links.
func Write(w io.Writer, r *report.Report) error {
	style, err := files.ReadFile(styleFile)
	if err != nil {
		return fmt.Errorf("read the page's style: %w", err)
	}
	t, err := template.ParseFS(files, "page/*.html")
	if err != nil {
		return fmt.Errorf("parse the page's template: %w", err)
	}
	failing, err := render.NewFailing(r)
	if err != nil {
		return err
	}
	p := newPage(r)
	for _, s := range append([]section{p.Findings}, p.Apart...) {
		if err := s.write(t, failing); err != nil {
			return fmt.Errorf("write the page: %w", err)
		}
	}
	p.Style = template.CSS(style) //nolint:gosec // our own file
	p.ContentSecurity = contentSecurity(style)
	b := bufio.NewWriterSize(w, 64<<10)
	if err := t.ExecuteTemplate(b, "page.html", p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return b.Flush()
}

// contentSecurity is the page's policy for browsers: it loads nothing, runs
// nothing, sends nothing, and has the one style sheet that it brings.
func contentSecurity(style []byte) string {
	sum := sha256.Sum256(style)
	return "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
