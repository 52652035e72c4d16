package mail

import (
	"errors"
	"net/mail"
	"strings"

	"golang.org/x/net/idna"
)

// ErrAddress is a text that is no e-mail address, or one that this service does
// not write to. It does not have the text in it.
var ErrAddress = errors.New("that is not an e-mail address of the usual form, as name@example.org")

// The limits of RFC 5321, 4.5.3.1, and of what a path leaves of them.
const (
	maxAddress = 254
	maxLocal   = 64
	maxDomain  = 253
)

// localCharacters are those of RFC 5322's atoms without %, ! and |, by which
// relays were made to send mail elsewhere, and without the backtick.
const localCharacters = "abcdefghijklmnopqrstuvwxyz0123456789.#$&'*+-/=?^_{}~"

// ParseAddress reads one e-mail address and normalises it: small letters, and an
// international domain in its form for the wire. It takes what people have:
// a name without quotes at a domain with a dot. Names, comments, several
// addresses, control characters and addresses of the form name@[192.0.2.1] are
// refused, so that what it returns can stand in a header and in a command.
func ParseAddress(s string) (string, error) {
	s = strings.ToLower(strings.Trim(s, " "))
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(s) > maxAddress || len(local) > maxLocal || strings.Trim(local, localCharacters) != "" || strings.HasPrefix(local, "-") {
		return "", ErrAddress
	}
	domain, err := idna.Lookup.ToASCII(domain)
	if err != nil || !isDomain(domain) {
		return "", ErrAddress
	}
	address := local + "@" + domain
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" || len(address) > maxAddress {
		return "", ErrAddress
	}
	return address, nil
}

// isDomain takes names of two labels and more, whose last one is not a number.
func isDomain(s string) bool {
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" ||
			strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	return len(labels) > 1 && len(s) <= maxDomain && strings.Trim(labels[len(labels)-1], "0123456789") != ""
}
