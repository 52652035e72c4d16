// Package severity is the scale on which findings are rated and gated.
package severity

import (
	"fmt"
	"strings"
)

// Severity is a rating of a vulnerability. The values are ordered: a greater
// one is worse. The zero value is Unknown, for which nobody gave a rating; it
// is never the same as Low.
type Severity uint8

// The scale, from none to worst. The words are those of MicroScanner's report,
// with critical apart.
const (
	Unknown Severity = iota
	Negligible
	Low
	Medium
	High
	Critical
)

var words = [...]string{
	Unknown:    "unknown",
	Negligible: "negligible",
	Low:        "low",
	Medium:     "medium",
	High:       "high",
	Critical:   "critical",
}

// All lists the scale from worst to least, Unknown last.
func All() []Severity {
	return []Severity{Critical, High, Medium, Low, Negligible, Unknown}
}

// Parse reads one of the words of the scale, in any case. The empty word is
// Unknown. Any other word is an error that names it.
func Parse(word string) (Severity, error) {
	if word == "" {
		return Unknown, nil
	}
	for i, w := range words {
		if strings.EqualFold(w, word) {
			return Severity(i), nil
		}
	}
	return Unknown, fmt.Errorf("severity %q is none of critical, high, medium, low, negligible, unknown", word)
}

// FromVendor gives the rating that a word of Red Hat's scale stands for, which
// the distributions with rpm use, in any case: low, moderate or medium,
// important or high, critical. It is false for any other word; "None" and the
// empty word are among them, and mean that the vendor gives no rating.
func FromVendor(word string) (Severity, bool) {
	switch strings.ToLower(word) {
	case "low":
		return Low, true
	case "medium", "moderate":
		return Medium, true
	case "high", "important":
		return High, true
	case "critical":
		return Critical, true
	}
	return Unknown, false
}

// FromCVSS gives the rating of a CVSS v3 or v4 base score: 0.1-3.9 low, 4.0-6.9
// medium, 7.0-8.9 high, 9.0-10.0 critical, and 0.0 negligible
// (https://www.first.org/cvss/v3.1/specification-document, section 5). A score
// outside 0 to 10 is Unknown.
func FromCVSS(score float64) Severity {
	switch {
	case score >= 9 && score <= 10:
		return Critical
	case score >= 7 && score < 9:
		return High
	case score >= 4 && score < 7:
		return Medium
	case score > 0 && score < 4:
		return Low
	case score == 0:
		return Negligible
	}
	return Unknown
}

// String is the word of the scale, in lower case.
func (s Severity) String() string {
	if int(s) >= len(words) {
		return fmt.Sprintf("severity(%d)", uint8(s))
	}
	return words[s]
}

// MarshalText writes the word of the scale.
func (s Severity) MarshalText() ([]byte, error) {
	if int(s) >= len(words) {
		return nil, fmt.Errorf("severity %d is not on the scale", uint8(s))
	}
	return []byte(words[s]), nil
}

// UnmarshalText reads the word of the scale, as Parse does.
func (s *Severity) UnmarshalText(text []byte) error {
	v, err := Parse(string(text))
	if err != nil {
		return err
	}
	*s = v
	return nil
}
