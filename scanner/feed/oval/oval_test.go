package oval_test

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/feed/oval"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

// small has one definition with all that vendors write, and the tests of rpm,
// dpkg and text files. Prefixes of names differ from vendor to vendor.
const small = `<?xml version="1.0" encoding="UTF-8"?>
<oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5" xmlns:ind="x" xmlns:l="y">
<generator><oval:timestamp xmlns:oval="z">2024-01-01T00:00:00</oval:timestamp></generator>
<!-- a comment -->
<definitions>
<definition id="def:1" version="1" class="patch">
<metadata>
<title>
 ADV-1: a security update </title>
<affected family="unix"><platform>Some Linux 8</platform><platform>Some Linux 9</platform></affected>
<reference source="CVE" ref_id="CVE-2024-0001" ref_url="https://example.com/1"/>
<description> first &lt; second<br/> third </description>
<patchable>true</patchable>
<advisory from="x"><severity>LOW</severity><issued date="2024-01-02"/><updated date="2024-01-03"/>
<cve impact="low" href="https://example.com/c">CVE-2024-0001</cve><public_date>2024-01-01</public_date><public_date>later</public_date>
<affected_cpe_list><cpe>cpe:/o:x</cpe></affected_cpe_list></advisory>
</metadata>
<criteria>
<extend_definition definition_ref="def:0"/>
<criterion test_ref="tst:os" comment="the release"/>
<criteria operator="OR" negate="true">
<criterion test_ref="tst:rpm" comment="the package" negate="1"/>
<criterion test_ref="tst:dpkg"/>
<criterion test_ref="tst:none"/>
<criterion test_ref="tst:no-object"/>
<criterion test_ref="tst:no-state"/>
</criteria>
<criteria operator="XOR"/>
</criteria>
<future><x>y</x></future>
</definition>
</definitions>
<tests>
<ind:textfilecontent54_test id="tst:os" check="all" check_existence="none_exist"><ind:object object_ref="obj:os"/></ind:textfilecontent54_test>
<l:rpminfo_test id="tst:rpm"><l:object object_ref="obj:rpm"/><l:state state_ref="ste:evr"/><l:state state_ref="ste:arch"/></l:rpminfo_test>
<dpkginfo_test id="tst:dpkg" xmlns="d"><object object_ref="obj:dpkg"/><state state_ref="ste:evr"/></dpkginfo_test>
<rpminfo_test id="tst:no-object"><object object_ref="obj:none"/></rpminfo_test>
<rpminfo_test id="tst:no-state"><object object_ref="obj:rpm"/><state state_ref="ste:none"/></rpminfo_test>
<something id="tst:none"/>
</tests>
<objects>
<ind:textfilecontent54_object id="obj:os"><ind:path>/etc</ind:path><ind:pattern operation="pattern match">^8</ind:pattern></ind:textfilecontent54_object>
<l:rpminfo_object id="obj:rpm"><l:name>bash</l:name></l:rpminfo_object>
<dpkginfo_object id="obj:dpkg"><name var_ref="var:names" var_check="at least one"/></dpkginfo_object>
</objects>
<states>
<l:rpminfo_state id="ste:evr"><l:evr datatype="evr_string" operation="less than">0:1-2</l:evr></l:rpminfo_state>
<l:rpminfo_state id="ste:arch"><l:arch operation="pattern match">x86_64|aarch64</l:arch></l:rpminfo_state>
</states>
<variables>
<constant_variable id="var:names"><value>libssl3</value><value>openssl</value></constant_variable>
<local_variable id="var:local"><concat/></local_variable>
</variables>
</oval_definitions>
`

func read(t testing.TB, text string, options oval.Options) *oval.Document {
	t.Helper()
	doc, err := oval.Read(strings.NewReader(text), options)
	require.NoError(t, err)
	return doc
}

