package reporttest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/report"
)

// Golden compares a document with the file testdata/name, which it writes first
// if update is true.
func Golden(t testing.TB, update bool, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(path, got, 0o600))
	}
	want, err := os.ReadFile(path) //nolint:gosec // a test names the file
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

// GoldenJSON compares a JSON document with the file testdata/name, which has it
// with an indent.
func GoldenJSON(t testing.TB, update bool, name string, got []byte) {
	t.Helper()
	var indented bytes.Buffer
	require.NoError(t, json.Indent(&indented, got, "", "  "))
	Golden(t, update, name, indented.Bytes())
}

// Samples are the reports of which every format has golden files, by name. The
// one with two platforms is the only one with several.
func Samples() map[string][]*report.Report {
	return map[string][]*report.Report{
		"sample": {Sample()}, "clean": {Clean()}, "broken": {Broken()}, "platforms": Platforms(),
	}
}

// Hostiles are reports full of hostile texts, by name.
func Hostiles() map[string]*report.Report {
	return map[string]*report.Report{
		"texts": Hostile(Evil, true), "all words": Hostile(Evil, false), "huge": Hostile(strings.Repeat(Evil, 50), true),
		"deep": Hostile(strings.Repeat("(", 100_000), true),
	}
}

// Harmless checks that a document can be printed on a terminal.
func Harmless(t testing.TB, document []byte) {
	t.Helper()
	require.True(t, utf8.Valid(document))
	for line := range strings.SplitSeq(string(document), "\n") {
		plain := strings.TrimLeft(line, "\t")
		if printable := report.Printable(plain); printable != plain {
			require.Equal(t, printable, plain)
		}
	}
}

// HarmlessJSON checks the same of every text in a JSON document, once it is
// decoded.
func HarmlessJSON(t testing.TB, document []byte) {
	t.Helper()
	Harmless(t, document)
	var v any
	require.NoError(t, json.Unmarshal(document, &v))
	texts(v, func(s string) { Harmless(t, []byte(s)) })
}

func texts(v any, each func(string)) {
	switch v := v.(type) {
	case string:
		each(v)
	case []any:
		for _, e := range v {
			texts(e, each)
		}
	case map[string]any:
		for k, e := range v {
			each(k)
			texts(e, each)
		}
	}
}

// ModuleDir is where the source of a module is: one that the project requires,
// or path@version.
func ModuleDir(t testing.TB, module string) string {
	t.Helper()
	if !strings.Contains(module, "@") {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output() //nolint:gosec // a test names the module
		require.NoError(t, err, module)
		return strings.TrimSpace(string(out))
	}
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", module) //nolint:gosec // a test names the module
	cmd.Dir = t.TempDir()                                                             // outside the project: it does not require the module
	out, err := cmd.Output()
	require.NoError(t, err, module)
	var info struct{ Dir string }
	require.NoError(t, json.Unmarshal(out, &info))
	return info.Dir
}

// Schema compiles a JSON schema with its formats checked. others are schemas
// that it refers to, by their addresses.
func Schema(t testing.TB, address string, schema []byte, others map[string][]byte) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	add := func(address string, text []byte) {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		require.NoError(t, err, address)
		require.NoError(t, c.AddResource(address, doc))
	}
	add(address, schema)
	for address, text := range others {
		add(address, text)
	}
	s, err := c.Compile(address)
	require.NoError(t, err)
	return s
}

// Valid checks a document against a schema.
func Valid(t testing.TB, s *jsonschema.Schema, document []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	require.NoError(t, err)
	require.NoError(t, s.Validate(doc))
}
