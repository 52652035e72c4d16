package oracle_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

// samples are real definitions by their path in the archive. Most are in forms
// of JSON that other programs keep; they are turned back into OVAL here.
func samples(t *testing.T) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader(scantest.Shared(t, "oracle/oval.zip"))
	require.NoError(t, err)
	defer func() { require.NoError(t, z.Close()) }()
	files := map[string][]byte{}
	for _, f := range z.File {
		if f.Mode().IsRegular() {
			r, err := f.Open()
			require.NoError(t, err)
			files[f.Name], err = io.ReadAll(r)
			require.NoError(t, err)
		}
	}
	return files
}

// node is criteria in JSON.
type node struct {
	Operator   string
	Parts      []node `json:"criterias"` //nolint:misspell // The word of the sample.
	Criterions []struct {
		TestRef string `json:"test_ref"`
		Comment string
	}
}

func (n *node) xml() string {
	var parts []string
	for _, c := range n.Criterions {
		parts = append(parts, fmt.Sprintf(`<criterion test_ref=%q comment=%q/>`, c.TestRef, html.EscapeString(c.Comment)))
	}
	for _, c := range n.Parts {
		parts = append(parts, c.xml())
	}
	return `<criteria operator="` + n.Operator + `">` + strings.Join(parts, "") + `</criteria>`
}

// said lists what the comments of criteria say, as "release package module
// fixed": read without the tests, and with another walk than the importer's.
func (n *node) said(release, module string, to map[string]bool) {
	for _, c := range n.Criterions {
		if m := osWords.FindStringSubmatch(c.Comment); m != nil {
			release = m[1]
		}
		if m := modWords.FindStringSubmatch(c.Comment); m != nil {
			module = m[1] + ":" + m[2]
		}
	}
	for _, c := range n.Criterions {
		if m := evrWords.FindStringSubmatch(c.Comment); m != nil && m[1] != "" {
			to[strings.Join([]string{release, m[1], module, strings.TrimPrefix(m[3], "0:")}, " ")] = true
		}
	}
	for _, c := range n.Parts {
		c.said(release, module, to)
	}
}

// stated lists the same of records.
func stated(records []advisory.Record) map[string]bool {
	out := map[string]bool{}
	for _, r := range records {
		out[strings.Join([]string{r.Release, r.Package, r.Module, r.Fixed}, " ")] = true
	}
	return out
}

func TestRealDocument(t *testing.T) {
	file := filepath.Join(t.TempDir(), "oval.xml.bz2")
	text := samples(t)["vuls-data-update/pkg/fetch/oracle/linux/testdata/fixtures/com.oracle.elsa-all.xml.bz2"]
	require.NotEmpty(t, text)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	records, stats, err := importFile(t, file)
	require.NoError(t, err)
	assert.Empty(t, stats.Problems)
	got := lines(records)
	assert.Contains(t, got, "5 bind  CVE-2007-0493 30:9.3.3-8.el5 "+bits32+",x86_64 ")
	assert.Contains(t, got, "8 hivex virt:kvm_utils CVE-2023-0664 1.3.18-21.module+el8.7.0+21037+8ee66348 aarch64 ")
	assert.Len(t, got, 8*2+2)
}

// The definitions that Vuls keeps have their tests, objects and states beside
// them, one a file.
func TestRealDefinitionsWithTests(t *testing.T) {
	files := samples(t)
	documents := 0
	for name, text := range files {
		if path.Base(path.Dir(name)) != "definitions" {
			continue
		}
		documents++
		t.Run(path.Base(path.Dir(path.Dir(name))), func(t *testing.T) {
			var d struct {
				ID, Class string
				Metadata  struct {
					Title     string
					Reference []struct {
						Source string
						RefID  string `json:"ref_id"`
					}
				}
				Criteria node
			}
			require.NoError(t, json.Unmarshal(text, &d))
			var doc strings.Builder
			fmt.Fprintf(&doc, `<oval_definitions><definitions><definition id=%q class=%q><metadata><title>%s</title>`, d.ID, d.Class, html.EscapeString(d.Metadata.Title))
			for _, r := range d.Metadata.Reference {
				fmt.Fprintf(&doc, `<reference source=%q ref_id=%q/>`, r.Source, r.RefID)
			}
			doc.WriteString(`</metadata>` + d.Criteria.xml() + `</definition></definitions>`)
			for _, section := range []string{"tests", "objects", "states"} {
				doc.WriteString("<" + section + ">")
				for other, text := range files {
					if strings.HasPrefix(other, path.Dir(path.Dir(name))+"/"+section+"/") {
						doc.WriteString(elementXML(t, path.Base(path.Dir(other)), text))
					}
				}
				doc.WriteString("</" + section + ">")
			}
			records, stats, err := importText(t, doc.String()+"</oval_definitions>")
			require.NoError(t, err)
			assert.Empty(t, stats.Problems)
			want := map[string]bool{}
			d.Criteria.said("", "", want)
			assert.Equal(t, want, stated(records))
		})
	}
	assert.Equal(t, 5, documents)
}

