package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// WriteJSON writes the native format: two-space indent, scan_started first. It
// is what json.MarshalIndent gives, but written piece by piece: a report of
// thousands of findings is never held in memory as text, nor parsed again to
// be indented. Inside texts, characters that a terminal could obey are written as
// \u escapes.
func WriteJSON(w io.Writer, r *Report) error {
	j := &jsonWriter{w: w, fields: map[reflect.Type][]jsonField{}}
	j.write(reflect.ValueOf(r).Elem(), "\n")
	j.raw("\n")
	j.flush()
	return j.err
}

// jsonChunk is how many bytes are gathered before they are written.
const jsonChunk = 32 << 10

// jsonWriter goes down through structs and slices, and leaves everything else
// to encoding/json.
type jsonWriter struct {
	w      io.Writer
	err    error
	buf    []byte
	size   int // written so far
	fields map[reflect.Type][]jsonField
}

// jsonField is a field of a struct as its tag describes it.
type jsonField struct {
	index     int
	key       string // `"key": `
	omitEmpty bool
	omitZero  bool
}

// write writes a value. newline is a line feed and the current indentation.
func (j *jsonWriter) write(v reflect.Value, newline string) {
	switch {
	case v.Type().Implements(reflect.TypeFor[json.Marshaler]()): // a time
		j.marshal(v, newline)
	case v.Kind() == reflect.Struct:
		j.object(v, newline)
	case v.Kind() == reflect.Slice:
		j.array(v, newline)
	case v.Kind() == reflect.String && isPlain(v.String()):
		j.raw(`"`)
		j.raw(v.String())
		j.raw(`"`)
	default:
		j.marshal(v, newline)
	}
}

func (j *jsonWriter) object(v reflect.Value, newline string) {
	inner := newline + "  "
	open := "{"
	for _, f := range j.fieldsOf(v.Type()) {
		field := v.Field(f.index)
		if f.omitEmpty && isEmpty(field) || f.omitZero && field.IsZero() {
			continue
		}
		j.raw(open)
		j.raw(inner)
		j.raw(f.key)
		j.write(field, inner)
		open = ","
	}
	if open == "{" {
		j.raw("{}")
		return
	}
	j.raw(newline)
	j.raw("}")
}

func (j *jsonWriter) fieldsOf(t reflect.Type) []jsonField {
	fields, ok := j.fields[t]
	if !ok {
		for i := range t.NumField() {
			key, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			fields = append(fields, jsonField{i, `"` + key + `": `, options == "omitempty", options == "omitzero"})
		}
		j.fields[t] = fields
	}
	return fields
}

// array writes a list, as [] also if it is nil.
func (j *jsonWriter) array(v reflect.Value, newline string) {
	if v.Len() == 0 {
		j.raw("[]")
		return
	}
	inner := newline + "  "
	open := "["
	for i := range v.Len() {
		j.raw(open)
		j.raw(inner)
		j.write(v.Index(i), inner)
		open = ","
	}
	j.raw(newline)
	j.raw("]")
}

func (j *jsonWriter) marshal(v reflect.Value, newline string) {
	dt, err := json.Marshal(v.Interface())
	if err == nil && v.Kind() == reflect.Map {
		var indented bytes.Buffer
		err = json.Indent(&indented, dt, newline[1:], "  ")
		dt = indented.Bytes()
	}
	if err != nil {
		j.err = cmp.Or(j.err, fmt.Errorf("encode the report: %w", err))
		return
	}
	j.buf = append(j.buf, escapeInvisible(dt)...)
}

func (j *jsonWriter) raw(s string) {
	j.buf = append(j.buf, s...)
	if len(j.buf) >= jsonChunk {
		j.flush()
	}
}

func (j *jsonWriter) flush() {
	if j.size += len(j.buf); j.size > MaxSize && j.err == nil {
		j.err = errTooLarge()
	}
	if j.err == nil {
		_, j.err = j.w.Write(j.buf)
	}
	j.buf = j.buf[:0]
}

// isEmpty is the rule of the option omitempty.
func isEmpty(v reflect.Value) bool {
	return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

// isPlain reports whether a text stands in JSON as it is.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

// escapeInvisible turns invisible characters beyond ASCII, and DEL, into JSON
// escapes. They can only stand inside strings, so the document's meaning stays.
func escapeInvisible(dt []byte) []byte {
	if !bytes.ContainsFunc(dt, invisible) {
		return dt
	}
	var out []byte
	for len(dt) > 0 {
		r, n := utf8.DecodeRune(dt)
		switch {
		case !invisible(r):
			out = append(out, dt[:n]...)
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		dt = dt[n:]
	}
	return out
}

func invisible(r rune) bool {
	return r >= 0x7f && !unicode.IsPrint(r)
}
