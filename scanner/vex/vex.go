// Package vex reads OpenVEX documents (https://github.com/openvex/spec): what
// somebody states about how vulnerabilities affect packages.
package vex

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/openvex/go-vex/pkg/vex"

	"github.com/example/microscanner-frontend/scanner/policy"
)

// What a document may have. MaxSize is in bytes.
const (
	MaxSize       = 8 << 20
	MaxStatements = policy.MaxSuppressions
	maxObjects    = 200_000 // statements, products, subcomponents and the like
	maxDepth      = 20      // of objects and lists in each other
)

// Read reads a document. name is what errors, and the suppressions, call it.
//
// The result is a suppression for each statement that names packages. Those with
// another status than not_affected and fixed are among them, because they can
// revoke what an older one says. The packages are the products of a statement, or
// the subcomponents of products that are something else. A product that is an
// image (pkg:oci, pkg:docker), without subcomponents, is all packages of the image
// at hand: whoever gives a document to a scan says that it is about that image.
func Read(r io.Reader, name string) ([]policy.Suppression, error) {
	list, err := read(r, name)
	if err != nil {
		return nil, fmt.Errorf("the VEX document %s: %w", name, err)
	}
	return list, nil
}

func read(r io.Reader, name string) ([]policy.Suppression, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > MaxSize:
		return nil, fmt.Errorf("it is larger than %d MiB", MaxSize>>20)
	}
	if err := checkShape(text); err != nil {
		return nil, err
	}
	doc, err := parse(text)
	if err != nil {
		return nil, err
	}
	var out []policy.Suppression
	for i, s := range doc.ExtractStatements() { // with the document's time where they have none
		entry, err := suppression(s)
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		if entry == nil {
			continue
		}
		entry.Author, entry.Source = doc.Author, fmt.Sprintf("%s, statement %d", name, i+1)
		out = append(out, *entry)
	}
	return out, nil
}

// parse decodes a document of the version of OpenVEX that the library has.
func parse(text []byte) (*vex.VEX, error) {
	doc, err := vex.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("it is no document of OpenVEX: %w", plain(err))
	}
	if !strings.HasPrefix(doc.Context, vex.Context+"/v0.2.") {
		return nil, fmt.Errorf("its @context is %q; it must be %q", doc.Context, vex.ContextLocator())
	}
	if n := len(doc.Statements); n > MaxStatements {
		return nil, fmt.Errorf("it has %d statements; at most %d are read", n, MaxStatements)
	}
	return doc, nil
}

// plain is the cause of an error of decoding, without the names of our types.
func plain(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := t.Field[strings.LastIndex(t.Field, ".")+1:]
		return fmt.Errorf("%q holds a JSON %s", cmp.Or(field, "the document"), t.Value)
	}
	return errors.Unwrap(err)
}

// checkShape refuses what would take a multiple of its size in memory: small
// objects are large once they are read.
func checkShape(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	objects, depth := 0, 0
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is not JSON: %w", err)
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			objects++
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if objects > maxObjects {
			return fmt.Errorf("it has more than %d objects and lists", maxObjects)
		}
		if depth > maxDepth {
			return fmt.Errorf("its objects are more than %d deep in each other", maxDepth)
		}
	}
}

// suppression is a statement as the scan looks it up; nil for one about something
// else than packages.
func suppression(s *vex.Statement) (*policy.Suppression, error) {
	names := ids(&s.Vulnerability)
	switch {
	case len(names) == 0:
		return nil, errors.New("it names no vulnerability")
	case len(s.Products) == 0:
		return nil, errors.New("it names no products")
	case s.Timestamp == nil || s.Timestamp.IsZero():
		return nil, errors.New("it has no timestamp, and neither has the document")
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	all, purls, err := packages(s.Products)
	if err != nil || !all && len(purls) == 0 {
		return nil, err
	}
	if all {
		purls = nil
	}
	out := &policy.Suppression{
		By: policy.SuppressedByVEX, IDs: names, PURLs: purls, Reason: reason(s),
		Status: string(s.Status), Justification: string(s.Justification), Timestamp: *s.Timestamp,
	}
	return out, out.Validate()
}

// ids lists the vulnerability's name and its aliases; its IRI only if it has no
// name.
func ids(v *vex.Vulnerability) []string {
	var out []string
	for _, id := range slices.Concat([]vex.VulnerabilityID{v.Name}, v.Aliases) {
		if text := strings.TrimSpace(string(id)); text != "" {
			out = append(out, text)
		}
	}
	if len(out) == 0 && v.ID != "" {
		return []string{v.ID[strings.LastIndex(v.ID, "/")+1:]}
	}
	return out
}

// reason is what the statement says for people, or else for programs.
func reason(s *vex.Statement) string {
	for _, text := range []string{s.ImpactStatement, s.StatusNotes, string(s.Justification), s.ActionStatement} {
		if strings.TrimSpace(text) != "" {
			return text
		}
	}
	return string(s.Status)
}
