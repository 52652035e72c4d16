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
	// Beside these, few characters mean anything, and only where a line begins.
	const special = "<>&@:.\\`*_{}[]()#!|~$"
	s = Line(s)
	var b strings.Builder
	if s != "" && strings.ContainsRune("-+=", rune(s[0])) {
		b.WriteByte('\\')
	}
	done := 0
	for {
		n := strings.IndexAny(s[done:], special)
		if n < 0 {
			break
		}
		at := done + n
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

// Link is an address that may be offered to be followed: of HTTP or HTTPS, and
// without characters that need escapes. Any other text gives the empty string.
func Link(s string) string {
	if len(s) > MaxLine || !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
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
