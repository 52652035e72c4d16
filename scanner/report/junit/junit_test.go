package junit_test

import (
	"bytes"
	"encoding/xml"
	"flag"
	"io"
	"strings"
	"testing"

	gojunit "github.com/jstemmer/go-junit-report/v2/junit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/junit"
)

var update = flag.Bool("update", false, "write the golden files")

func write(t testing.TB, reports ...*report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, junit.WriteAll(&b, reports))
	return b.Bytes()
}

// elements are those that the readers know, with their attributes.
func elements() map[string]string {
	return map[string]string{
		"testsuites": "name tests failures errors skipped", "testsuite": "name tests failures errors id skipped time timestamp",
		"properties": "", "property": "name value", "testcase": "name classname", "system-out": "",
		"failure": "message type", "error": "message type", "skipped": "message type",
	}
}

// check reads the document with a strict parser and adds up its cases.
func check(t testing.TB, got []byte) gojunit.Testsuites {
	t.Helper()
	known := elements()
	d := xml.NewDecoder(bytes.NewReader(got))
	for {
		token, err := d.Token()
		if err == io.EOF { //nolint:errorlint // a decoder ends with the bare error
			break
		}
		require.NoError(t, err)
		if start, ok := token.(xml.StartElement); ok {
			require.Contains(t, known, start.Name.Local)
			for _, a := range start.Attr {
				require.Contains(t, strings.Fields(known[start.Name.Local]), a.Name.Local)
			}
		}
	}
	var suites gojunit.Testsuites
	require.NoError(t, xml.Unmarshal(got, &suites))
	for _, s := range suites.Suites {
		var sum gojunit.Testsuite
		for _, c := range s.Testcases {
			require.NotEmpty(t, c.Name)
			require.NotEmpty(t, c.Classname)
			sum.AddTestcase(c)
		}
		assert.Equal(t, []int{s.Tests, s.Failures, s.Errors, s.Skipped}, []int{sum.Tests, sum.Failures, sum.Errors, sum.Skipped})
	}
	return suites
}

func TestWrite(t *testing.T) {
	for name, reports := range reporttest.Samples() {
		got := write(t, reports...)
		reporttest.Golden(t, *update, name+".junit.xml", got)
		suites := check(t, got)
		require.Len(t, suites.Suites, len(reports))
		for i, r := range reports {
			s := suites.Suites[i]
			failing, err := r.Failing()
			require.NoError(t, err)
			assert.Equal(t, len(r.AllFindings())+1, s.Tests, name)
			assert.Equal(t, r.Verdict.ExitCode == policy.ExitError, s.Errors == 1, name)
			assert.Equal(t, len(failing), s.Failures, name)
		}
	}
}

func TestHostile(t *testing.T) {
	for name, r := range reporttest.Hostiles() {
		t.Run(name, func(t *testing.T) {
			got := write(t, r)
			reporttest.Harmless(t, got)
			suites := check(t, got)
			assert.Len(t, suites.Suites[0].Testcases, len(r.AllFindings())+1)
		})
	}
}

func TestPolicyThatCannotBeRead(t *testing.T) {
	r := reporttest.Sample()
	r.Policy["fail-on"] = policy.Value{Value: "dire"}
	require.ErrorContains(t, junit.Write(io.Discard, r), "dire")
}
