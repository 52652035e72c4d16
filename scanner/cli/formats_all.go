//go:build !scanonly

package cli

import (
	reportformats "github.com/example/microscanner-frontend/scanner/report/formats"
	"github.com/example/microscanner-frontend/scanner/report/formats/all"
)

// formatList is the formats of a report.
func formatList() []reportformats.Format { return all.List() }
