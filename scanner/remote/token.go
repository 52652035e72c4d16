package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// maxToken is more bytes than any token has.
const maxToken = 512

// redacted stands for a token wherever one would be shown.
const redacted = "[token]"

// Token is the secret that a service knows its client by. Printed, logged or
// encoded in whatever way, it says no more than that there is one. The zero
// value is no token.
type Token struct {
	// A pointer, as package fmt does not ask Format for a field that it may not
	// see: of a struct that holds a Token it prints an address.
	secret *string
}

// ParseToken reads a token as somebody gave it, with blanks or a line's end
// around it. Whether it is one that a service knows, the service says. The
// error does not repeat the text.
func ParseToken(text string) (Token, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return Token{}, errors.New("the token is empty")
	case len(text) > maxToken:
		return Token{}, fmt.Errorf("the token is longer than %d characters: it is something else", maxToken)
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return Token{}, errors.New("the token has characters that no token has: give it alone, without quotes or other lines")
	}
	return Token{&text}, nil
}

// ReadToken reads the token that is alone in a file. The error wraps
// fs.ErrNotExist if there is no such file.
func ReadToken(name string) (Token, error) {
	text, err := readBounded(name, 2*maxToken)
	if err == nil {
		var t Token
		if t, err = ParseToken(string(text)); err == nil {
			return t, nil
		}
	}
	return Token{}, fmt.Errorf("cannot take the token from %s: %w", name, err)
}

// readBounded reads a file of at most so many bytes.
func readBounded(name string, most int64) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the user names the file
	if err != nil {
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			err = p.Err // the texts around it name the path
		}
		return nil, err
	}
	defer f.Close()
	dt, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			err = p.Err
		}
		return nil, err
	case int64(len(dt)) > most:
		return nil, fmt.Errorf("it has more than %d bytes", most)
	}
	return dt, nil
}

// IsZero reports whether there is no token.
func (t Token) IsZero() bool { return t.secret == nil }

// Format prints no token, whatever the verb.
func (t Token) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, t.String()) }

// String says that there is a token, or that there is none.
func (t Token) String() string {
	if t.IsZero() {
		return "[no token]"
	}
	return redacted
}

// MarshalText is String, for JSON and structured logs.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// hide takes the token out of a text that came from elsewhere.
func (t Token) hide(text string) string {
	if t.IsZero() {
		return text
	}
	return strings.ReplaceAll(text, *t.secret, redacted)
}

// in reports whether a text has the token in it.
func (t Token) in(text string) bool {
	return !t.IsZero() && strings.Contains(text, *t.secret)
}

// inJSON reports whether a JSON document that we wrote has the token in it.
func (t Token) inJSON(document string) bool {
	if t.IsZero() {
		return false
	}
	quoted, err := json.Marshal(*t.secret) // as it stands there: < is \u003c
	return err != nil || strings.Contains(document, string(quoted[1:len(quoted)-1]))
}

// hideError takes the token out of the text of an error, which may repeat what a
// server said in a place where nobody expects it. It is then another error.
func (t Token) hideError(err error) error {
	if err == nil || !t.in(err.Error()) {
		return err
	}
	return errors.New(t.hide(err.Error()))
}
