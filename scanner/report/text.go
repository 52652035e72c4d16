package report

import (
	"crypto/md5" //nolint:gosec // the contract asks for md5; nothing is secured by it
	"encoding/hex"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// CPE is the identifier that MicroScanner calls a cpe:
// "pkg:/debian:8:apt:1.0.9.8.5".
func CPE(os, osVersion, name, version string) string {
	return "pkg:/" + os + ":" + osVersion + ":" + name + ":" + version
}

// NameHash is the md5 of a package's name, in hex.
func NameHash(name string) string {
	sum := md5.Sum([]byte(name)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// Solution tells what to do about a vulnerability that is fixed in a version of
// a package. pro says that only subscribers of Ubuntu Pro get it.
func Solution(name, fixed string, pro bool) string {
	switch {
	case fixed == "":
		return ""
	case pro:
		return fmt.Sprintf("Upgrade package %s to version %s or above, which needs Ubuntu Pro.", name, fixed)
	}
	return fmt.Sprintf("Upgrade package %s to version %s or above.", name, fixed)
}

// Printable makes a text safe for a terminal or a log: what is not a printable
// character (control characters, escape sequences, marks that turn the
// direction of writing, broken UTF-8) comes out as \x1b or \u202e. A line feed
// is such a character too.
func Printable(s string) string {
	if isPrintable(s) {
		return s
	}
	out := make([]byte, 0, len(s)+16)
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			out = fmt.Appendf(out, `\x%02x`, s[0])
		case unicode.IsPrint(r):
			out = utf8.AppendRune(out, r)
		default:
			q := strconv.QuoteRuneToASCII(r)
			out = append(out, q[1:len(q)-1]...)
		}
		s = s[n:]
	}
	return string(out)
}

// isPrintable reports whether a text is safe as it is. Nearly all are ASCII, and
// a byte takes less time than a rune.
func isPrintable(s string) bool {
	i := 0
	for i < len(s) && s[i] >= ' ' && s[i] < 0x7f {
		i++
	}
	for _, r := range s[i:] {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