// elementXML writes a test, an object or a state: its members that are objects
// are elements, or elements with a text, the others attributes.
func elementXML(t *testing.T, kind string, text []byte) string {
	t.Helper()
	var members map[string]any
	require.NoError(t, json.Unmarshal(text, &members))
	var attrs, inside strings.Builder
	for key, value := range members {
		switch v := value.(type) {
		case map[string]any:
			fmt.Fprintf(&inside, "<%s", key)
			for name, s := range v {
				if name != "text" {
					fmt.Fprintf(&inside, ` %s="%s"`, name, html.EscapeString(s.(string)))
				}
			}
			content, _ := v["text"].(string)
			fmt.Fprintf(&inside, ">%s</%s>", html.EscapeString(content), key)
		case string:
			if key == "name" {
				fmt.Fprintf(&inside, "<name>%s</name>", html.EscapeString(v))
				continue
			}
			fmt.Fprintf(&attrs, ` %s="%s"`, key, html.EscapeString(v))
		}
	}
	return "<" + kind + attrs.String() + ">" + inside.String() + "</" + kind + ">"
}

// The definitions that Trivy keeps have only the comments of their criteria.
func TestRealDefinitionsOfTrivy(t *testing.T) {
	found := 0
	for name, text := range samples(t) {
		if !strings.HasPrefix(name, "trivy-db/") {
			continue
		}
		found++
		t.Run(strings.TrimPrefix(name, "trivy-db/pkg/vulnsrc/oracle-oval/testdata/"), func(t *testing.T) {
			var d struct {
				Title      string
				Severity   string
				References []struct{ Source, ID, URI string }
				Criteria   node
			}
			require.NoError(t, json.Unmarshal(text, &d))
			var metadata strings.Builder
			for _, r := range d.References {
				fmt.Fprintf(&metadata, `<reference source=%q ref_id=%q ref_url=%q/>`, r.Source, r.ID, r.URI)
			}
			records, stats, err := importText(t, document(`<definition class="patch"><metadata><title>`+html.EscapeString(d.Title)+`</title>`+
				metadata.String()+`<advisory><severity>`+d.Severity+`</severity></advisory></metadata>`+d.Criteria.xml()+`</definition>`))
			want := map[string]bool{}
			d.Criteria.said("", "", want)
			require.NoError(t, err)
			assert.Equal(t, want, stated(records))
			for _, p := range stats.Problems {
				assert.Equal(t, "oval.xml: ELSA-2007-0057", p.Where, "this sample has packages without names")
			}
			for _, r := range records {
				assert.NotZero(t, r.Severity)
				// All builds of ksplice and FIPS have a raised epoch.
				assert.Equal(t, len(r.CPEs) == 1, strings.Contains(r.Fixed, "ksplice") || strings.Contains(r.Fixed, "_fips"), r.Fixed)
			}
		})
	}
	assert.Equal(t, 13, found)
}

// Vunnel has definitions in the feed's own form, without their tests.
func TestRealDefinitionsOfVunnel(t *testing.T) {
	definition := regexp.MustCompile(`(?s)<definition .*?</definition>`)
	want := map[string]string{
		"mock_data": "5 bind-devel  CVE-2007-0494 30:9.3.3-8.el5  ",
		// The two architectures were built again at different revisions.
		"mock_per_arch_data": "7 rsyslog  CVE-2022-24903 8.24.0-57.0.1.el7_9.3 " + x86 + " ",
		"mock_ksplice_data":  "cpe:/o:oracle:linux:8::ksplice",
	}
	for name, text := range samples(t) {
		if !strings.HasPrefix(name, "vunnel/") {
			continue
		}
		records, stats, err := importText(t, document(definition.FindAllString(string(text), -1)...))
		require.NoError(t, err)
		assert.Empty(t, stats.Problems)
		got := lines(records)
		fact := want[path.Base(name)]
		assert.True(t, slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, fact) }), "%s: %s", name, fact)
		delete(want, path.Base(name))
	}
	assert.Empty(t, want)
}
