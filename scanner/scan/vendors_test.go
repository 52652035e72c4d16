package scan

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/report"
)

// TestVendors has more vendors than a reader would read, and what a vendor can
// write into a package.
func TestVendors(t *testing.T) {
	found := match.Result{}
	for i := range maxVendors + 3 {
		found.Foreign = append(found.Foreign, match.Foreign{Vendor: fmt.Sprintf("v%d", i), Packages: []int{i, i}})
	}
	got := notAssessed(&inventory.Inventory{}, found, nil)
	require.Len(t, got, maxVendors+1)
	assert.Equal(t, report.NotAssessed{Reason: "packages that are not the distribution's own, of v0", Count: 2}, got[0])
	assert.Equal(t, report.NotAssessed{Reason: "packages that are not the distribution's own, of 3 other vendors", Count: 6}, got[maxVendors])

	found.Foreign = []match.Foreign{{Vendor: "\x1b[31mred\n" + strings.Repeat("x", 1000), Packages: []int{0}}}
	r := &report.Report{NotAssessed: notAssessed(&inventory.Inventory{}, found, nil)}
	var table, text bytes.Buffer
	require.NoError(t, report.Table{}.Write(&table, r))
	require.NoError(t, report.WriteJSON(&text, r))
	assert.NotContains(t, table.String()+text.String(), "\x1b")
	for line := range strings.Lines(table.String()) {
		assert.Less(t, len(line), 400)
	}
}
