package advisory_test

import (
	"cmp"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

func TestNormalizeID(t *testing.T) {
	for in, want := range map[string]string{
		"CVE-2024-0001":       "CVE-2024-0001",
		"cve-2024-0001":       "CVE-2024-0001",
		"GHSA-jfh8-c2jp-5v3q": "GHSA-jfh8-c2jp-5v3q",
		"dsa-1-1":             "dsa-1-1",
		"CVE":                 "CVE",
		"":                    "",
	} {
		assert.Equal(t, want, advisory.NormalizeID(in), "%q", in)
		assert.Equal(t, want, advisory.NormalizeID(" "+in+"\t"), "%q", in)
	}
}

func TestSplitCVE(t *testing.T) {
	for id, want := range map[string][2]uint64{
		"CVE-1999-0001":                 {1999, 1},
		"CVE-2024-12345":                {2024, 12345},
		"CVE-2024-1000000":              {2024, 1000000},
		"CVE-2024-0000":                 {2024, 0},
		"CVE-2024-00001":                {}, // AppendCVE writes four digits.
		"CVE-1998-0001":                 {},
		"CVE-2024-":                     {},
		"CVE-2024-1":                    {},
		"CVE-2024-+123":                 {},
		"CVE-2024-12 4":                 {},
		"CVE-2024-XXXX":                 {},
		"CVE-20240-1234":                {},
		"CVE-2024-99999999999999999":    {2024, 99999999999999999},
		"CVE-2024-18446744073709551616": {},
		"cve-2024-0001":                 {},
		"DSA-2024-0001":                 {},
		"":                              {},
	} {
		year, number, ok := advisory.SplitCVE(id)
		assert.Equal(t, want != [2]uint64{}, ok, id)
		if ok {
			assert.Equal(t, want, [2]uint64{year, number}, id)
			assert.Equal(t, id, string(advisory.AppendCVE(nil, year, number)))
		}
	}
}

func TestCompareIDs(t *testing.T) {
	ids := []string{"CVE-1999-0001", "CVE-2024-0999", "CVE-2024-9999", "CVE-2024-10000", "ALAS-2024-1", "CVE-2024-9x", "GHSA-1"}
	for i := range ids {
		for j := range ids {
			assert.Equal(t, cmp.Compare(i, j), advisory.CompareIDs(ids[i], ids[j]), "%s %s", ids[i], ids[j])
		}
	}
}
