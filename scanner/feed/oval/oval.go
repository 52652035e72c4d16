// Package oval reads the advisories that vendors publish in OVAL, the Open
// Vulnerability and Assessment Language (https://oval.mitre.org/language/).
//
// A definition is a tree of criteria, whose leaves refer to tests: that a
// package is older than a version, that a release is installed. The package
// reads the tree and what its tests say. What that means for a package is for
// the importer of the distribution.
package oval

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// Document is an OVAL document. It keeps each string once, as ids and names
// come back many times.
type Document struct {
	// Definitions are in the order of the document.
	Definitions []Definition

	strings   []string
	tests     map[id]test
	objects   map[id][]entity
	states    map[id][]entity
	variables map[id][]id
}

// id is a string's index in Document.strings; 0 is the empty string.
type id uint32

// Definition is one definition: an advisory, or a vulnerability.
type Definition struct {
	ID    string
	Class string // "patch", "vulnerability", "inventory", …
	Title string // without the space around it
	// Description is cut at advisory.MaxDescription bytes; empty unless
	// Options.Descriptions was set.
	Description string
	Platforms   []string
	References  []Reference
	// Severity, Issued and Updated are as the vendor writes them, empty if it
	// does not: "MODERATE", "2007-06-26".
	Severity, Issued, Updated string
	CVEs                      []CVE
	// Extra has the other elements of the metadata that hold only text, by
	// their names: "patchable", "public_date". The first of each name counts.
	Extra    map[string]string
	Criteria Criteria
}

// Reference is where else an advisory or a vulnerability is described.
type Reference struct {
	Source string // "CVE", "elsa", …
	ID     string
	URL    string
}

// Page is an address as a record may have it; empty if it is none of a page.
// What is wrong with an address takes nothing from what a definition says.
func Page(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || len(address) > advisory.MaxURL {
		return ""
	}
	return address
}

// CVE is a vulnerability that an advisory is about.
type CVE struct {
	Text string // mostly the id
	Attr map[string]string
}

// Criteria is a node of the tree.
type Criteria struct {
	// Operator says how the parts count together: And or Or. OVAL has others,
	// which no vendor uses.
	Operator string
	Negate   bool
	// Criteria, Criterions and Extends are the parts.
	Criteria   []Criteria
	Criterions []Criterion
	// Extends are the ids of other definitions that must hold.
	Extends []string
}

// Criterion is a leaf of the tree: a reference to a test.
type Criterion struct {
	ref, comment id
	Negate       bool
}

// Test is what a criterion asks of a system.
type Test struct {
	// Kind is the test's element without "_test": "rpminfo", "dpkginfo",
	// "textfilecontent54".
	Kind string
	// Existence is the attribute check_existence; empty for the usual
	// "at_least_one_exists".
	Existence string
	// Object names what is looked at.
	Object Entities
	// States are what it must be like; none if it is enough that it is there.
	States []Entities
}

// Entities are the conditions of an object or a state.
type Entities []Entity

// Entity is one condition.
type Entity struct {
	Name      string // of the element: "name", "evr", "arch"
	Operation string // "equals" if the document states none
	// Values are the value, or those of the variable that stands in its place:
	// none if there is no such variable, or no constant one.
	Values []string
}

// Get finds the condition of that name.
func (e Entities) Get(name string) (Entity, bool) {
	for _, entity := range e {
		if entity.Name == name {
			return entity, true
		}
	}
	return Entity{}, false
}

// Value is the one value of the condition of that name; empty if there is no
// such condition, or if its operation is another, or it has several values.
func (e Entities) Value(name, operation string) string {
	entity, _ := e.Get(name)
	if entity.Operation != operation || len(entity.Values) != 1 {
		return ""
	}
	return entity.Values[0]
}

// The operators of Criteria.
const (
	And = "AND"
	Or  = "OR"
)

// The kinds of tests that packages are looked up by.
const (
	KindRpm      = "rpminfo"
	KindDpkg     = "dpkginfo"
	KindTextfile = "textfilecontent54"
)

// Operations of an Entity.
const (
	Equals       = "equals"
	LessThan     = "less than"
	GreaterThan  = "greater than"
	PatternMatch = "pattern match"
)

// Score reads a score as vendors write it into the attributes cvss2, cvss3 and
// cvss4 of a CVE, "7.5/CVSS:3.1/AV:N/…" or "7.8/AV:N/AC:L/Au:N/C:N/I:N/A:C",
// and prefers version 3. It is nil if there is none.
func (c CVE) Score(source string) *advisory.CVSS {
	for _, name := range []string{"cvss3", "cvss4", "cvss2"} {
		number, vector, _ := strings.Cut(c.Attr[name], "/")
		score, err := strconv.ParseFloat(number, 64)
		if err != nil {
			continue
		}
		cvss := advisory.CVSS{Version: "2.0", Vector: vector, Score: score, Source: source}
		if rest, ok := strings.CutPrefix(vector, "CVSS:"); ok {
			cvss.Version, _, _ = strings.Cut(rest, "/")
		}
		if cvss.Validate() == nil {
			return &cvss
		}
	}
	return nil
}
