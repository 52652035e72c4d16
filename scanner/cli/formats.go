package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/example/microscanner-frontend/scanner/report"
)

// The formats of a report.
const (
	formatJSON  = "json"
	formatTable = "table"
)

func formats() []string { return []string{formatJSON, formatTable} }

// writer finds the writer of a format.
func writer(format string) (func(io.Writer, *report.Report) error, error) {
	switch format {
	case formatJSON:
		return report.WriteJSON, nil
	case formatTable:
		return report.WriteTable, nil
	}
	return nil, fmt.Errorf("there is no format %q; the formats are %s", format, strings.Join(formats(), ", "))
}
