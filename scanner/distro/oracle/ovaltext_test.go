package oracle_test

import (
	"fmt"
	"html"
	"regexp"
	"strings"
)

// The words of Oracle's criteria.
var (
	emptyRef  = regexp.MustCompile(`test_ref="[^"]*" comment="([^"]*)"`)
	osWords   = regexp.MustCompile(`^Oracle Linux (\d+) is installed$`)
	archWords = regexp.MustCompile(`^Oracle Linux arch is (\S+)$`)
	modWords  = regexp.MustCompile(`^Module (\S+):(\S+) is enabled$`)
	evrWords  = regexp.MustCompile(`^(\S*) is (earlier|later) than (\S+)$`)
	pkgWords  = regexp.MustCompile(`^(\S*) is (signed with .*|ksplice-based|fips patched)$`)
)

// withTests makes a document of definitions whose criteria are known by their
// comments only: it writes the tests that Oracle has for such comments. A
// comment that Oracle does not use gets no test.
func withTests(definitions string) string {
	var tests, objects, states strings.Builder
	n := 0
	definitions = emptyRef.ReplaceAllStringFunc(definitions, func(attrs string) string {
		n++
		comment := html.UnescapeString(emptyRef.FindStringSubmatch(attrs)[1])
		kind, object, state := testFor(comment)
		if kind != "" {
			fmt.Fprintf(&tests, `<%s_test id="tst:%d"><object object_ref="obj:%d"/><state state_ref="ste:%d"/></%s_test>`, kind, n, n, n, kind)
			fmt.Fprintf(&objects, `<%s_object id="obj:%d">%s</%s_object>`, kind, n, object, kind)
			fmt.Fprintf(&states, `<%s_state id="ste:%d">%s</%s_state>`, kind, n, state, kind)
		}
		return fmt.Sprintf(`test_ref="tst:%d" comment=%q`, n, html.EscapeString(comment))
	})
	return `<oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5"><definitions>` + definitions +
		`</definitions><tests>` + tests.String() + `</tests><objects>` + objects.String() + `</objects><states>` + states.String() + `</states></oval_definitions>`
}

// testFor gives the kind, the object and the state of the test for a comment.
func testFor(comment string) (kind, object, state string) {
	name := func(s string) string { return "<name>" + html.EscapeString(s) + "</name>" }
	if m := osWords.FindStringSubmatch(comment); m != nil {
		return "rpminfo", name("oraclelinux-release"), `<version operation="pattern match">^` + m[1] + `</version>`
	}
	if m := archWords.FindStringSubmatch(comment); m != nil {
		return "rpminfo", name("oraclelinux-release"), `<arch operation="pattern match">` + m[1] + `</arch>`
	}
	if m := modWords.FindStringSubmatch(comment); m != nil {
		return moduleTest(m[1], m[2])
	}
	if comment == "Module odd is enabled" {
		return "textfilecontent54", "<filepath>/etc/odd</filepath>", "<text>x</text>"
	}
	if m := evrWords.FindStringSubmatch(comment); m != nil {
		operation := map[string]string{"earlier": "less than", "later": "greater than"}[m[2]]
		return "rpminfo", name(m[1]), `<evr datatype="evr_string" operation="` + operation + `">` + html.EscapeString(m[3]) + `</evr>`
	}
	if m := pkgWords.FindStringSubmatch(comment); m != nil {
		return "rpminfo", name(m[1]), `<signature_keyid operation="equals">82562ea9ad986da3</signature_keyid>`
	}
	return "", "", ""
}

func moduleTest(name, stream string) (kind, object, state string) {
	stream = regexp.QuoteMeta(stream)
	forwards := `\nstream\s*=\s*` + stream + `\b[\w\W]*\nstate\s*=\s*(enabled|1|true)`
	backwards := `\nstate\s*=\s*(enabled|1|true)[\w\W]*\nstream\s*=\s*` + stream + `\b`
	if name == "virt" { // Both orders occur.
		forwards, backwards = backwards, forwards
	}
	return "textfilecontent54",
		`<filepath>/etc/dnf/modules.d/` + name + `.module</filepath><pattern operation="pattern match">\[` + name + `\][\w\W]*</pattern><instance datatype="int">1</instance>`,
		`<text operation="pattern match">` + forwards + `|` + backwards + `</text>`
}
