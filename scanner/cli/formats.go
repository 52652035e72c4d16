package cli

import (
	reportformats "github.com/example/microscanner-frontend/scanner/report/formats"
)

// The formats of a report that commands choose by themselves.
const (
	formatJSON  = reportformats.JSON
	formatTable = reportformats.Table
)

// formats lists the names of the formats that this program writes.
func formats() []string { return reportformats.Names(formatList()) }

// findFormat finds one of them.
func findFormat(name string) (reportformats.Format, error) {
	return reportformats.Find(formatList(), name)
}
