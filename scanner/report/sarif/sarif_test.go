package sarif_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/sarif"
	"github.com/example/microscanner-frontend/scanner/severity"
)

var update = flag.Bool("update", false, "write the golden files")

// schema is OASIS's, which the library holds in a constant that it does not
// export.
func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	name := filepath.Join(reporttest.ModuleDir(t, "github.com/owenrumney/go-sarif/v3"), "pkg", "report", "v210", "sarif", "schema.go")
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	require.NoError(t, err)
	text := ""
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err = strconv.Unquote(lit.Value)
			require.NoError(t, err)
		}
		return true
	})
	require.Contains(t, text, "SARIF")
	return reporttest.Schema(t, "https://schema.example/sarif.json", []byte(text), nil)
}

func write(t testing.TB, reports ...*report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, sarif.WriteAll(&b, reports))
	return b.Bytes()
}

func TestWrite(t *testing.T) {
	s := schema(t)
	for name, reports := range reporttest.Samples() {
		got := write(t, reports...)
		reporttest.GoldenJSON(t, *update, name+".sarif", got)
		reporttest.Valid(t, s, got)
	}
}

func TestHostile(t *testing.T) {
	s := schema(t)
	for name, r := range reporttest.Hostiles() {
		t.Run(name, func(t *testing.T) {
			got := write(t, r)
			reporttest.HarmlessJSON(t, got)
			reporttest.Valid(t, s, got)
			log := decode(t, got)
			for _, rule := range log.Runs[0].Tool.Driver.Rules {
				markdown := strings.ReplaceAll(rule.Help.Markdown, "&#8203;", "")
				assert.NotRegexp(t, `<[a-z/]`, markdown)
				assert.NotRegexp(t, `[^\\]\]\(`, markdown, "a link")
				assert.NotContains(t, rule.Help.Markdown, "@team")
				assert.LessOrEqual(t, len(rule.ID), 255)
				assert.LessOrEqual(t, len(rule.FullDescription.Text), 1024)
				assert.LessOrEqual(t, len(rule.ShortDescription.Text), 1024)
			}
			for _, res := range log.Runs[0].Results {
				assert.NotRegexp(t, `[^\\]\]\(`, res.Message.Text, "a link")
				uri := res.Locations[0].PhysicalLocation.ArtifactLocation.URI
				assert.NotContains(t, uri, "..")
				assert.NotRegexp(t, `^([a-z]+:|/)`, uri)
			}
		})
	}
}

// log is what readers look at.
type log struct {
	Runs []struct {
		Tool struct {
			Driver struct {
				Rules []struct {
					ID                                string
					Help                              struct{ Text, Markdown string }
					FullDescription, ShortDescription struct{ Text string }
					Properties                        map[string]any
				}
			}
		}
		Invocations []struct {
			ToolExecutionNotifications []struct{ Message struct{ Text string } }
		}
		Results []struct {
			RuleID, Level, Kind string
			RuleIndex           int
			Message             struct{ Text string }
			PartialFingerprints map[string]string
			Suppressions        []struct{ Justification string }
			Locations           []struct {
				PhysicalLocation struct {
					ArtifactLocation struct{ URI string }
					Region           struct{ StartLine, EndLine int }
				}
			}
		}
	}
}

func decode(t testing.TB, dt []byte) (l log) {
	t.Helper()
	require.NoError(t, json.Unmarshal(dt, &l))
	return l
}

// TestEscapesOutOfTheSource: a Dockerfile's name is no way to another file.
func TestLocations(t *testing.T) {
	for name, tc := range map[string]struct {
		file string
		line int
		want string
	}{
		"line":     {"docker/app.Dockerfile", 4, "docker/app.Dockerfile"},
		"blank":    {"my Dockerfile", 4, "my%20Dockerfile"},
		"up":       {"../../etc/passwd", 4, "etc/passwd"},
		"absolute": {"/etc/passwd", 4, "etc/passwd"},
		"scheme":   {"javascript:alert(1)", 4, "./javascript:alert%281%29"},
		"no line":  {"Dockerfile", 0, "var/lib/dpkg/status"},
		"no file":  {"", 4, "var/lib/dpkg/status"},
	} {
		r := reporttest.Sample()
		b := r.Resources[1].Vulnerabilities[0].IntroducedBy
		b.File, b.Line = tc.file, tc.line
		for _, res := range decode(t, write(t, r)).Runs[0].Results {
			if res.RuleID == "CVE-2024-0001" {
				assert.Equal(t, tc.want, res.Locations[0].PhysicalLocation.ArtifactLocation.URI, name)
			}
		}
	}
}

