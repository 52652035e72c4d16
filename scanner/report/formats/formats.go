// Package formats says what a format of a report is, and has those that every
// program writes. The list of all is in the package all below it.
package formats

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/example/microscanner-frontend/scanner/report"
)

// The names of the formats that the list Native has.
const (
	JSON  = "json"
	Table = "table"
)

// Format is a way to write a report.
type Format struct {
	Name      string // as users write it: "sarif"
	Extension string // of a file's name, with the dot: ".sarif"
	MediaType string
	// NeedsPackages says that the format is of use only if the report lists
	// packages without vulnerabilities too; see report.Report.ListsAllPackages.
	NeedsPackages bool
	// Write writes one report. The same report gives the same bytes.
	Write func(io.Writer, *report.Report) error
	// several writes one document about several reports, such as those of an
	// image's platforms; nil if the format has none.
	several func(io.Writer, []*report.Report) error
}

// New is a format of which a document can hold several reports.
func New(f Format, several func(io.Writer, []*report.Report) error) Format {
	f.several = several
	f.Write = func(w io.Writer, r *report.Report) error { return several(w, []*report.Report{r}) }
	return f
}

// ErrOneReport is wrapped by the error for several reports in a format of which
// a document holds one.
var ErrOneReport = errors.New("a document of this format holds one report")

// WriteAll writes one or more reports as one document. The error wraps
// ErrOneReport where the format cannot hold them.
func (f Format) WriteAll(w io.Writer, reports []*report.Report) error {
	switch {
	case len(reports) == 1:
		return f.Write(w, reports[0])
	case f.several == nil:
		return fmt.Errorf("cannot write %d reports as %s: %w; write each to a file of its own", len(reports), f.Name, ErrOneReport)
	}
	return f.several(w, reports)
}

// Native lists the formats of this project's own.
func Native() []Format {
	return []Format{
		New(Format{Name: JSON, Extension: ".json", MediaType: "application/json"}, writeJSON),
		New(Format{Name: Table, Extension: ".txt", MediaType: "text/plain; charset=utf-8"}, report.Table{}.WriteAll),
	}
}

// Find finds a format in a list. The error names the formats that there are.
func Find(list []Format, name string) (Format, error) {
	for _, f := range list {
		if f.Name == name {
			return f, nil
		}
	}
	return Format{}, fmt.Errorf("there is no format %q; the formats are %s", name, strings.Join(Names(list), ", "))
}

// Names lists the names of formats.
func Names(list []Format) []string {
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.Name
	}
	return names
}

// writeJSON writes a report, or a list of them if there are several.
func writeJSON(w io.Writer, reports []*report.Report) error {
	if len(reports) == 1 {
		return report.WriteJSON(w, reports[0])
	}
	before := "["
	for _, r := range reports {
		if _, err := io.WriteString(w, before); err != nil {
			return err
		}
		if err := report.WriteJSON(w, r); err != nil {
			return err
		}
		before = ",\n"
	}
	_, err := io.WriteString(w, "]\n")
	return err
}
