// Package csaf reads documents of the Common Security Advisory Framework,
// version 2.0 (https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html), and
// the folders in which vendors publish them. What a vendor means by its
// products is not known here.
package csaf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxDocument is the size of the largest document that is read, in bytes. The
// largest real ones have a quarter.
const MaxDocument = 64 << 20

// maxObjects is how many objects a document may have. An object takes as little
// as two bytes in the text, and some hundred in memory. The largest real documents
// have fewer than a hundred thousand.
const maxObjects = 500_000

// The categories of documents that vendors of distributions publish.
const (
	// CategoryVEX is a document on one vulnerability in all products.
	CategoryVEX = "csaf_vex"
	// CategoryAdvisory is a document on one update and all that it fixes.
	CategoryAdvisory = "csaf_security_advisory"
)

// Document is a CSAF document, with those of its members that tell which
// package has which vulnerability. The names are the standard's.
type Document struct {
	Meta            Meta            `json:"document"`
	ProductTree     ProductTree     `json:"product_tree"`
	Vulnerabilities []Vulnerability `json:"vulnerabilities"`
}

// Meta says what a document is.
type Meta struct {
	Category          string    `json:"category"`
	CSAFVersion       string    `json:"csaf_version"`
	Title             string    `json:"title"`
	AggregateSeverity *Severity `json:"aggregate_severity"`
	Notes             []Note    `json:"notes"`
	Tracking          Tracking  `json:"tracking"`
}

// Severity is a rating in the vendor's words.
type Severity struct {
	Text string `json:"text"`
}

// Tracking identifies a document. Its dates are in the form of RFC 3339.
type Tracking struct {
	ID                 string `json:"id"`
	Status             string `json:"status"`
	InitialReleaseDate string `json:"initial_release_date"`
	CurrentReleaseDate string `json:"current_release_date"`
}

// Note is a text; Category tells what about: "description", "summary".
type Note struct {
	Category string `json:"category"`
	Title    string `json:"title"`
	Text     string `json:"text"`
}

// ProductTree names the products.
type ProductTree struct {
	Branches         []Branch       `json:"branches"`
	FullProductNames []Product      `json:"full_product_names"`
	Relationships    []Relationship `json:"relationships"`
}

// Branch is a product, or a group of them.
type Branch struct {
	Category string   `json:"category"`
	Name     string   `json:"name"`
	Branches []Branch `json:"branches"`
	Product  *Product `json:"product"`
}

// Product is something that other parts of a document refer to by its ID.
type Product struct {
	ID     string `json:"product_id"`
	Name   string `json:"name"`
	Helper struct {
		CPE  string `json:"cpe"`
		PURL string `json:"purl"`
	} `json:"product_identification_helper"`
}

// Relationship makes a product of two: a package, and the platform that has it.
type Relationship struct {
	Category  string  `json:"category"`
	Product   Product `json:"full_product_name"`
	Component string  `json:"product_reference"`
	Platform  string  `json:"relates_to_product_reference"`
}

// Vulnerability is what a document says of a vulnerability in its products.
type Vulnerability struct {
	CVE           string        `json:"cve"`
	Title         string        `json:"title"`
	DiscoveryDate string        `json:"discovery_date"`
	ReleaseDate   string        `json:"release_date"`
	Notes         []Note        `json:"notes"`
	References    []Reference   `json:"references"`
	ProductStatus ProductStatus `json:"product_status"`
	Remediations  []Remediation `json:"remediations"`
	Scores        []Score       `json:"scores"`
	Threats       []Threat      `json:"threats"`
}

// Reference is a page about a document or a vulnerability.
type Reference struct {
	Category string `json:"category"`
	URL      string `json:"url"`
}

// ProductStatus lists IDs of products by what is known of them.
type ProductStatus struct {
	Fixed              []string `json:"fixed"`
	FirstFixed         []string `json:"first_fixed"`
	Recommended        []string `json:"recommended"`
	KnownAffected      []string `json:"known_affected"`
	KnownNotAffected   []string `json:"known_not_affected"`
	UnderInvestigation []string `json:"under_investigation"`
}

// Remediation is what can be done about a vulnerability in products.
type Remediation struct {
	Category string   `json:"category"` // "vendor_fix", "none_available", "no_fix_planned", …
	Details  string   `json:"details"`
	Date     string   `json:"date"`
	URL      string   `json:"url"`
	Products []string `json:"product_ids"`
}

// Threat is what a vulnerability means for products; for all without any.
type Threat struct {
	Category string   `json:"category"` // "impact", …
	Details  string   `json:"details"`
	Products []string `json:"product_ids"`
}

// Score is a rating for products.
type Score struct {
	Products []string `json:"products"`
	CVSSv2   *CVSS    `json:"cvss_v2"`
	CVSSv3   *CVSS    `json:"cvss_v3"`
}

// CVSS is a rating by the Common Vulnerability Scoring System.
type CVSS struct {
	Version   string  `json:"version"`
	Vector    string  `json:"vectorString"`
	BaseScore float64 `json:"baseScore"`
}

// Decode reads one document. The error says what is wrong with it.
func Decode(r io.Reader) (*Document, error) {
	var d decoder
	return d.decode(r)
}

// decoder decodes documents one after the other. It keeps the memory for the
// text, which the documents do not refer to.
type decoder struct{ text bytes.Buffer }

func (d *decoder) decode(r io.Reader) (*Document, error) {
	d.text.Reset()
	n, err := d.text.ReadFrom(io.LimitReader(r, MaxDocument+1))
	switch {
	case err != nil:
		return nil, err
	case n > MaxDocument:
		return nil, malformed("it has more than %d bytes", MaxDocument)
	}
	if bytes.Count(d.text.Bytes(), []byte("{")) > maxObjects {
		return nil, malformed("it has more than %d objects", maxObjects)
	}
	doc := &Document{}
	if err := json.Unmarshal(d.text.Bytes(), doc); err != nil {
		return nil, malformed("not a CSAF document: %w", explain(err))
	}
	if doc.Meta.Category == "" || doc.Meta.Tracking.ID == "" {
		return nil, malformed("not a CSAF document: it has no category or no tracking id")
	}
	return doc, nil
}

// MalformedError says that a document cannot be used; the next one may be.
type MalformedError struct{ err error }

func malformed(format string, args ...any) error {
	return &MalformedError{fmt.Errorf(format, args...)}
}

// Error says what is wrong with the document.
func (e *MalformedError) Error() string { return e.err.Error() }

// Unwrap gives the error of the parser.
func (e *MalformedError) Unwrap() error { return e.err }

// explain says in words of the document what the parser found.
func explain(err error) error {
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("at byte %d, %s is a %s", mismatch.Offset, mismatch.Field, mismatch.Value)
	}
	return err
}
