package oval

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Limits of a document. No real one comes near them.
const (
	maxDepth = 64        // of elements in each other
	maxToken = 8 << 20   // bytes of one text, comment or element with its attributes
	maxText  = 4 << 10   // bytes of one text that is kept, descriptions apart
	maxParts = 1_000_000 // entries of one list
	// DefaultMaxMemory is about twice what the largest real document takes.
	DefaultMaxMemory = 1 << 30
)

// Options say what to keep of a document, and how much.
type Options struct {
	// Comments keeps the comments of criterions: some vendors state there what
	// no test says.
	Comments bool
	// Descriptions keeps the descriptions of definitions.
	Descriptions bool
	// MaxMemory is about how many bytes the document may take in memory; 0 for
	// DefaultMaxMemory.
	MaxMemory int
}

// Read reads a document to its end. Elements that it does not know are passed
// over. An error means that the document as a whole cannot be read: it is not
// OVAL, it is cut off, or it is beyond a limit.
func Read(in io.Reader, options Options) (*Document, error) {
	if options.MaxMemory <= 0 {
		options.MaxMemory = DefaultMaxMemory
	}
	limiter := &tokenReader{Reader: bufio.NewReaderSize(in, 64<<10)}
	r := &reader{
		in: limiter, xml: xml.NewDecoder(limiter), options: options, left: options.MaxMemory, ids: map[string]id{"": 0},
		doc: &Document{
			strings: []string{""}, tests: map[id]test{}, objects: map[id][]entity{},
			states: map[id][]entity{}, variables: map[id][]id{},
		},
	}
	if err := r.document(); err != nil {
		return nil, err
	}
	return r.doc, nil
}

// reader reads a document, element by element.
type reader struct {
	in      *tokenReader
	xml     *xml.Decoder
	options Options
	doc     *Document
	ids     map[string]id
	left    int        // bytes of memory that may be taken
	open    []xml.Name // the elements around the place that is read
}

// document reads the root element and what is in it. Definitions come before
// what they refer to.
func (r *reader) document() error {
	root := false
	err := r.children(func(e xml.StartElement) error {
		if root || e.Name.Local != "oval_definitions" {
			return fmt.Errorf("this is not an OVAL document: it has an element %.64q", e.Name.Local)
		}
		root = true
		return r.children(r.section)
	})
	if errors.Is(err, io.EOF) && root && len(r.open) == 0 {
		return nil
	}
	if errors.Is(err, io.EOF) && !root {
		return errors.New("this is not an OVAL document: it has no element")
	}
	var syntax *xml.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: %s", syntax.Line, syntax.Msg)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the document is cut off: %w", io.ErrUnexpectedEOF)
	}
	return err
}

func (r *reader) section(e xml.StartElement) error {
	switch e.Name.Local {
	case "definitions":
		return r.children(r.definition)
	case "tests":
		return r.children(r.test)
	case "objects":
		return r.children(func(e xml.StartElement) error { return r.entities(e, r.doc.objects) })
	case "states":
		return r.children(func(e xml.StartElement) error { return r.entities(e, r.doc.states) })
	case "variables":
		return r.children(r.variable)
	}
	return nil
}

// token reads on, and keeps account of which elements are open.
func (r *reader) token() (xml.Token, error) {
	r.in.left = maxToken
	// Raw tokens: the prefixes of names do not matter, and looking them up takes
	// a third of the time.
	token, err := r.xml.RawToken()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case xml.StartElement:
		if len(r.open) == maxDepth {
			return nil, fmt.Errorf("more than %d elements in each other", maxDepth)
		}
		r.open = append(r.open, t.Name)
	case xml.EndElement:
		last := len(r.open) - 1
		if last < 0 || r.open[last] != t.Name {
			line, _ := r.xml.InputPos()
			return nil, fmt.Errorf("line %d: the element %.64q ends where it did not start", line, t.Name.Local)
		}
		r.open = r.open[:last]
	}
	return token, nil
}

// children visits the elements inside the one that was opened last, up to its
// end. What a visit does not read of its element is passed over.
func (r *reader) children(visit func(xml.StartElement) error) error {
	depth := len(r.open)
	for {
		token, err := r.token()
		if err != nil {
			return err
		}
		if len(r.open) < depth {
			return nil
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if err := visit(e); err != nil {
			return err
		}
		for len(r.open) > depth {
			if _, err := r.token(); err != nil {
				return err
			}
		}
	}
}

// text reads what is written in the element that was opened last, without the
// space around it, cut at so many bytes.
func (r *reader) text(most int) (string, error) {
	depth := len(r.open)
	var text strings.Builder
	for {
		token, err := r.token()
		if err != nil {
			return "", err
		}
		if len(r.open) < depth {
			return cut(strings.TrimSpace(text.String()), most), nil
		}
		if chars, ok := token.(xml.CharData); ok && text.Len() <= most {
			if text.Len() == 0 {
				chars = []byte(strings.TrimLeft(string(chars), " \t\r\n"))
			}
			text.Write(chars[:min(len(chars), most+utf8.UTFMax)])
		}
	}
}

// cut shortens a text to so many bytes of whole characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// take accounts for memory.
func (r *reader) take(bytes int) error {
	if r.left -= bytes; r.left < 0 {
		return fmt.Errorf("the document takes more than %d MiB of memory", r.options.MaxMemory>>20)
	}
	return nil
}

// keep gives the id of a string, cut at maxText bytes.
func (r *reader) keep(s string) (id, error) {
	s = cut(s, maxText)
	if i, ok := r.ids[s]; ok {
		return i, nil
	}
	const overhead = 64 // of the list and the map
	if err := r.take(len(s) + overhead); err != nil {
		return 0, err
	}
	i := id(len(r.doc.strings)) //nolint:gosec // G115: MaxMemory allows far fewer.
	s = strings.Clone(s)
	r.doc.strings = append(r.doc.strings, s)
	r.ids[s] = i
	return i, nil
}

// same gives the string itself, kept once.
func (r *reader) same(s string) (string, error) {
	i, err := r.keep(s)
	return r.doc.text(i), err
}

// attr is the value of an attribute.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// tokenReader ends a token that is too long. The decoder reads byte by byte.
type tokenReader struct {
	*bufio.Reader
	left int
}

func (t *tokenReader) ReadByte() (byte, error) {
	if t.left--; t.left < 0 {
		return 0, fmt.Errorf("a text or an element is longer than %d bytes", maxToken)
	}
	return t.Reader.ReadByte()
}
