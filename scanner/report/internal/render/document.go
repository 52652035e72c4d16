package render

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/example/microscanner-frontend/scanner/report"
)

// JSON writes what encode gives, a JSON document, so that it can be printed:
// invisible characters become escapes. encode must not cut a character in two:
// encoding/json writes a document at once.
func JSON(w io.Writer, encode func(io.Writer) error) error {
	v := &visible{w: w}
	err := encode(v)
	if v.err != nil {
		return v.err
	}
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	return nil
}

// visible escapes invisible characters of a JSON document on its way.
type visible struct {
	w   io.Writer
	err error // of w
}

// Write is that of io.Writer.
func (v *visible) Write(dt []byte) (int, error) {
	if _, v.err = v.w.Write(report.EscapeInvisible(dt)); v.err != nil {
		return 0, v.err
	}
	return len(dt), nil
}

// Value encodes a value as JSON, in one line: to indent a report of thousands of
// findings takes as long as to make it.
func Value(v any) func(io.Writer) error {
	return func(w io.Writer) error { return json.NewEncoder(w).Encode(v) }
}

// namespace is that of our identifiers: a UUID that was drawn for them once.
func namespace() uuid.UUID { return uuid.MustParse("2f0c7c3a-5d0e-4f0b-9a35-6a2b7f5b1c84") }

// ID is an identifier that follows from the reports' content and the name of the
// format: the same document has the same one, and no other has it.
func ID(format string, reports []*report.Report) (uuid.UUID, error) {
	h := sha256.New()
	fmt.Fprintln(h, format)
	for _, r := range reports {
		if err := report.WriteJSON(h, r); err != nil {
			return uuid.UUID{}, err
		}
	}
	return uuid.NewSHA1(namespace(), h.Sum(nil)), nil
}

// Started is when the scan was started, in UTC.
func Started(r *report.Report) time.Time {
	return time.Unix(r.ScanStarted.Seconds, int64(r.ScanStarted.Nanos)).UTC()
}

// Stamp is a time in the form that formats without fractions of a second ask for.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Day is a day, YYYY-MM-DD, as a time; empty for any other text.
func Day(s string) string {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return ""
	}
	return Stamp(t)
}
