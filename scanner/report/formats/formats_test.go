package formats_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/formats"
)

func TestFind(t *testing.T) {
	f, err := formats.Find(formats.Native(), "table")
	require.NoError(t, err)
	assert.Equal(t, ".txt", f.Extension)
	_, err = formats.Find(formats.Native(), "yaml")
	require.EqualError(t, err, `there is no format "yaml"; the formats are json, table`)
}

func TestSeveral(t *testing.T) {
	json1, err := formats.Find(formats.Native(), formats.JSON)
	require.NoError(t, err)
	var one, two bytes.Buffer
	require.NoError(t, json1.WriteAll(&one, []*report.Report{reporttest.Sample()}))
	_, err = report.Decode(&one)
	require.NoError(t, err)
	require.NoError(t, json1.WriteAll(&two, reporttest.Platforms()))
	var list []json.RawMessage
	require.NoError(t, json.Unmarshal(two.Bytes(), &list))
	require.Len(t, list, 2)
	second, err := report.Decode(bytes.NewReader(list[1]))
	require.NoError(t, err)
	assert.Equal(t, "linux/arm64", second.Image.Platform)

	table, err := formats.Find(formats.Native(), formats.Table)
	require.NoError(t, err)
	two.Reset()
	require.NoError(t, table.WriteAll(&two, reporttest.Platforms()))
	assert.Equal(t, 1, strings.Count(two.String(), "(linux/amd64)"))
	assert.Equal(t, 1, strings.Count(two.String(), "(linux/arm64)"))
}

func TestOneReportOnly(t *testing.T) {
	f := formats.Format{Name: "page", Write: report.Table{}.Write}
	require.NoError(t, f.WriteAll(io.Discard, []*report.Report{reporttest.Sample()}))
	err := f.WriteAll(io.Discard, reporttest.Platforms())
	require.ErrorIs(t, err, formats.ErrOneReport)
	require.EqualError(t, err, "cannot write 2 reports as page: a document of this format holds one report; write each to a file of its own")
}
