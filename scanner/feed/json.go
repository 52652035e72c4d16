package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxValue is the most bytes that one decoded JSON value may take.
const maxValue = 16 << 20

// maxDepth is how deep the values that are skipped may nest.
const maxDepth = 100

// JSON reads a JSON document piece by piece, in bounded memory whatever it
// holds.
type JSON struct {
	dec    *json.Decoder
	doc    *Document
	budget *budgetReader
}

// NewJSON reads from an open document.
func NewJSON(doc *Document) *JSON {
	b := &budgetReader{r: doc, left: maxValue}
	return &JSON{json.NewDecoder(b), doc, b}
}

// Object reads an object: it calls member for each of its members, which must
// read the member's value with Decode, Object, Array or Skip. It returns false,
// and has skipped the value, if the value is not an object; null is not one.
func (j *JSON) Object(member func(key string) error) (bool, error) {
	return j.nested('{', func() error {
		key, err := j.token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return fmt.Errorf("%v where a name must be", key)
		}
		return member(name)
	})
}

// Array reads an array as Object reads an object; element is given the index.
func (j *JSON) Array(element func(i int) error) (bool, error) {
	i := -1
	return j.nested('[', func() error { i++; return element(i) })
}

func (j *JSON) nested(open json.Delim, each func() error) (bool, error) {
	t, err := j.token()
	if err != nil {
		return false, err
	}
	if t != open {
		return false, j.skipRest(t)
	}
	for j.dec.More() {
		if err := each(); err != nil {
			return false, err
		}
	}
	_, err = j.token()
	return true, err
}

// Decode reads one value. It returns false, and has read the whole value, if
// the value does not fit into v.
func (j *JSON) Decode(v any) (bool, error) {
	j.budget.left = maxValue
	err := j.dec.Decode(v)
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return false, nil
	}
	return err == nil, j.explain(err)
}

// Skip reads one value and forgets it.
func (j *JSON) Skip() error {
	t, err := j.token()
	if err != nil {
		return err
	}
	return j.skipRest(t)
}

// skipRest skips the rest of the value that starts with the token t.
func (j *JSON) skipRest(t json.Token) error {
	for depth := 0; ; {
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
		if depth > maxDepth {
			return fmt.Errorf("%s: nested more than %d deep", j.doc.Name(), maxDepth)
		}
		var err error
		if t, err = j.token(); err != nil {
			return err
		}
	}
}

// Finish makes sure that nothing follows.
func (j *JSON) Finish() error {
	j.budget.left = maxValue
	return j.doc.Finish(j.dec.Buffered())
}

func (j *JSON) token() (json.Token, error) {
	j.budget.left = maxValue
	t, err := j.dec.Token()
	return t, j.explain(err)
}

// explain says where a document stopped being JSON.
func (j *JSON) explain(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("%s: not JSON at byte %d: %w", j.doc.Name(), j.dec.InputOffset(), err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: cut off at byte %d", j.doc.Name(), j.dec.InputOffset())
	}
	return err
}

// budgetReader ends the reading of a value that is too large to be one.
type budgetReader struct {
	r    io.Reader
	left int
}

func (b *budgetReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a value of more than %d bytes", maxValue)
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
