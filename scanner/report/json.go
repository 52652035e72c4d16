package report

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
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
	v := reflect.ValueOf(r).Elem()
	j.write(v, isCustom(v.Type()), "\n")
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
	custom    bool // the field has a JSON form of its own
}

// isCustom tells whether the values of a type say themselves what they are in
// JSON, such as a time. It is asked once for many values, because the answer
// takes longer than writing one.
func isCustom(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// write writes a value; custom is isCustom of its type. newline is a line feed
// and the current indentation.
func (j *jsonWriter) write(v reflect.Value, custom bool, newline string) {
	switch {
	case custom:
		j.marshal(v, newline)
	case v.Kind() == reflect.Struct:
		j.object(v, newline)
	case v.Kind() == reflect.Pointer && !v.IsNil():
		j.write(v.Elem(), isCustom(v.Type().Elem()), newline)
	case v.Kind() == reflect.Slice:
		j.array(v, newline)
	case v.Kind() == reflect.String && isPlain(v.String()):
		j.buf = append(append(j.buf, '"'), v.String()...)
		j.raw(`"`)
	case v.CanInt():
		j.buf = strconv.AppendInt(j.buf, v.Int(), 10)
	case v.CanFloat() && (v.Float() == 0 || v.Float() >= 1e-6 && v.Float() <= 1000): // a score: no exponent
		j.buf = strconv.AppendFloat(j.buf, v.Float(), 'f', -1, 64)
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
		j.buf = append(append(append(j.buf, open...), inner...), f.key...)
		j.write(field, f.custom, inner)
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
			fields = append(fields, jsonField{
				index: i, key: `"` + key + `": `, custom: isCustom(t.Field(i).Type),
				omitEmpty: options == "omitempty", omitZero: options == "omitzero",
			})
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
	custom := isCustom(v.Type().Elem())
	for i := range v.Len() {
		j.raw(open)
		j.raw(inner)
		j.write(v.Index(i), custom, inner)
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
	j.buf = append(j.buf, EscapeInvisible(dt)...)
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

// isPlain reports whether a text stands in JSON as it is. Descriptions are most
// of a report, so a character is one look-up in a set of bits.
func isPlain(s string) bool {
	const first, special = 1<<64 - 1<<' ', 1<<'"' | 1<<'&' | 1<<'<' | 1<<'>' // below 64
	const second = 1<<63 - 1 - 1<<('\\'-64)                                  // 64 to 126
	plain := [4]uint64{first &^ special, second}
	for i := range len(s) {
		if plain[s[i]>>6]>>(s[i]&63)&1 == 0 {
			return false
		}
	}
	return true
}

// EscapeInvisible turns invisible characters beyond ASCII, and DEL, into JSON
// escapes. dt is a JSON document: they can only stand inside strings, so its
// meaning stays.
func EscapeInvisible(dt []byte) []byte {
	if isVisibleASCII(dt) || !bytes.ContainsFunc(dt, invisible) {
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

// isVisibleASCII is the short way for most documents: no rune need be decoded.
// The encoder has escaped what is below the blank.
func isVisibleASCII(dt []byte) bool {
	for _, c := range dt {
		if c >= 0x7f {
			return false
		}
	}
	return true
}

func invisible(r rune) bool {
	return r >= 0x7f && !unicode.IsPrint(r)
}
