package version

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// parseRpm reads a version as rpm's parseEVR does: only digits before a colon
// are an epoch.
func parseRpm(text string) (parts, error) {
	for _, r := range text {
		if r <= ' ' || r == '\x7f' {
			return parts{}, fmt.Errorf("the character %q is not allowed", r)
		}
	}
	epoch := digits(text)
	rest, hasEpoch := strings.CutPrefix(text[len(epoch):], ":")
	if !hasEpoch {
		epoch, rest = "", text
	}
	v := splitRelease(epoch, rest)
	if v.version == "" {
		return parts{}, errors.New("it has no version before the release")
	}
	return v, nil
}

// compareRpm compares epoch, version and release.
func compareRpm(a, b parts) int {
	if c := compareNumbers(a.epoch, b.epoch); c != 0 {
		return c
	}
	if c := compareRpmPart(a.version, b.version); c != 0 {
		return c
	}
	switch {
	case a.hasRelease && b.hasRelease:
		return compareRpmPart(a.release, b.release)
	case a.hasRelease:
		return 1
	case b.hasRelease:
		return -1
	}
	return 0
}

// compareRpmPart compares two strings segment by segment, as rpm's rpmvercmp.
func compareRpmPart(a, b string) int {
	for {
		sa, restA := rpmSegment(a)
		sb, restB := rpmSegment(b)
		ra, rb := rpmRank(sa), rpmRank(sb)
		if ra != rb {
			return cmp.Compare(ra, rb)
		}
		c := 0
		switch ra {
		case rankEnd:
			return 0
		case rankNumber:
			c = compareNumbers(sa, sb)
		case rankLetters:
			c = strings.Compare(sa, sb)
		}
		if c != 0 {
			return c
		}
		a, b = restA, restB
	}
}

// The ranks of segments: where two versions differ in the kind of a segment,
// the one with the higher rank is newer.
const (
	rankTilde = iota
	rankEnd
	rankCaret
	rankLetters
	rankNumber
)

func rpmRank(segment string) int {
	switch {
	case segment == "":
		return rankEnd
	case segment == "~":
		return rankTilde
	case segment == "^":
		return rankCaret
	case isDigit(segment[0]):
		return rankNumber
	default:
		return rankLetters
	}
}

// rpmSegment returns the first segment of s, empty at the end, and what follows
// it. A segment is a tilde, a caret, or all digits or all letters up to another
// character; everything between segments is a separator.
func rpmSegment(s string) (segment, rest string) {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '~' || c == '^':
			return s[i : i+1], s[i+1:]
		case isDigit(c):
			n := len(digits(s[i:]))
			return s[i : i+n], s[i+n:]
		case isLetter(c):
			n := 1
			for i+n < len(s) && isLetter(s[i+n]) {
				n++
			}
			return s[i : i+n], s[i+n:]
		}
	}
	return "", ""
}
