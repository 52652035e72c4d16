package oval

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// About how many bytes the parts of a document take, without their strings.
const (
	sizeDefinition = 512
	sizeCriteria   = 112
	sizeCriterion  = 12
	sizeEntity     = 16
	sizeID         = 8
	sizeEntry      = 96 // of a list of structs, or of a map
)

func (r *reader) definition(e xml.StartElement) error {
	if e.Name.Local != "definition" {
		return nil
	}
	if len(r.doc.Definitions) == maxParts {
		return fmt.Errorf("more than %d definitions", maxParts)
	}
	if err := r.take(sizeDefinition); err != nil {
		return err
	}
	d := Definition{Class: attr(e, "class")}
	var err error
	if d.ID, err = r.same(attr(e, "id")); err != nil {
		return err
	}
	err = r.children(func(e xml.StartElement) (err error) {
		switch e.Name.Local {
		case "metadata":
			return r.children(func(e xml.StartElement) error { return r.metadata(e, &d) })
		case "criteria":
			d.Criteria, err = r.criteria(e)
		}
		return err
	})
	if err != nil {
		return err
	}
	r.doc.Definitions = append(r.doc.Definitions, d)
	return nil
}

// metadata reads one element of a definition's metadata. Vendors put most of it
// into an element advisory, and some of it beside that.
func (r *reader) metadata(e xml.StartElement, d *Definition) (err error) {
	switch e.Name.Local {
	case "advisory":
		return r.children(func(e xml.StartElement) error { return r.metadata(e, d) })
	case "affected":
		return r.children(func(e xml.StartElement) error {
			if e.Name.Local != "platform" {
				return nil
			}
			return r.list(&d.Platforms)
		})
	case "title":
		d.Title, err = r.own(maxText)
	case "description":
		if r.options.Descriptions {
			d.Description, err = r.own(advisory.MaxDescription)
		}
	case "reference":
		return r.reference(e, d)
	case "severity":
		d.Severity, err = r.own(maxText)
	case "issued":
		d.Issued = attr(e, "date")
	case "updated":
		d.Updated = attr(e, "date")
	case "cve":
		return r.cve(e, d)
	case "affected_cpe_list", "bugzilla", "rights":
		// Long, and of no use here.
	default:
		return r.extra(e.Name.Local, d)
	}
	return err
}

// own reads a text that is not kept with the others: no other is the same.
func (r *reader) own(most int) (string, error) {
	text, err := r.text(most)
	if err != nil {
		return "", err
	}
	return text, r.take(len(text))
}

func (r *reader) list(to *[]string) error {
	text, err := r.text(maxText)
	if err != nil {
		return err
	}
	if text, err = r.same(text); err != nil {
		return err
	}
	*to = append(*to, text)
	return r.take(sizeEntry)
}

func (r *reader) reference(e xml.StartElement, d *Definition) error {
	ref := Reference{Source: attr(e, "source"), ID: attr(e, "ref_id"), URL: attr(e, "ref_url")}
	for _, s := range []*string{&ref.Source, &ref.ID, &ref.URL} {
		var err error
		if *s, err = r.same(*s); err != nil {
			return err
		}
	}
	d.References = append(d.References, ref)
	return r.take(sizeEntry)
}

func (r *reader) cve(e xml.StartElement, d *Definition) error {
	c := CVE{Attr: map[string]string{}}
	for _, a := range e.Attr {
		value, err := r.same(a.Value)
		if err != nil {
			return err
		}
		c.Attr[a.Name.Local] = value
	}
	text, err := r.text(maxText)
	if err != nil {
		return err
	}
	if c.Text, err = r.same(text); err != nil {
		return err
	}
	d.CVEs = append(d.CVEs, c)
	return r.take(sizeEntry * (1 + len(e.Attr)))
}

func (r *reader) extra(name string, d *Definition) error {
	text, err := r.text(maxText)
	if err != nil || text == "" {
		return err
	}
	if _, again := d.Extra[name]; again {
		return nil
	}
	if d.Extra == nil {
		d.Extra = map[string]string{}
	}
	if text, err = r.same(text); err != nil {
		return err
	}
	d.Extra[name] = text
	return r.take(sizeEntry)
}

// criteria reads a node of the tree; maxDepth bounds the recursion.
func (r *reader) criteria(e xml.StartElement) (Criteria, error) {
	c := Criteria{Negate: isTrue(attr(e, "negate"))}
	var err error
	if c.Operator, err = r.same(cmp.Or(attr(e, "operator"), And)); err != nil {
		return c, err
	}
	err = r.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "criteria":
			part, err := r.criteria(e)
			c.Criteria = append(c.Criteria, part)
			return cmp.Or(err, r.take(2*sizeCriteria))
		case "criterion":
			part, err := r.criterion(e)
			c.Criterions = append(c.Criterions, part)
			return cmp.Or(err, r.take(2*sizeCriterion))
		case "extend_definition":
			ref, err := r.same(attr(e, "definition_ref"))
			c.Extends = append(c.Extends, ref)
			return cmp.Or(err, r.take(sizeEntry))
		}
		return nil
	})
	c.Criteria, c.Criterions = exact(c.Criteria), exact(c.Criterions)
	return c, err
}

// exact gives the same list without room for more.
func exact[T any](list []T) []T {
	if len(list) == cap(list) {
		return list
	}
	return append(make([]T, 0, len(list)), list...)
}

func (r *reader) criterion(e xml.StartElement) (c Criterion, err error) {
	c.Negate = isTrue(attr(e, "negate"))
	if c.ref, err = r.keep(attr(e, "test_ref")); err != nil {
		return c, err
	}
	if r.options.Comments {
		c.comment, err = r.keep(attr(e, "comment"))
	}
	return c, err
}

// isTrue reads a boolean of XML Schema.
func isTrue(s string) bool { return slices.Contains([]string{"true", "1"}, s) }
