package report_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/severity"
)

const schemaFile = "../../docs/report.schema.json"

func reportSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	return reporttest.Schema(t, "urn:microscanner:report:"+report.SchemaVersion, text, nil)
}

// TestSchema checks reports with everything that a report can hold, and those
// that scans gave: the golden files of the scan's own tests.
func TestSchema(t *testing.T) {
	s := reportSchema(t)
	for name, reports := range reporttest.Samples() {
		for _, r := range reports {
			t.Run(name, func(t *testing.T) { reporttest.Valid(t, s, writeJSON(t, r)) })
		}
	}
	reporttest.Valid(t, s, writeJSON(t, sample(t)))
	reporttest.Valid(t, s, writeJSON(t, reporttest.Many(100)))
	scans, err := filepath.Glob("../scan/testdata/*/want.json")
	require.NoError(t, err)
	require.NotEmpty(t, scans)
	for _, name := range scans {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		reporttest.Valid(t, s, text)
	}
}

// TestSchemaRefuses: the schema is strict.
func TestSchemaRefuses(t *testing.T) {
	s := reportSchema(t)
	for name, change := range map[string]func(map[string]any){
		"a key too many":     func(m map[string]any) { m["extra"] = 1 },
		"a key too few":      func(m map[string]any) { delete(m, "verdict") },
		"another version":    func(m map[string]any) { m["schema_version"] = "2.0" },
		"a text as a number": func(m map[string]any) { m["scan_duration"] = "1" },
		"an exit code":       func(m map[string]any) { m["verdict"].(map[string]any)["exit_code"] = 3 },
		"a key in an object": func(m map[string]any) { m["image"].(map[string]any)["tag"] = "1" },
	} {
		var m map[string]any
		require.NoError(t, json.Unmarshal(writeJSON(t, reporttest.Sample()), &m))
		change(m)
		assert.Error(t, s.Validate(m), name)
	}
}

// TestSchemaIsTheStruct: a field that the schema does not know, or knows by
// another type, is found here.
func TestSchemaIsTheStruct(t *testing.T) {
	text, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	var root schemaNode
	require.NoError(t, json.Unmarshal(text, &root))
	w := schemaWalk{defs: root.Defs, used: map[string]bool{}}
	w.object(t, reflect.TypeFor[report.Report](), root)
	for name := range root.Defs {
		assert.True(t, w.used[name], "no field refers to $defs/%s", name)
	}
}

// schemaNode is what the test looks at in a schema.
type schemaNode struct {
	Type                 string
	Ref                  string `json:"$ref"`
	Enum                 []any
	Const                any
	Format               string
	Properties           map[string]schemaNode
	Required             []string
	Items                *schemaNode
	AdditionalProperties json.RawMessage
	Defs                 map[string]schemaNode `json:"$defs"`
}

type schemaWalk struct {
	defs map[string]schemaNode
	used map[string]bool
}

func (w schemaWalk) object(t *testing.T, typ reflect.Type, n schemaNode) {
	t.Helper()
	assert.Equal(t, "object", n.Type, typ)
	assert.Equal(t, "false", string(n.AdditionalProperties), typ)
	var required []string
	known := map[string]bool{}
	for i := range typ.NumField() {
		f := typ.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		known[key] = true
		if options == "" {
			required = append(required, key)
		}
		property, ok := n.Properties[key]
		if assert.True(t, ok, "the schema lacks %s of %s", key, typ) {
			w.value(t, f.Type, property, typ.String()+"."+f.Name)
		}
	}
	assert.ElementsMatch(t, required, n.Required, typ)
	for key := range n.Properties {
		assert.True(t, known[key], "%s has no %s", typ, key)
	}
}

func (w schemaWalk) value(t *testing.T, typ reflect.Type, n schemaNode, where string) {
	t.Helper()
	switch kind := typ.Kind(); {
	case kind == reflect.Pointer:
		w.value(t, typ.Elem(), n, where)
	case typ == reflect.TypeFor[time.Time]():
		assert.Equal(t, "date-time", n.Format, where)
	case typ == reflect.TypeFor[severity.Severity]():
		assert.Len(t, n.Enum, len(severity.All()), where)
	case kind == reflect.Struct && typ.NumField() == 0:
		assert.Equal(t, "object", n.Type, where)
	case kind == reflect.Struct:
		name := strings.TrimPrefix(n.Ref, "#/$defs/")
		if def, ok := w.defs[name]; assert.True(t, ok, where) && !w.used[name] {
			w.used[name] = true
			w.object(t, typ, def)
		}
	case kind == reflect.Slice:
		if assert.Equal(t, "array", n.Type, where) {
			w.value(t, typ.Elem(), *n.Items, where)
		}
	case kind == reflect.Map:
		var values schemaNode
		require.NoError(t, json.Unmarshal(n.AdditionalProperties, &values), where)
		w.value(t, typ.Elem(), values, where)
	case n.Enum != nil || n.Const != nil:
	default:
		want := map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Float64: "number"}[kind]
		if want == "" {
			want = "integer"
		}
		assert.Equal(t, want, n.Type, where)
	}
}
