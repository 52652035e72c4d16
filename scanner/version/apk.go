package version

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"
)

// apkKind is the kind of a token of an apk version. A version has its tokens in
// this order; only apkNumber, and apkSuffix with apkSuffixNumber, repeat.
// Where two versions differ in the kind of a token, the one with the lower kind
// is newer, unless the token is a suffix for a pre-release.
type apkKind int

const (
	apkFirstNumber  apkKind = iota
	apkNumber               // behind a dot
	apkLetter               // a single one
	apkSuffix               // behind an underscore
	apkSuffixNumber         // right behind a suffix
	apkHash                 // behind a tilde
	apkRevision             // behind "-r"
	apkEnd
)

// apkToken is a token of an apk version, text without the mark before it.
type apkToken struct {
	kind   apkKind
	text   string
	suffix int // of apkSuffix: its place in the order, negative for pre-releases
}

// checkApk says why text is not a valid version, or returns nil.
func checkApk(text string) error {
	t, rest, err := firstApkToken(text)
	for err == nil && t.kind != apkEnd {
		t, rest, err = nextApkToken(t.kind, rest)
	}
	return err
}

// compareApk compares two valid versions.
func compareApk(a, b string) int {
	ta, a, _ := firstApkToken(a)
	tb, b, _ := firstApkToken(b)
	for ta.kind == tb.kind {
		if ta.kind == apkEnd {
			return 0
		}
		if c := compareApkTokens(ta, tb); c != 0 {
			return c
		}
		ta, a, _ = nextApkToken(ta.kind, a)
		tb, b, _ = nextApkToken(tb.kind, b)
	}
	switch {
	case ta.suffix < 0:
		return -1
	case tb.suffix < 0:
		return 1
	default:
		return cmp.Compare(tb.kind, ta.kind)
	}
}

// compareApkTokens compares two tokens of one kind.
func compareApkTokens(a, b apkToken) int {
	switch a.kind {
	case apkNumber:
		// As in Gentoo's versions, a leading zero makes it a decimal fraction:
		// 1.01 is older than 1.1, and 1.0015 than 1.002.
		if a.text[0] == '0' || b.text[0] == '0' {
			return strings.Compare(a.text, b.text)
		}
		return compareNumbers(a.text, b.text)
	case apkFirstNumber, apkSuffixNumber, apkRevision:
		return compareNumbers(a.text, b.text)
	case apkSuffix:
		return cmp.Compare(a.suffix, b.suffix)
	default: // a letter or a hash
		return strings.Compare(a.text, b.text)
	}
}

// firstApkToken reads the number that every version starts with.
func firstApkToken(s string) (t apkToken, rest string, err error) {
	return numberToken(apkFirstNumber, s)
}

// nextApkToken reads the token that follows a token of kind prev, and returns
// what is left of s behind it.
func nextApkToken(prev apkKind, s string) (t apkToken, rest string, err error) {
	if s == "" {
		return apkToken{kind: apkEnd}, "", nil
	}
	switch c := s[0]; {
	case c == '.' && prev <= apkNumber:
		return numberToken(apkNumber, s[1:])
	case 'a' <= c && c <= 'z' && prev <= apkNumber:
		return apkToken{kind: apkLetter, text: s[:1]}, s[1:], nil
	case c == '_' && prev <= apkSuffixNumber:
		return suffixToken(s[1:])
	case isDigit(c) && prev == apkSuffix:
		return numberToken(apkSuffixNumber, s)
	case c == '~' && prev < apkHash:
		return hashToken(s[1:])
	case strings.HasPrefix(s, "-r") && prev < apkRevision:
		return numberToken(apkRevision, s[len("-r"):])
	}
	r, _ := utf8.DecodeRuneInString(s)
	return apkToken{}, "", fmt.Errorf("the character %q is not allowed in its place", r)
}

func numberToken(kind apkKind, s string) (t apkToken, rest string, err error) {
	text := digits(s)
	if text == "" {
		return apkToken{}, "", expected("a number", s)
	}
	return apkToken{kind: kind, text: text}, s[len(text):], nil
}

func suffixToken(s string) (t apkToken, rest string, err error) {
	n := 0
	for n < len(s) && 'a' <= s[n] && s[n] <= 'z' {
		n++
	}
	place := apkSuffixPlace(s[:n])
	if place == 0 {
		return apkToken{}, "", fmt.Errorf("there is no suffix %.32q", "_"+s[:n])
	}
	return apkToken{kind: apkSuffix, text: s[:n], suffix: place}, s[n:], nil
}

// apkSuffixPlace returns the place of a suffix in the order, negative for those
// that sort before the version without one, and 0 if there is no such suffix.
func apkSuffixPlace(suffix string) int {
	switch suffix {
	case "alpha":
		return -4
	case "beta":
		return -3
	case "pre":
		return -2
	case "rc":
		return -1
	case "cvs":
		return 1
	case "svn":
		return 2
	case "git":
		return 3
	case "hg":
		return 4
	case "p":
		return 5
	}
	return 0
}

func hashToken(s string) (t apkToken, rest string, err error) {
	n := 0
	for n < len(s) && (isDigit(s[n]) || 'a' <= s[n] && s[n] <= 'f') {
		n++
	}
	if n == 0 {
		return apkToken{}, "", expected("a hash", s)
	}
	return apkToken{kind: apkHash, text: s[:n]}, s[n:], nil
}

// expected returns the error for a token that does not start with s.
func expected(token, s string) error {
	if s == "" {
		return fmt.Errorf("it ends where %s is expected", token)
	}
	r, _ := utf8.DecodeRuneInString(s)
	return fmt.Errorf("%s is expected where %q stands", token, r)
}
