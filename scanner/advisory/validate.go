package advisory

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/example/microscanner-frontend/scanner/severity"
)

// Limits of a record. They lie far above every real advisory; a record beyond
// them is an attack or a bug, and is refused.
const (
	MaxString      = 512       // bytes of an id, name, version, architecture, CPE or vector
	MaxList        = 1024      // entries of a list
	MaxDescription = 64 * 1024 // bytes
	MaxURL         = 4096      // bytes
)

// The characters of a name, written out because a regular expression would be
// compiled at the start of every scan, and a scan validates no record.
const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
	maxName = 32 // bytes
)

// isDistro tells whether s can be the key of a distribution: a letter, then
// letters, digits and dashes.
func isDistro(s string) bool { return isName(s, letters, letters+digits+"-") }

// isRelease tells whether s can be the key of a release: empty, or a letter or
// digit, then letters, digits, dots and dashes.
func isRelease(s string) bool { return s == "" || isName(s, letters+digits, letters+digits+".-") }

func isName(s, first, others string) bool {
	return s != "" && len(s) <= maxName && strings.Contains(first, s[:1]) && strings.Trim(s, others) == ""
}

// Statuses lists all statuses of a record.
func Statuses() []Status {
	return []Status{
		StatusFixed, StatusAffected, StatusDeferred, StatusWillNotFix, StatusEndOfLife,
		StatusNeedsPro, StatusUnderInvestigation, StatusNotAffected,
	}
}

// HasFix tells whether a record with this status states a first fixed version.
func (s Status) HasFix() bool { return s == StatusFixed || s == StatusNeedsPro }

// Normalize writes the record in the one form that Validate accepts: ids as
// NormalizeID has them, and the fixed version "0", by which Debian, Alpine and
// Wolfi say that a package never had the vulnerability, as StatusNotAffected.
func (r *Record) Normalize() {
	r.ID = NormalizeID(r.ID)
	for i, alias := range r.Aliases {
		r.Aliases[i] = NormalizeID(alias)
	}
	if r.Fixed == "0" && r.Status.HasFix() {
		r.Status, r.Fixed = StatusNotAffected, ""
	}
}

// Validate tells what is wrong with a record. The error names the field and
// what it may hold.
func (r *Record) Validate() error {
	if err := r.validateKey(); err != nil {
		return err
	}
	if err := r.validateVerdict(); err != nil {
		return err
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"arches", r.Arches}, {"cpes", r.CPEs}, {"aliases", r.Aliases}} {
		if len(list.values) > MaxList {
			return fmt.Errorf("%s has %d entries, more than %d", list.name, len(list.values), MaxList)
		}
		for _, v := range list.values {
			if err := word(list.name, v); err != nil {
				return err
			}
		}
	}
	if r.Module != "" {
		if err := word("module", r.Module); err != nil {
			return err
		}
	}
	return r.validateDetails()
}

func (r *Record) validateKey() error {
	if err := word("id", r.ID); err != nil {
		return err
	}
	if !isDistro(r.Distro) {
		return fmt.Errorf("distro %q is not a distribution's name, such as debian", r.Distro)
	}
	if !isRelease(r.Release) {
		return fmt.Errorf("release %q is not a release's name, such as 12 or 3.20", r.Release)
	}
	if err := word("package", r.Package); err != nil {
		return err
	}
	if r.Kind != Source && r.Kind != Binary {
		return fmt.Errorf("kind %q is none of %s, %s", r.Kind, Source, Binary)
	}
	return nil
}

func (r *Record) validateVerdict() error {
	if !slices.Contains(Statuses(), r.Status) {
		return fmt.Errorf("status %q is none of %v", r.Status, Statuses())
	}
	if r.Severity > severity.Critical {
		return fmt.Errorf("severity %d is not on the scale", r.Severity)
	}
	if r.Status.HasFix() {
		return word("fixed", r.Fixed)
	}
	if r.Fixed != "" {
		return fmt.Errorf("fixed is %q although the status is %s; only fixed and needs-pro have a fixed version", r.Fixed, r.Status)
	}
	return nil
}

func (r *Record) validateDetails() error {
	if err := date("published", r.Published); err != nil {
		return err
	}
	if err := date("modified", r.Modified); err != nil {
		return err
	}
	if err := description(r.Description); err != nil {
		return err
	}
	if r.URL != "" {
		u, err := url.Parse(r.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(r.URL) > MaxURL {
			return errors.New("url is not an http or https address")
		}
	}
	if r.CVSS != nil {
		return r.CVSS.Validate()
	}
	return nil
}

// Validate tells what is wrong with a rating.
func (c *CVSS) Validate() error {
	// Written so that NaN is refused too.
	if !(c.Score >= 0 && c.Score <= 10) {
		return fmt.Errorf("cvss score %v is not between 0.0 and 10.0", c.Score)
	}
	switch c.Version {
	case "", "2.0", "3.0", "3.1", "4.0":
	default:
		return fmt.Errorf("cvss version %q is none of 2.0, 3.0, 3.1, 4.0", c.Version)
	}
	if c.Vector != "" {
		if err := word("cvss vector", c.Vector); err != nil {
			return err
		}
	}
	if c.Source != "" {
		return word("cvss source", c.Source)
	}
	return nil
}

func description(text string) error {
	if len(text) > MaxDescription || !utf8.ValidString(text) {
		return fmt.Errorf("description is longer than %d bytes or not UTF-8", MaxDescription)
	}
	return nil
}

func date(field, value string) error {
	if value == "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, value); err != nil {
		return fmt.Errorf("%s %q is not a date such as 2024-12-31", field, value)
	}
	return nil
}

// word accepts one printable word: no space, no control character.
func word(field, value string) error {
	if value == "" {
		return fmt.Errorf("%s is missing", field)
	}
	if len(value) > MaxString {
		return fmt.Errorf("%s is longer than %d bytes", field, MaxString)
	}
	for _, c := range value {
		if c == utf8.RuneError || unicode.IsSpace(c) || !unicode.IsPrint(c) {
			return fmt.Errorf("%s %q is not one printable word", field, value)
		}
	}
	return nil
}
