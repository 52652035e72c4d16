package github_test

import (
	"bytes"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/github"
)

var update = flag.Bool("update", false, "write the golden files")

func write(t testing.TB, reports ...*report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, github.WriteAll(&b, reports))
	return b.Bytes()
}

// command is a workflow command as the runner reads it
// (https://github.com/actions/runner, src/Runner.Common/ActionCommand.cs).
type command struct {
	name, data string
	properties map[string]string
}

func parse(t testing.TB, line string) command {
	t.Helper()
	rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), "::")
	require.True(t, ok, line)
	head, data, ok := strings.Cut(rest, "::")
	require.True(t, ok, line)
	unescape := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
	name, list, _ := strings.Cut(head, " ")
	c := command{name: name, data: unescape.Replace(data), properties: map[string]string{}}
	for property := range strings.SplitSeq(list, ",") {
		key, value, ok := strings.Cut(property, "=")
		require.True(t, ok, line)
		c.properties[key] = unescape.Replace(value)
	}
	return c
}

func check(t testing.TB, got []byte) (list []command) {
	t.Helper()
	counts := map[string]int{}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(got), "\n"), "\n") {
		c := parse(t, line)
		require.Regexp(t, `^(error|warning|notice)$`, c.name)
		for key := range c.properties {
			require.Regexp(t, `^(file|line|endLine|title)$`, key)
		}
		require.NotContains(t, line, "\r")
		for l := range strings.SplitSeq(c.data, "\n") {
			require.NotRegexp(t, `^\s*(::|##\[)`, l)
		}
		counts[c.name]++
		require.LessOrEqual(t, counts[c.name], 10)
		list = append(list, c)
	}
	return list
}

func TestWrite(t *testing.T) {
	for name, reports := range reporttest.Samples() {
		got := write(t, reports...)
		reporttest.Golden(t, *update, name+".github.txt", got)
		check(t, got)
	}
}

func TestHostile(t *testing.T) {
	for name, r := range reporttest.Hostiles() {
		t.Run(name, func(t *testing.T) {
			got := write(t, r)
			reporttest.Harmless(t, got)
			check(t, got)
		})
	}
}

func TestEscapes(t *testing.T) {
	r := reporttest.Sample()
	for i := range r.Resources {
		for j := range r.Resources[i].Vulnerabilities {
			r.Resources[i].Vulnerabilities[j].IntroducedBy = &report.IntroducedBy{File: "a,b:c=d%0A::e", Line: 3}
		}
	}
	for _, c := range check(t, write(t, r)) {
		if c.properties["line"] != "" {
			assert.Equal(t, "a,b:c=d%0A::e", c.properties["file"])
			assert.Equal(t, "3", c.properties["endLine"])
		}
	}
}

// TestLimit: GitHub would show the first ten of a kind and be silent about the
// rest.
func TestLimit(t *testing.T) {
	list := check(t, write(t, reporttest.Many(300)))
	var errors []command
	for _, c := range list {
		if c.name == "error" {
			errors = append(errors, c)
		}
	}
	require.Len(t, errors, 10)
	assert.Equal(t, fmt.Sprintf("%d more are not shown here; the report has them all", 30-9), errors[9].data)
	assert.Contains(t, errors[0].data, "package-00000 1.2.3-4: 2 critical, 2 high\n")
}

// TestVerdicts: the limit leaves out no verdict of several reports.
func TestVerdicts(t *testing.T) {
	many, broken := reporttest.Many(300), reporttest.Sample()
	for range 20 {
		many.Notices = append(many.Notices, "read this")
	}
	broken.Image.Reference = "example/broken:1"
	broken.Verdict.Pass, broken.Verdict.ExitCode, broken.Verdict.Reason = false, policy.ExitError, "nobody knows"
	passed := reporttest.Sample()
	passed.Verdict.Reason = "all is well"
	var said []string
	for _, c := range check(t, write(t, many, broken, passed)) {
		said = append(said, c.name+": "+c.data)
	}
	assert.Contains(t, said, "error: nobody knows")
	assert.Contains(t, said, "notice: all is well")
}
