package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/example/microscanner-frontend/scanner/policy"
)

// MaxFileSize is how large a settings' file can be, in bytes.
const MaxFileSize = 1 << 20

// ParseFile reads a .microscanner.yaml: a YAML mapping of settings. The name is
// for errors and origins.
func ParseFile(name string, dt []byte) (Layer, error) {
	f := file{name: name}
	err := f.parse(dt, func(key string, value *yaml.Node) error {
		if key == KeyResult {
			return misplaced(key, f.at(value))
		}
		return f.setting(key, value)
	})
	return f.layer, err
}

// file is a settings' file that is being read.
type file struct {
	name  string
	layer Layer
}

// parse calls set for each entry of the document's mapping. The document is
// read as a tree of nodes, in which an alias stays an alias: nothing is ever
// multiplied.
func (f *file) parse(dt []byte, set func(key string, value *yaml.Node) error) error {
	if len(dt) > MaxFileSize {
		return &Error{Place: Place{Text: f.name, File: f.name}, text: fmt.Sprintf("%s is larger than %d MiB", f.name, MaxFileSize>>20)}
	}
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(dt))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil // nothing but comments
	case err != nil:
		return f.notYAML(err)
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			return f.notYAML(err)
		}
		return wrong(f.at(&more), "%s holds several YAML documents; one is allowed", f.name)
	}
	if len(doc.Content) != 1 {
		return nil
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil
	}
	return f.pairs(root, "settings", set)
}

// notYAML is the error of the YAML library with its line as the place.
func (f *file) notYAML(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	place := Place{Text: f.name, File: f.name}
	if _, scanErr := fmt.Sscanf(text, "line %d:", &place.Line); scanErr == nil {
		_, text, _ = strings.Cut(text, ": ")
		place = lineOf(f.name, place.Line)
	}
	return wrong(place, "this is not YAML: %s", clip(text))
}

func (f *file) at(n *yaml.Node) Place { return lineOf(f.name, n.Line) }

// pairs calls set for each entry of a mapping.
func (f *file) pairs(n *yaml.Node, what string, set func(key string, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return wrong(f.at(n), "a mapping of %s is expected here: lines of the form key: value", what)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, err := f.scalar(n.Content[i], "a key")
		if err != nil {
			return err
		}
		if seen[key] {
			return wrong(f.at(n.Content[i]), "%q stands here twice", clip(key))
		}
		seen[key] = true
		if err := set(key, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// scalar is the text of a single value. Aliases, which stand for something
// elsewhere in the file, are refused like everything else that is no value.
func (f *file) scalar(n *yaml.Node, what string) (string, error) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", wrong(f.at(n), "the value of %s must be a single text", what)
	}
	return strings.TrimSpace(n.Value), nil
}

// setting reads one of Keys.
func (f *file) setting(key string, value *yaml.Node) error {
	switch {
	case key == KeyIgnore:
		return f.ignoreList(value)
	case Allowed(key) == nil:
		return f.layer.add(key, nil, f.at(value)) // which knows the right ones
	}
	words, err := f.list(key, value, isList(key))
	if err != nil {
		return err
	}
	return f.layer.add(key, words, f.at(value))
}

// list is the texts of a sequence, if one is allowed, or the text of a single
// value.
func (f *file) list(key string, n *yaml.Node, allowed bool) ([]string, error) {
	if !allowed || n.Kind != yaml.SequenceNode {
		word, err := f.scalar(n, clip(key))
		return []string{word}, err
	}
	var out []string
	for _, item := range n.Content {
		word, err := f.scalar(item, clip(key))
		if err != nil {
			return nil, err
		}
		out = append(out, word)
	}
	return out, nil
}

// The keys of an entry of an ignore list.
const (
	entryID      = "id"
	entryPackage = "package"
	entryReason  = "reason"
	entryExpires = "expires"
)

// maxEntry is how long a text of an entry can be, in bytes.
const maxEntry = 2000

func (f *file) ignoreList(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return wrong(f.at(n), "%s must be a list of entries with %s, %s, %s and %s", KeyIgnore, entryID, entryPackage, entryReason, entryExpires)
	}
	if len(n.Content) > policy.MaxSuppressions {
		return wrong(f.at(n), "%s has more than %d entries", KeyIgnore, policy.MaxSuppressions)
	}
	for _, item := range n.Content {
		e, err := f.entry(item)
		if err != nil {
			return err
		}
		f.layer.ignore = append(f.layer.ignore, e)
	}
	return nil
}

// entry reads one entry of an ignore list.
func (f *file) entry(n *yaml.Node) (entry, error) {
	place := f.at(n)
	e := entry{place: place, Suppression: policy.Suppression{By: policy.SuppressedByIgnore, Source: place.Text}}
	err := f.pairs(n, "an entry of "+KeyIgnore, func(key string, value *yaml.Node) error {
		text, err := f.scalar(value, clip(key))
		if err != nil {
			return err
		}
		if len(text) > maxEntry {
			return wrong(f.at(value), "the text of %q is longer than %d bytes", clip(key), maxEntry)
		}
		return e.set(key, text, f.at(value))
	})
	switch {
	case err != nil:
		return entry{}, err
	case len(e.IDs) == 0:
		return entry{}, wrong(place, "an entry of %s has no %s: say which vulnerability it is about", KeyIgnore, entryID)
	case e.Reason == "":
		return entry{}, wrong(place, "the entry %s of %s has no %s: say why it does not count", e.IDs[0], KeyIgnore, entryReason)
	}
	return e, nil
}

// set fills one field of an entry.
func (e *entry) set(key, text string, place Place) error {
	odd := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	switch key {
	case entryID, entryPackage:
		if text == "" || strings.ContainsFunc(text, odd) {
			return wrong(place, "the %s of an entry of %s cannot be %q: it is one word", key, KeyIgnore, clip(text))
		}
		if key == entryID {
			e.IDs = []string{text}
		} else {
			e.Package = text
		}
	case entryReason:
		e.Reason = text
	case entryExpires:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return wrong(place, "the entry's %s cannot be %q: it is a date such as 2026-12-31", key, clip(text))
		}
		e.Expires = text
	default:
		return wrong(place, "an entry of %s has no %q; it has %s, %s, %s and %s", KeyIgnore, clip(key), entryID, entryPackage, entryReason, entryExpires)
	}
	return nil
}