func TestDefinition(t *testing.T) {
	doc := read(t, small, oval.Options{Comments: true, Descriptions: true})
	require.Len(t, doc.Definitions, 1)
	d := doc.Definitions[0]
	criteria := d.Criteria
	d.Criteria = oval.Criteria{}
	assert.Equal(t, oval.Definition{
		ID: "def:1", Class: "patch", Title: "ADV-1: a security update", Description: "first < second third",
		Platforms:  []string{"Some Linux 8", "Some Linux 9"},
		References: []oval.Reference{{Source: "CVE", ID: "CVE-2024-0001", URL: "https://example.com/1"}},
		Severity:   "LOW", Issued: "2024-01-02", Updated: "2024-01-03",
		CVEs:  []oval.CVE{{Text: "CVE-2024-0001", Attr: map[string]string{"impact": "low", "href": "https://example.com/c"}}},
		Extra: map[string]string{"patchable": "true", "public_date": "2024-01-01"},
	}, d)

	assert.Equal(t, oval.And, criteria.Operator, "if none is stated")
	assert.Equal(t, []string{"def:0"}, criteria.Extends)
	require.Len(t, criteria.Criterions, 1)
	assert.Equal(t, "the release", doc.Comment(criteria.Criterions[0]))
	assert.Equal(t, "tst:os", doc.Ref(criteria.Criterions[0]))
	require.Len(t, criteria.Criteria, 2)
	assert.Equal(t, "XOR", criteria.Criteria[1].Operator)
	inner := criteria.Criteria[0]
	assert.Equal(t, oval.Or, inner.Operator)
	assert.True(t, inner.Negate)
	assert.True(t, inner.Criterions[0].Negate)
	assert.False(t, inner.Criterions[1].Negate)

	doc = read(t, small, oval.Options{})
	assert.Empty(t, doc.Comment(doc.Definitions[0].Criteria.Criterions[0]))
	assert.Empty(t, doc.Definitions[0].Description)
}

func TestTests(t *testing.T) {
	doc := read(t, small, oval.Options{})
	criteria := doc.Definitions[0].Criteria
	evr := oval.Entities{{Name: "evr", Operation: oval.LessThan, Values: []string{"0:1-2"}}}

	got, err := doc.Test(criteria.Criterions[0])
	require.NoError(t, err)
	assert.Equal(t, oval.Test{Kind: oval.KindTextfile, Existence: "none_exist", Object: oval.Entities{
		{Name: "path", Operation: oval.Equals, Values: []string{"/etc"}},
		{Name: "pattern", Operation: oval.PatternMatch, Values: []string{"^8"}},
	}}, got)

	leaves := criteria.Criteria[0].Criterions
	got, err = doc.Test(leaves[0])
	require.NoError(t, err)
	assert.Equal(t, oval.Test{
		Kind:   oval.KindRpm,
		Object: oval.Entities{{Name: "name", Operation: oval.Equals, Values: []string{"bash"}}},
		States: []oval.Entities{evr, {{Name: "arch", Operation: oval.PatternMatch, Values: []string{"x86_64|aarch64"}}}},
	}, got)
	assert.Equal(t, "bash", got.Object.Value("name", oval.Equals))
	assert.Empty(t, got.Object.Value("name", oval.LessThan))
	assert.Empty(t, got.Object.Value("version", oval.Equals))

	got, err = doc.Test(leaves[1])
	require.NoError(t, err)
	assert.Equal(t, oval.Test{
		Kind:   oval.KindDpkg,
		Object: oval.Entities{{Name: "name", Operation: oval.Equals, Values: []string{"libssl3", "openssl"}}},
		States: []oval.Entities{evr},
	}, got)
	assert.Empty(t, got.Object.Value("name", oval.Equals), "it has two")

	for i, want := range map[int]string{
		2: `there is no test "tst:none"`,
		3: `the test "tst:no-object" refers to the object "obj:none", which is not there`,
		4: `the test "tst:no-state" refers to the state "ste:none", which is not there`,
	} {
		_, err := doc.Test(leaves[i])
		require.EqualError(t, err, want)
	}
}

// repeat is a text that goes on for ever.
type repeat struct{ text string }

func (r repeat) Read(p []byte) (int, error) { return copy(p, r.text), nil }

