package feed

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// probed is how much of a file Probe reads.
const probed = 64 << 10

// errProbed ends a walk that has shown enough.
var errProbed = errors.New("enough was seen")

// Probe shows each file of the source, as Walk does, by its name and its first
// bytes, until look returns true. It tells whether look did. The account of what
// was read does not have these.
func (s *Source) Probe(ctx context.Context, look func(name, head string) bool) (bool, error) {
	defer func(docs []document) { s.docs = docs }(s.docs)
	err := s.Walk(ctx, func(name string, r io.Reader) error {
		head, _, err := peek(r, probed)
		if err != nil {
			return err
		}
		if look(name, head) {
			return errProbed
		}
		return nil
	})
	if errors.Is(err, errProbed) {
		return true, nil
	}
	return false, err
}

// Keys lists the keys of the JSON object that head begins with, as far as head
// goes; none if it begins with something else.
func Keys(head string) []string {
	var keys []string
	d := json.NewDecoder(strings.NewReader(head))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for {
		t, err := d.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return keys
		}
		keys = append(keys, key)
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return keys
		}
	}
}
