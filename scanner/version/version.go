// Package version orders the version strings of the package managers dpkg, apk
// and rpm.
//
// A version that a package manager would refuse is an error and never a
// position in the order: a scanner that guessed could call a vulnerable package
// fixed. docs/decisions/0001-version-comparison.md says why this is our own code.
package version

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// Scheme is one package manager's version order. Its values are those of
// inventory.Format, so that a package's format converts to its scheme.
type Scheme string

// The schemes.
const (
	// Deb is the order of deb-version(7): [epoch:]upstream[-revision].
	//
	// Like dpkg when it reads its own database, Deb accepts versions that Debian
	// policy does not: an upstream version that starts with a letter, and any
	// printable ASCII character, because databases hold them ("1.0_1") and dpkg
	// orders them. It refuses what dpkg refuses, and bytes outside printable
	// ASCII, which dpkg orders differently from machine to machine.
	Deb Scheme = "deb"

	// Apk is the order of apk-tools 3:
	// digits{.digits}[letter]{_suffix[digits]}[~hash][-rN].
	//
	// It refuses everything that does not have this form, because apk 2 and
	// apk 3 place such versions differently.
	Apk Scheme = "apk"

	// Rpm is the order of rpm-version(7): [epoch:]version[-release].
	//
	// As in rpm, a version without a release is older than the same version with
	// any release, and all characters but ASCII letters, digits, '~' and '^' are
	// separators. It refuses an empty version, spaces and control characters.
	Rpm Scheme = "rpm"
)

// maxLength is the longest version that is read, in bytes. The longest in the
// databases and feeds of all distributions is about 100; more is an attack.
const maxLength = 1024

// Compare returns -1 if a is older than b, 0 if they are equal in the scheme's
// order ("1.0" and "0:1.0-0" are, in Deb), and 1 if a is newer.
// The error names the version that is not valid in the scheme.
func (s Scheme) Compare(a, b string) (int, error) {
	v, err := s.Parse(a)
	if err != nil {
		return 0, err
	}
	return v.Compare(b)
}

// Parse reads a version, without space around it. The error names the version
// and says why it is not valid in the scheme.
func (s Scheme) Parse(text string) (Version, error) {
	switch {
	case text == "":
		return Version{}, s.invalid(text, errors.New("it is empty"))
	case len(text) > maxLength:
		return Version{}, s.invalid(text, fmt.Errorf("it is longer than %d bytes", maxLength))
	}
	v := Version{scheme: s, text: text}
	var err error
	switch s {
	case Deb:
		v.parts, err = parseDeb(text)
	case Apk:
		err = checkApk(text)
	case Rpm:
		v.parts, err = parseRpm(text)
	default:
		return Version{}, fmt.Errorf("there is no version scheme %q", string(s))
	}
	if err != nil {
		return Version{}, s.invalid(text, err)
	}
	return v, nil
}

// invalid returns the error for a version that is not valid in s. It shows the
// start of the version only: the whole may be long.
func (s Scheme) invalid(text string, reason error) error {
	return fmt.Errorf("invalid %s version %.64q: %w", string(s), text, reason)
}

// Version is a valid version. It serves to compare one installed version with
// many fixed ones. The zero Version is none: its Compare returns an error.
type Version struct {
	scheme Scheme
	text   string
	parts  parts // of Deb and Rpm
}

// String returns the version as it was parsed.
func (v Version) String() string { return v.text }

// Compare compares v with other, read in v's scheme, as [Scheme.Compare] does.
func (v Version) Compare(other string) (int, error) {
	w, err := v.scheme.Parse(other)
	if err != nil {
		return 0, err
	}
	switch v.scheme {
	case Deb:
		return compareDeb(v.parts, w.parts), nil
	case Apk:
		return compareApk(v.text, w.text), nil
	default: // Parse knows no scheme but these three.
		return compareRpm(v.parts, w.parts), nil
	}
}

// parts are those of dpkg's and rpm's versions: [epoch:]version[-release].
type parts struct {
	epoch   string // digits; empty if there is none, which is 0
	version string
	// release is what follows the last dash. hasRelease tells a release that is
	// empty from one that is absent.
	release    string
	hasRelease bool
}

// splitRelease returns the parts of [version] and [-release]. The release
// starts after the last dash, for a version may have dashes itself.
func splitRelease(epoch, text string) parts {
	if i := strings.LastIndexByte(text, '-'); i >= 0 {
		return parts{epoch, text[:i], text[i+1:], true}
	}
	return parts{epoch, text, "", false}
}

// compareNumbers compares two strings of ASCII digits by their value, which may
// be too large for any integer type: versions hold dates with times, and hashes.
// No digits are 0.
func compareNumbers(a, b string) int {
	for a != "" && a[0] == '0' {
		a = a[1:]
	}
	for b != "" && b[0] == '0' {
		b = b[1:]
	}
	if len(a) != len(b) {
		return cmp.Compare(len(a), len(b))
	}
	return strings.Compare(a, b)
}

// digits returns the ASCII digits at the start of s.
func digits(s string) string {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return s[:i]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
