package sqlstore

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/service/store"
)

// micros is how a time is stored.
func micros(t time.Time) int64 { return t.UnixMicro() }

// stamp is a time that may be missing, stored as microseconds or NULL.
type stamp struct{ *time.Time }

// Scan reads a stored time.
func (s stamp) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*s.Time = time.Time{}
	case int64:
		*s.Time = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a stored time is a %T", v)
	}
	return nil
}

// Value is what is stored of a time.
func (s stamp) Value() (driver.Value, error) {
	if s.IsZero() {
		return nil, nil
	}
	return micros(*s.Time), nil
}

// day is the number of the UTC day of a time, and nextDay when it is over.
func day(t time.Time) int64 {
	const seconds = 24 * 60 * 60
	n := t.Unix() / seconds
	if t.Unix()%seconds < 0 {
		n--
	}
	return n
}

func nextDay(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
}

// text is what both databases can store of a string: PostgreSQL takes only
// UTF-8 without NUL.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// bytes is never NULL.
func bytes(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// maxReason bounds what is kept of an error, in characters.
const maxReason = 500

func reason(s string) string {
	if r := []rune(text(s)); len(r) > maxReason {
		return string(r[:maxReason])
	}
	return text(s)
}

func (s *Store) pack(findings []store.Finding) ([]byte, error) {
	plain, err := json.Marshal(findings)
	if err != nil {
		return nil, fmt.Errorf("write findings: %w", err)
	}
	return s.encoder.EncodeAll(plain, nil), nil
}

func (s *Store) unpack(packed []byte) ([]store.Finding, error) {
	plain, err := s.decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("read stored findings: %w", err)
	}
	var findings []store.Finding
	if err := json.Unmarshal(plain, &findings); err != nil {
		return nil, fmt.Errorf("read stored findings: %w", err)
	}
	return findings, nil
}
