package policy

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Who can suppress a finding.
const (
	SuppressedByIgnore = "ignore" // an entry of an ignore list
	SuppressedByVEX    = "vex"    // a statement of a VEX document
)

// Suppression says that a vulnerability does not count, and who decided so. It
// is an entry of an ignore list, or a statement of a VEX document about one
// vulnerability.
type Suppression struct {
	By  string   `json:"by"`  // SuppressedByIgnore or SuppressedByVEX
	IDs []string `json:"ids"` // the vulnerability's id and its aliases
	// Package is the name of a source package, which stands for all its binaries,
	// or of one binary; empty for all packages. PURLs are package URLs of packages
	// or source packages, where only what they state must be equal; empty for all.
	Package string   `json:"package,omitempty"`
	PURLs   []string `json:"purls,omitempty"`
	Reason  string   `json:"reason"`
	// Expires is the first day on which the entry does not hold any more,
	// YYYY-MM-DD in UTC; empty for never.
	Expires string `json:"expires,omitempty"`
	// Status, Justification and Timestamp are those of a VEX statement, which
	// suppresses nothing unless Suppresses says so. Of several on one package, the
	// newest holds, and the last of those that are equally new.
	Status        string    `json:"status,omitempty"`
	Justification string    `json:"justification,omitempty"`
	Timestamp     time.Time `json:"timestamp,omitzero"`
	Source        string    `json:"source,omitempty"` // the file, and the line if known
	Author        string    `json:"author,omitempty"`
}

// MaxSuppressions is how many suppressions a scan takes.
const MaxSuppressions = 10_000

// maxSuppressionsSize is the size in bytes of a list of suppressions.
const maxSuppressionsSize = 16 << 20

// maxID is the length in bytes of a vulnerability's id. Real ones have about 20.
const maxID = 200

// DecodeSuppressions reads a JSON list of suppressions. The error says which
// entry is wrong, and how.
func DecodeSuppressions(r io.Reader) ([]Suppression, error) {
	limited := &io.LimitedReader{R: r, N: maxSuppressionsSize + 1}
	dec := json.NewDecoder(limited)
	dec.DisallowUnknownFields()
	list, err := decodeList(dec)
	if limited.N <= 0 {
		return nil, fmt.Errorf("the list is larger than %d MiB", maxSuppressionsSize>>20)
	}
	return list, err
}

// decodeList reads entry by entry, so that too many are not read first.
func decodeList(dec *json.Decoder) ([]Suppression, error) {
	const what = "this is no JSON list of suppressions"
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return nil, errors.New(what)
	}
	var list []Suppression
	for dec.More() {
		if len(list) == MaxSuppressions {
			return nil, tooMany()
		}
		var s Suppression
		if err := dec.Decode(&s); err != nil {
			if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
				err = fmt.Errorf("%q holds a JSON %s", cmp.Or(t.Field, "the entry"), t.Value) // without the names of our types
			}
			return nil, fmt.Errorf("entry %d cannot be read: %w", len(list)+1, err)
		}
		if err := s.Validate(); err != nil {
			return nil, fmt.Errorf("entry %d: %w", len(list)+1, err)
		}
		list = append(list, s)
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New(what)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows behind the end of the list")
	}
	return list, nil
}

func tooMany() error {
	return fmt.Errorf("there are more than %d entries of ignore lists and statements of VEX documents", MaxSuppressions)
}

// ValidateSuppressions checks all entries, and their number.
func ValidateSuppressions(list []Suppression) error {
	if len(list) > MaxSuppressions {
		return tooMany()
	}
	for i := range list {
		if err := list[i].Validate(); err != nil {
			return err
		}
	}
	return nil
}

// Validate says what is wrong with a suppression, and what would be right.
func (s *Suppression) Validate() error {
	switch {
	case s.By != SuppressedByIgnore && s.By != SuppressedByVEX:
		return fmt.Errorf("by is %q; it must be %q or %q", s.By, SuppressedByIgnore, SuppressedByVEX)
	case len(s.IDs) == 0 || strings.TrimSpace(s.IDs[0]) == "":
		return fmt.Errorf("%s names no vulnerability; give its id, such as CVE-2024-1234", s.Name())
	case slices.ContainsFunc(s.IDs, func(id string) bool { return len(id) > maxID }):
		return fmt.Errorf("a vulnerability's id is longer than %d characters", maxID)
	case strings.TrimSpace(s.Reason) == "":
		return fmt.Errorf("%s has no reason; say why the vulnerability does not count", s.Name())
	case s.By == SuppressedByVEX && s.Status == "":
		return fmt.Errorf("%s has no status; it must have one of OpenVEX", s.Name())
	}
	if _, err := s.expiry(); err != nil {
		return fmt.Errorf("%s expires on %q; write a day such as 2027-01-31", s.Name(), s.Expires)
	}
	return nil
}

// Name is what messages call a suppression: "the ignore list's entry for
// CVE-2024-1234 (.microscanner.yaml:7)".
func (s *Suppression) Name() string {
	what := "the ignore list's entry"
	if s.By == SuppressedByVEX {
		what = "the VEX statement"
	}
	if len(s.IDs) > 0 && s.IDs[0] != "" {
		what += " for " + s.IDs[0]
	}
	if s.Source != "" {
		what += " (" + s.Source + ")"
	}
	return what
}

// Suppresses reports whether the suppression holds at a time: it has not
// expired, and it is not a VEX statement which says that a package is, or may be,
// affected.
func (s *Suppression) Suppresses(now time.Time) bool {
	if s.By == SuppressedByVEX && s.Status != "not_affected" && s.Status != "fixed" {
		return false
	}
	expires, err := s.expiry()
	return err == nil && (expires.IsZero() || now.Before(expires))
}

// announced is how long before its expiry an entry says so.
const announced = 14 * day

// Notice says that the suppression expires soon, or has expired; empty for one
// that holds for longer.
func (s *Suppression) Notice(now time.Time) string {
	expires, err := s.expiry()
	switch {
	case err != nil || expires.IsZero() || now.Before(expires.Add(-announced)):
		return ""
	case now.Before(expires):
		return fmt.Sprintf("%s expires on %s", s.Name(), s.Expires)
	}
	return fmt.Sprintf("%s expired on %s: the vulnerability counts again", s.Name(), s.Expires)
}

// expiry is the start of the day Expires; zero if there is none.
func (s *Suppression) expiry() (time.Time, error) {
	if s.Expires == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.DateOnly, s.Expires)
}
