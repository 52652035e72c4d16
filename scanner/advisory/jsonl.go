package advisory

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxLine is the longest line, in bytes, that a Reader takes for a record.
const MaxLine = 1 << 20

// LineError says why one line holds no record. The lines after it can be read.
type LineError struct {
	Line int // 1-based
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

func (e *LineError) Unwrap() error { return e.Err }

// Reader reads records from JSON Lines: one JSON object a line, in UTF-8.
// Empty lines, and lines that start with #, are skipped.
type Reader struct {
	r    *bufio.Reader
	line int
}

// NewReader reads from r.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 64<<10)} }

// Read gives the next record, normalized and valid. At the end it returns
// io.EOF. A *LineError is about one line only: call Read again for the next.
func (r *Reader) Read() (Record, error) {
	for {
		line, err := r.readLine()
		if err != nil {
			return Record{}, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		rec, err := decode(line)
		if err != nil {
			return Record{}, &LineError{r.line, err}
		}
		return rec, nil
	}
}

// readLine gives the next line, whose memory is valid until the next call. A
// line beyond MaxLine is read to its end and dropped.
func (r *Reader) readLine() ([]byte, error) {
	r.line++
	var long []byte
	tooLong := false
	for {
		part, err := r.r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if tooLong = tooLong || len(long)+len(part) > MaxLine; !tooLong {
				long = append(long, part...)
			}
			continue
		case errors.Is(err, io.EOF) && len(part) == 0 && len(long) == 0 && !tooLong:
			return nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		case tooLong || len(long)+len(part) > MaxLine:
			return nil, &LineError{r.line, fmt.Errorf("longer than %d bytes", MaxLine)}
		case long != nil:
			return append(long, part...), nil
		}
		return part, nil
	}
}

func decode(line []byte) (Record, error) {
	// A key that is misspelt must not turn a fix into something else.
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	var rec Record
	if err := dec.Decode(&rec); err != nil {
		return Record{}, plainJSON(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Record{}, errors.New("more than one JSON value on the line")
	}
	rec.Normalize()
	return rec, rec.Validate()
}

// plainJSON says what is wrong with a JSON text without naming Go types.
func plainJSON(err error) error {
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mismatch) && mismatch.Field != "":
		return fmt.Errorf("%s holds a JSON %s, which is not what belongs there", mismatch.Field, mismatch.Value)
	case errors.As(err, &mismatch):
		return fmt.Errorf("a JSON %s instead of an object", mismatch.Value)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON object has no end")
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("there is no field %s", field)
	}
	return err
}

// Writer writes records as JSON Lines.
type Writer struct{ enc *json.Encoder }

// NewWriter writes to w, one write a record.
func NewWriter(w io.Writer) *Writer {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &Writer{enc}
}

// Write writes one record and the end of its line.
func (w *Writer) Write(rec Record) error { return w.enc.Encode(rec) }