// TestFingerprints: a finding keeps its own after an upgrade that did not repair
// it and after lines were added above its instruction.
func TestFingerprints(t *testing.T) {
	prints := func(r *report.Report) map[string]string {
		out := map[string]string{}
		for _, res := range decode(t, write(t, r)).Runs[0].Results {
			print := res.PartialFingerprints["primaryLocationLineHash"]
			require.NotContains(t, out, print)
			out[print] = res.RuleID
		}
		return out
	}
	want := prints(reporttest.Sample())
	r := reporttest.Sample()
	for i := range r.Resources {
		r.Resources[i].Resource.Source.Version += "+1"
	}
	r.Resources[1].Vulnerabilities[0].IntroducedBy.Line += 3
	assert.Equal(t, want, prints(r))

	// Two versions of one package side by side are two findings.
	r.Resources = append(r.Resources, r.Resources[3])
	r.Resources[len(r.Resources)-1].Resource.Source.Version = "2"
	assert.Len(t, prints(r), len(want)+2)
}

// TestSecuritySeverity: GitHub shows the severity that the gate uses.
func TestSecuritySeverity(t *testing.T) {
	for _, tc := range []struct {
		severity severity.Severity
		score    float64
		want     string
	}{
		{severity.Critical, 9.8, "9.8"}, {severity.High, 9.8, "8.0"}, {severity.High, 7.1, "7.1"}, {severity.Low, 9.8, "2.0"},
		{severity.Medium, 0, "5.5"}, {severity.Negligible, 3, "0.1"}, {severity.Unknown, 5, "0.0"}, {severity.Critical, 0, "9.5"},
	} {
		r := reporttest.Clean()
		r.Resources = []report.Resource{{Vulnerabilities: []report.Vulnerability{{Name: "CVE-1", Severity: tc.severity, NVDScoreV3: tc.score}}}}
		rule := decode(t, write(t, r)).Runs[0].Tool.Driver.Rules[0]
		assert.Equal(t, tc.want, rule.Properties["security-severity"], "%s %v", tc.severity, tc.score)
	}
}

// TestRuleOfSeveralPackages: the rule has the worst severity of its findings.
func TestRuleOfSeveralPackages(t *testing.T) {
	r := reporttest.Clean()
	for i, s := range []severity.Severity{severity.Low, severity.High} {
		r.Resources = append(r.Resources, report.Resource{
			Resource:        report.Package{Name: strconv.Itoa(i), Source: report.Source{Name: strconv.Itoa(i)}},
			Vulnerabilities: []report.Vulnerability{{Name: "CVE-1", Severity: s, Suppressed: map[bool]*report.Suppressed{true: {By: "ignore"}}[i == 1]}},
		})
	}
	run := decode(t, write(t, r)).Runs[0]
	require.Len(t, run.Tool.Driver.Rules, 1)
	assert.Equal(t, "8.0", run.Tool.Driver.Rules[0].Properties["security-severity"])
	assert.Equal(t, "note", run.Results[0].Level)
	assert.Equal(t, "error", run.Results[1].Level, "what is suppressed comes last")
	assert.Len(t, run.Results[1].Suppressions, 1)
}

// TestLimit: GitHub refuses a file with more results.
func TestLimit(t *testing.T) {
	run := decode(t, write(t, reporttest.Many(25_002))).Runs[0]
	assert.Len(t, run.Results, 25_000)
	assert.Len(t, run.Tool.Driver.Rules, 25_000)
	notes := run.Invocations[0].ToolExecutionNotifications
	assert.Contains(t, notes[len(notes)-1].Message.Text, "2 findings more are left out")
}
