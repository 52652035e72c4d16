package db

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/severity"
)

var testSources = []string{"", "adp", "debian", "nvd"}

func testRow(id string, status advisory.Status, fixed string) row {
	r := row{id: id, status: status, fixed: fixed}
	r.year, r.number, _ = advisory.SplitCVE(id)
	return r
}

// testRows is a package with everything that there is to encode.
func testRows() []row {
	rows := []row{
		testRow("CVE-1999-0001", advisory.StatusFixed, "1.0"),
		testRow("CVE-2017-0999", advisory.StatusFixed, "1:2.0-1+deb12u1"),
		testRow("CVE-2017-1000", advisory.StatusAffected, ""),
		testRow("CVE-2017-1000", advisory.StatusFixed, "1:2.0-1+deb12u2"),
		testRow("CVE-2024-123456789", advisory.StatusDeferred, ""),
		testRow("CVE-2024-99999999999999999", advisory.StatusWillNotFix, ""),
		testRow("CVE-2017-XXXX", advisory.StatusEndOfLife, ""),
		testRow("DSA-1-1", advisory.StatusNeedsPro, "1.0"),
		testRow("DSA-1-2", advisory.StatusUnderInvestigation, ""),
	}
	rows[1].severity, rows[1].source = severity.Critical, "nvd"
	rows[2].severity, rows[2].source = severity.Negligible, "debian"
	rows[3].module, rows[3].arches, rows[3].cpes = "nodejs:18", []string{"aarch64", "x86_64"}, []string{"cpe:/o:x:9"}
	rows[3].aliases = []string{"GHSA-jfh8-c2jp-5v3q", "XSA-1"}
	rows[7].arches = []string{"x86_64"}
	rows[8].aliases = []string{"CVE-2017-0001"}
	return rows
}

func (r *row) advisory() Advisory {
	return Advisory{
		ID: r.id, Status: r.status, Fixed: r.fixed, Severity: r.severity, SeveritySource: r.source,
		Arches: r.arches, CPEs: r.cpes, Aliases: r.aliases, Module: r.module,
	}
}

func TestRowsRoundTrip(t *testing.T) {
	rows := testRows()
	for n := range len(rows) + 1 {
		d := decoder{sources: testSources}
		got, err := d.decode(encodeRows(rows[:n], testSources))
		require.NoError(t, err)
		require.Len(t, got, n)
		for i := range got {
			assert.Equal(t, rows[i].advisory(), got[i])
		}
	}
}

func TestRowsOfOneYearTakeFewBytes(t *testing.T) {
	var rows []row
	for i := range 1000 {
		rows = append(rows, testRow(fmt.Sprintf("CVE-2024-%d", 30000+i*20), advisory.StatusAffected, ""))
	}
	// One byte for the distance, one for the verdict, one for the severity.
	assert.Less(t, len(encodeRows(rows, testSources)), 3*1000+32)
}

func TestDecodeAsksForEachFixedVersion(t *testing.T) {
	rows := testRows()
	var asked []string
	d := decoder{sources: testSources, want: func(fixed string) (bool, error) {
		asked = append(asked, fixed)
		return fixed == "1:2.0-1+deb12u2", nil
	}}
	got, err := d.decode(encodeRows(rows, testSources))
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"1.0", "1:2.0-1+deb12u1", "1:2.0-1+deb12u2", "1.0"}, asked)
	want := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.fixed != "" && r.fixed != "1:2.0-1+deb12u2" })
	require.Len(t, got, len(want))
	for i := range got {
		assert.Equal(t, want[i].advisory(), got[i])
	}

	no := errors.New("no")
	d.want = func(string) (bool, error) { return false, no }
	_, err = d.decode(encodeRows(rows, testSources))
	assert.ErrorIs(t, err, no)
}

func TestEveryCutRowIsAnError(t *testing.T) {
	value := encodeRows(testRows(), testSources)
	for n := range value {
		d := decoder{sources: testSources}
		_, err := d.decode(value[:n])
		require.Error(t, err, "%d bytes", n)
	}
	d := decoder{sources: testSources}
	_, err := d.decode(append(value, 0))
	assert.ErrorIs(t, err, errExtra)
}

// A small value must not unfold to a large one.
func TestTableIsBounded(t *testing.T) {
	n := 100_000
	long := bytes.Repeat([]byte("x"), advisory.MaxURL)
	table := binary.AppendUvarint(nil, uint64(n))
	table = append(table, 0)
	table = appendString(table, string(long))
	for range n - 1 {
		table = binary.AppendUvarint(table, uint64(len(long)))
		table = append(table, 0)
	}
	c := cursor{b: table}
	assert.Nil(t, c.table())
	assert.ErrorContains(t, c.err, "a table of more than 16777216 bytes")
}

func TestCountIsBounded(t *testing.T) {
	c := cursor{b: binary.AppendUvarint(nil, 1<<40)}
	assert.Zero(t, c.count(1))
	require.Error(t, c.err)
}

// FuzzDecode: no value is a panic, and what can be read is read the same again.
func FuzzDecode(f *testing.F) {
	f.Add(encodeRows(testRows(), testSources))
	f.Add(encodeRows(testRows()[:3], testSources))
	f.Add(encodeRows(nil, testSources))
	f.Fuzz(func(t *testing.T, value []byte) {
		all := decoder{sources: testSources}
		rows, err := all.decode(value)
		some := decoder{sources: testSources, want: func(string) (bool, error) { return false, nil }}
		left, errSome := some.decode(value)
		if err != nil {
			// If no verdict is wanted, the damage behind the verdicts is not seen:
			// it could only be in what is not wanted.
			assert.True(t, errSome != nil || len(left) == 0)
			assert.Nil(t, rows)
			return
		}
		assert.NoError(t, errSome)
		unfixed := slices.DeleteFunc(slices.Clone(rows), func(a Advisory) bool { return a.Status.HasFix() })
		assert.ElementsMatch(t, unfixed, left)
	})
}

func FuzzDecodeDetail(f *testing.F) {
	words := []string{"", "3.1", "CVSS:3.1/AV:N", "debian", "https://example.com/", "nvd"}
	d := detail{
		texts:     []text{{"debian", "A flaw", "2024-01-02", "2024-02-03", "https://example.com/CVE-2024-1"}},
		cvss:      []advisory.CVSS{{Version: "3.1", Vector: "CVSS:3.1/AV:N", Score: 9.8, Source: "nvd"}, {Score: 7.25}},
		exploited: "2024-01-02", epss: &advisory.EPSS{Score: 0.5, Percentile: 1.0 / 3},
	}
	f.Add(d.encode("CVE-2024-1", words))
	f.Fuzz(func(t *testing.T, value []byte) {
		if d, err := decodeDetail(value, "CVE-2024-1", words); err == nil {
			d.of("debian")
		}
	})
}

func FuzzDecodeRepository(f *testing.F) {
	words := []string{"a", "b", "c"}
	f.Add(encodeRepository([]string{"a", "c"}, words))
	f.Fuzz(func(t *testing.T, value []byte) {
		if cpes, err := decodeRepository(value, words); err == nil {
			assert.Subset(t, words, cpes)
		}
	})
}

func FuzzMeta(f *testing.F) {
	f.Add([]byte(`{"schema_version":1,"digest":"","releases":[{"distro":"debian","release":"12","file":"../x"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if m, err := parseMeta("metadata.json", text); err == nil {
			assert.Equal(t, SchemaVersion, m.SchemaVersion)
		}
	})
}
