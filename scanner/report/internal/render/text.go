// Package render is what the writers of a report's formats have in common:
// texts and addresses made harmless, identifiers that follow from the content,
// and the names of what was scanned.
package render

import (
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/example/microscanner-frontend/scanner/report"
)

// Sizes in bytes that texts are cut to.
const (
	// MaxLine is for names and versions, and for messages of one line.
	MaxLine = 1000
	// MaxText is for descriptions.
	MaxText = 4000
)

// ellipsis ends a text that was cut.
const ellipsis = "…"

// Line is a text in one line, safe to print as report.Printable makes it, and
// cut to MaxLine bytes.
func Line(s string) string { return Cut(report.Printable(cutLoose(s, MaxLine)), MaxLine) }

// Text is a text of several lines, each safe to print, cut to limit bytes.
func Text(s string, limit int) string {
	s = cutLoose(s, limit)
	if !strings.ContainsAny(s, "\n\r") {
		return Cut(report.Printable(s), limit)
	}
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = report.Printable(lines[i])
	}
	return Cut(strings.Join(lines, "\n"), limit)
}

// cutLoose keeps the work on a huge text small. What is beyond the limit would
// be cut off afterwards: no text gets shorter when it is made printable.
func cutLoose(s string, limit int) string {
	return s[:min(len(s), limit+1)]
}

// Cut shortens a text to at most limit bytes, the mark that says so included. It
// cuts between characters.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := max(limit-len(ellipsis), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}

// Markdown is a line of text that Markdown, with the extensions of GitHub,
// shows as it stands: no markup, no link, no mention, no HTML.
func Markdown(s string) string {
	s = Line(s)
	var b strings.Builder
	if s != "" && strings.ContainsRune("-+=", rune(s[0])) {
		b.WriteByte('\\')
	}
	done := 0
	for at := range len(s) {
		if !isSpecial(s[at]) {
			continue
		}
		if b.Len() == 0 {
			b.Grow(len(s) + len(s)/8 + 16)
		}
		b.WriteString(s[done:at])
		done = at + 1
		switch c := s[at]; {
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '&':
			b.WriteString("&amp;")
		case c == '@', c == ':' && strings.HasPrefix(s[at:], "://"), c == '.' && strings.HasSuffix(s[:at], "www"):
			// Without a width, but neither a mention nor an address goes over it.
			b.WriteByte(c)
			b.WriteString("&#8203;")
		case c == ':' || c == '.':
			b.WriteByte(c)
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	if b.Len() == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// isSpecial reports whether a character may mean something in Markdown wherever
// it stands. Descriptions are long, so it is one look-up in a set of bits.
func isSpecial(c byte) bool {
	const below64 = 1<<'<' | 1<<'>' | 1<<'&' | 1<<':' | 1<<'.' | 1<<'*' | 1<<'(' | 1<<')' | 1<<'#' | 1<<'!' | 1<<'$'
	const above = 1<<('@'-64) | 1<<('\\'-64) | 1<<('`'-64) | 1<<('_'-64) | 1<<('{'-64) | 1<<('}'-64) |
		1<<('['-64) | 1<<(']'-64) | 1<<('|'-64) | 1<<('~'-64)
	special := [4]uint64{below64, above}
	return special[c>>6]>>(c&63)&1 != 0
}

// Link is an address that may be offered to be followed: of HTTP or HTTPS, and
// without characters that need escapes. Any other text gives the empty string.
func Link(s string) string {
	if len(s) > MaxLine || !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		return ""
	}
	if isSimpleLink(s) {
		return s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// isSimpleLink reports whether an address of HTTP or HTTPS has a host, and beside
// letters and digits only what needs no escape and means nothing in it but a part
// of a path: nearly all have, and to parse thousands takes its time.
func isSimpleLink(s string) bool {
	_, rest, _ := strings.Cut(s, "://")
	for i := range len(rest) {
		c := rest[i]
		simple := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '/' && i > 0
		if !simple {
			return false
		}
	}
	return rest != ""
}

// RelativePath is the name of a file as a relative reference (RFC 3986) that
// does not leave the folder that it is relative to; empty if there is no name.
func RelativePath(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+Line(name)), "/")
	if name == "" {
		return ""
	}
	return (&url.URL{Path: name}).String()
}
