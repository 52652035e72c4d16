package report

import (
	"fmt"
	"io"
)

// What a report may have beside its size: an element of a list takes two bytes
// in JSON, and hundreds in memory once it is read.
const (
	maxElements = 1_000_000 // of all lists, and of the mappings at the top
	maxDepth    = 63        // of lists and objects in each other; a report has 7
)

// elements passes a JSON document on until it has too many elements, or too deep
// ones. It looks at no more than the commas, brackets and quotes; whether the
// rest is JSON is its reader's business.
type elements struct {
	r    io.Reader
	left int // elements that may come; negative if there were too many

	depth           int
	lists           uint64 // a bit for each of depth, the innermost the lowest: it is a list
	inText, escaped bool   // in a string, behind a backslash in it
}

func (e *elements) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	for _, c := range b[:n] {
		e.see(c)
	}
	if e.left < 0 {
		return 0, fmt.Errorf("it has more than %d elements, or some more than %d deep in each other", maxElements, maxDepth)
	}
	return n, err
}

func (e *elements) see(c byte) {
	switch {
	case e.escaped:
		e.escaped = false
	case c == '"':
		e.inText = !e.inText
	case e.inText:
		e.escaped = c == '\\'
	case c == '[', c == '{':
		e.open(c == '[')
	case c == ']', c == '}':
		e.depth--
		e.lists >>= 1
	case c == ',' && (e.depth <= 2 || e.lists&1 == 1): // the fields of what stands in lists are few
		e.left--
	}
}

func (e *elements) open(list bool) {
	e.depth++
	e.lists <<= 1
	if list {
		e.lists |= 1
		e.left--
	}
	if e.depth > maxDepth {
		e.left = -1
	}
}