func TestWhatIsNotReadable(t *testing.T) {
	const start = "<oval_definitions><definitions>"
	endless := strings.Repeat("<definition><criteria><criterion test_ref='x'/></criteria></definition>", 100)
	for name, c := range map[string]struct {
		in   io.Reader
		want string
	}{
		"empty":        {strings.NewReader(" \n"), "this is not an OVAL document: it has no element"},
		"another kind": {strings.NewReader("<html><body>"), `this is not an OVAL document: it has an element "html"`},
		"two roots":    {strings.NewReader("<oval_definitions/><oval_definitions/>"), "this is not an OVAL document"},
		"cut off":      {strings.NewReader(small[:len(small)/2]), "unexpected EOF"},
		"cut between":  {strings.NewReader(start + "<definition></definition>"), "the document is cut off"},
		"not closed":   {strings.NewReader(start + "</oval_definitions>"), `line 1: the element "oval_definitions" ends where it did not start`},
		"no XML":       {strings.NewReader("<oval_definitions><<"), "line 1: expected element name"},
		"JSON":         {strings.NewReader(`{"definitions": []}`), "this is not an OVAL document"},
		"deep":         {io.MultiReader(strings.NewReader(start+"<definition>"), repeat{"<criteria>"}), "more than 64 elements in each other"},
		"long text":    {io.MultiReader(strings.NewReader(start+"<definition><metadata><title>"), repeat{"x"}), "longer than 8388608 bytes"},
		"endless":      {io.MultiReader(strings.NewReader(start), repeat{endless}), "the document takes more than 1 MiB of memory"},
		"endless ids": {io.MultiReader(strings.NewReader(start+"</definitions><objects>"), repeat{"<a_object/>"}),
			"the document takes more than 1 MiB of memory"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := oval.Read(c.in, oval.Options{MaxMemory: 1 << 20})
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestErrorsOfReadersArePassedOn(t *testing.T) {
	broken := errors.New("broken")
	_, err := oval.Read(io.MultiReader(strings.NewReader(small[:200]), errReader{broken}), oval.Options{})
	assert.ErrorIs(t, err, broken)
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

func TestLongTextsAreCut(t *testing.T) {
	long := strings.Repeat("é", 50_000)
	doc := read(t, "<oval_definitions><definitions><definition id='"+long+"'><metadata><description>"+long+"</description></metadata></definition></definitions></oval_definitions>", oval.Options{Descriptions: true})
	assert.Equal(t, long[:4096], doc.Definitions[0].ID)
	assert.Equal(t, long[:65536], doc.Definitions[0].Description)
}

func TestRealDocument(t *testing.T) {
	f, err := os.Open(scantest.Shared(t, "azurelinux/azurelinux-3.0-oval.xml.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	doc, err := oval.Read(z, oval.Options{})
	require.NoError(t, err)
	assert.Len(t, doc.Definitions, 1222)
	for _, d := range doc.Definitions {
		require.Len(t, d.Criteria.Criterions, 1, d.ID)
		test, err := doc.Test(d.Criteria.Criterions[0])
		require.NoError(t, err)
		require.NotEmpty(t, test.Object.Value("name", oval.Equals), d.ID)
	}
}

// FuzzRead: whatever is read has definitions whose tests can be asked for.
func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("<oval_definitions><definitions><definition><criteria><criterion/></criteria></definition></definitions></oval_definitions>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := oval.Read(strings.NewReader(string(text)), oval.Options{Comments: true, Descriptions: true, MaxMemory: 1 << 20})
		if err != nil {
			require.Nil(t, doc)
			return
		}
		for _, d := range doc.Definitions {
			walk(t, doc, d.Criteria)
		}
	})
}

func walk(t *testing.T, doc *oval.Document, c oval.Criteria) {
	t.Helper()
	for _, leaf := range c.Criterions {
		if test, err := doc.Test(leaf); err == nil {
			assert.NotContains(t, test.Kind, "_test_test")
		}
		require.LessOrEqual(t, len(doc.Ref(leaf))+len(doc.Comment(leaf)), 8192)
	}
	for _, part := range c.Criteria {
		walk(t, doc, part)
	}
}
