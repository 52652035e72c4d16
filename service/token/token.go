// Package token makes and reads the service's tokens.
//
// A token is "mscan_" and 39 small letters and digits (RFC 4648's base32, as
// mscan_[a-z2-7]{39}): 32 for 160 random bits, and 7 for the CRC-32 of all that
// is before them. Secret scanners find the prefix, the checksum finds typing
// errors before a request is made.
//
// A token is found by its SHA-256, never compared with another one. How long an
// index takes to find a hash tells at most about the hash's first bytes; who
// cannot turn SHA-256 around learns nothing about a token from that. So no
// comparison in constant time is needed, nor is there one.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"strings"

	"github.com/example/microscanner-frontend/service/store"
)

// Prefix is what every token starts with.
const Prefix = "mscan_"

const (
	randomBytes = 20 // 160 bits: 32 letters of base32, without a rest
	bodyLength  = 32
	sumLength   = 7
	length      = len(Prefix) + bodyLength + sumLength
	alphabet    = "abcdefghijklmnopqrstuvwxyz234567"
)

// Redacted is what is printed in place of a token.
const Redacted = Prefix + "***"

// The errors of Parse. None of them has a part of the token in it.
var (
	ErrEmpty     = errors.New("there is no token")
	ErrPrefix    = errors.New("a token starts with " + Prefix)
	ErrLength    = fmt.Errorf("a token has %d characters; some are missing, or there are too many", length)
	ErrCharacter = errors.New("a token has no other characters than small letters and the digits 2 to 7")
	ErrChecksum  = errors.New("the token is mistyped: its checksum is wrong")
)

// Token is a token. However it is printed, logged or marshalled, it shows as
// Redacted; only Reveal tells it. The zero Token is none.
type Token struct {
	// A pointer, because fmt asks no method of a field that is not exported: it
	// prints an address then.
	text *string
}

// New makes a token.
func New() Token {
	var random [randomBytes]byte
	_, _ = rand.Read(random[:]) // never fails: the program would have ended
	text := Prefix + encoding().EncodeToString(random[:])
	text += checksum(text)
	return Token{&text}
}

// Parse reads a token, without blanks around it. It accepts what New can have
// made and nothing else: there is one way to write a token.
func Parse(s string) (Token, error) {
	switch {
	case s == "":
		return Token{}, ErrEmpty
	case !strings.HasPrefix(s, Prefix):
		return Token{}, ErrPrefix
	case len(s) != length:
		return Token{}, ErrLength
	case strings.Trim(s[len(Prefix):], alphabet) != "":
		return Token{}, ErrCharacter
	}
	body := s[:length-sumLength]
	if checksum(body) != s[length-sumLength:] {
		return Token{}, ErrChecksum
	}
	text := strings.Clone(s)
	return Token{&text}, nil
}

func encoding() *base32.Encoding {
	return base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)
}

// checksum is the CRC-32 (IEEE) in seven letters, the last of which has two
// bits. It finds every single mistyped character and every two that are swapped.
func checksum(s string) string {
	sum := crc32.ChecksumIEEE([]byte(s))
	return encoding().EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// Reveal is the token itself: for the mail to its owner and for the request to
// the service. It is empty for the zero Token.
func (t Token) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// Hash is what the store keeps of the token.
func (t Token) Hash() store.Hash { return sha256.Sum256([]byte(t.Reveal())) }

// String gives Redacted.
func (Token) String() string { return Redacted }

// GoString gives Redacted.
func (Token) GoString() string { return Redacted }

// Format writes Redacted, whatever the verb.
func (Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// MarshalText gives Redacted, for JSON too.
func (Token) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue gives Redacted.
func (Token) LogValue() slog.Value { return slog.StringValue(Redacted) }
