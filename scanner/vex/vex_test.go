package vex_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/vex"
)

func fixture(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "openssl.json"))
	require.NoError(t, err)
	return string(text)
}

func TestRead(t *testing.T) {
	got, err := vex.Read(strings.NewReader(fixture(t)), "vex/openssl.json")
	require.NoError(t, err)
	document := time.Date(2026, 1, 9, 0, 2, 3, 647787998, time.UTC)
	for i := range got {
		assert.Equal(t, policy.SuppressedByVEX, got[i].By)
		assert.Equal(t, "Example Security <security@example.org>", got[i].Author)
		require.NoError(t, got[i].Validate())
		got[i].By, got[i].Author, got[i].Timestamp = "", "", got[i].Timestamp.UTC()
	}
	assert.Equal(t, []policy.Suppression{
		{
			IDs:    []string{"CVE-2026-0001", "GHSA-aaaa-bbbb-cccc", "DSA-1-1"},
			PURLs:  []string{"pkg:deb/debian/openssl@3.0.11-1?arch=source", "pkg:apk/alpine/openssl"},
			Reason: "The server is never started.", Status: "not_affected", Justification: "vulnerable_code_not_in_execute_path",
			Timestamp: document, Source: "vex/openssl.json, statement 1",
		},
		{
			IDs: []string{"CVE-2026-0002"}, PURLs: []string{"pkg:rpm/redhat/openssl@3.0.7-1.el9?epoch=1"}, Reason: "Patched by us.", Status: "fixed",
			Timestamp: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Source: "vex/openssl.json, statement 2",
		},
		{
			IDs: []string{"CVE-2026-0003"}, Reason: "component_not_present", Status: "not_affected", Justification: "component_not_present",
			Timestamp: document, Source: "vex/openssl.json, statement 3",
		},
		{
			IDs: []string{"CVE-2026-0004"}, PURLs: []string{"pkg:deb/debian/openssl"}, Reason: "under_investigation", Status: "under_investigation",
			Timestamp: document, Source: "vex/openssl.json, statement 4",
		},
		{
			IDs: []string{"CVE-2026-0005"}, PURLs: []string{"pkg:deb/debian/openssl"}, Reason: "Upgrade to the next release.", Status: "affected",
			Timestamp: document, Source: "vex/openssl.json, statement 5",
		},
	}, got)

	// The list is what a scan reads.
	text, err := json.Marshal(got)
	require.NoError(t, err)
	_, err = policy.DecodeSuppressions(bytes.NewReader(bytes.ReplaceAll(text, []byte(`"by":""`), []byte(`"by":"vex"`))))
	require.NoError(t, err)
}

// TestProducts: what a statement is about, and what it is not about.
func TestProducts(t *testing.T) {
	const openssl = `"subcomponents":[{"@id":"pkg:deb/debian/openssl"}]`
	for products, want := range map[string][]string{
		`{"@id":"pkg:oci/app",` + openssl + `}`:                                                        {"pkg:deb/debian/openssl"},
		`{"@id":"https://example.org/app",` + openssl + `}`:                                            {"pkg:deb/debian/openssl"},
		`{"@id":"pkg:deb/debian/curl",` + openssl + `}`:                                                {"pkg:deb/debian/curl"}, // others use openssl too
		`{"@id":"urn:x","identifiers":{"purl":"pkg:deb/debian/curl"},` + openssl + `}`:                 {"pkg:deb/debian/curl"},
		`{"@id":"pkg:oci/app",` + openssl + `},{"@id":"pkg:deb/debian/bash"}`:                          {"pkg:deb/debian/openssl", "pkg:deb/debian/bash"},
		`{"@id":"pkg:oci/app","subcomponents":[{"@id":"pkg:oci/base"},{"@id":"pkg:deb/debian/zlib"}]}`: {"pkg:deb/debian/zlib"},
	} {
		got, err := vex.Read(strings.NewReader(`{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"A","version":1,"timestamp":"2026-01-01T00:00:00Z","statements":[
			{"vulnerability":{"name":"CVE-1"},"products":[`+products+`],"status":"fixed"}]}`), "a.json")
		require.NoError(t, err, products)
		require.Len(t, got, 1, products)
		assert.Equal(t, want, got[0].PURLs, products)
	}
}

func TestReadRefuses(t *testing.T) {
	const start = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"A","version":1,"timestamp":"2026-01-01T00:00:00Z","statements":[`
	const good = `{"vulnerability":{"name":"CVE-1"},"products":[{"@id":"pkg:deb/debian/a"}],"status":"fixed"}`
	for name, tc := range map[string]struct{ text, want string }{
		"empty":            {"", `it is no document of OpenVEX: unexpected end of JSON input`},
		"no JSON":          {"x", "it is not JSON: invalid character 'x'"},
		"a list":           {"[]", `it is no document of OpenVEX: "the document" holds a JSON array`},
		"wrong type":       {strings.Replace(start+good+"]}", `"author":"A"`, `"author":7`, 1), `"author" holds a JSON number`},
		"wrong time":       {strings.Replace(start+good+"]}", "2026-01-01T", "1.1.2026 ", 1), "it is no document of OpenVEX: parsing time"},
		"old version":      {`{"@context":"https://openvex.dev/ns","statements":[]}`, `its @context is "https://openvex.dev/ns"; it must be "https://openvex.dev/ns/v0.2.0"`},
		"CSAF":             {`{"document":{"category":"csaf_vex"}}`, `its @context is ""`},
		"no vulnerability": {start + good + `,{"products":[{"@id":"pkg:deb/debian/a"}],"status":"fixed"}]}`, "statement 2: it names no vulnerability"},
		"no products":      {start + `{"vulnerability":{"name":"CVE-1"},"status":"fixed"}]}`, "statement 1: it names no products"},
		"no time":          {strings.Replace(start, `"timestamp":"2026-01-01T00:00:00Z",`, "", 1) + good + "]}", "statement 1: it has no timestamp, and neither has the document"},
		"status":           {start + strings.Replace(good, "fixed", "fine", 1) + "]}", `statement 1: invalid status value "fine"`},
		"no justification": {start + strings.Replace(good, "fixed", "not_affected", 1) + "]}", "statement 1: either justification or impact statement must be defined"},
		"package URL":      {start + strings.Replace(good, "deb/debian/a", "", 1) + "]}", `statement 1: "pkg:" is no package URL`},
		"many statements":  {start + strings.Repeat(good+",", vex.MaxStatements) + good + "]}", "it has 10001 statements; at most 10000 are read"},
		"many objects":     {start + strings.Repeat("{},", 200_000) + "{}]}", "it has more than 200000 objects and lists"},
		"deep":             {strings.Repeat("[", 1000), "its objects are more than 20 deep in each other"},
		"large":            {strings.Repeat(" ", vex.MaxSize+1), "it is larger than 8 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := vex.Read(strings.NewReader(tc.text), "a.json")
			require.ErrorContains(t, err, "the VEX document a.json: ")
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(fixture(f))
	f.Add(`{"@context":"https://openvex.dev/ns/v0.2.0","timestamp":"2026-01-01T00:00:00Z","statements":[{"vulnerability":{"name":"CVE-1"},"products":[{"@id":"pkg:oci/a"}],"status":"fixed"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := vex.Read(strings.NewReader(text), "a.json")
		if err == nil {
			require.NoError(t, policy.ValidateSuppressions(list))
		}
	})
}
