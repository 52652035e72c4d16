package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"
)

// maxURL is the length of a webhook's URL in bytes.
const maxURL = 2048

// Addresses says where messages may go.
type Addresses struct {
	// Private are networks that are not public, but allowed all the same.
	Private []netip.Prefix
	// PlainHTTP allows http beside https.
	PlainHTTP bool
}

// CheckURL tells whether a webhook may have that URL, as far as that can be told
// before the name is resolved. The error is for the client.
func (a *Addresses) CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return fmt.Errorf("the webhook's URL is longer than %d bytes", maxURL)
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return errors.New("the webhook's URL is not of the form https://HOST/PATH")
	case u.User != nil:
		return errors.New("the webhook's URL has a user or password; messages are signed instead")
	case u.Scheme != "https" && (u.Scheme != "http" || !a.PlainHTTP):
		return errors.New("the webhook's URL must begin with https://")
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		return a.check(addr)
	}
	return nil
}

// ErrAddress is wrapped by the error about an address that is not allowed.
var ErrAddress = errors.New("webhooks cannot be sent to addresses that are not public")

// check refuses addresses that only this machine or its network has: a client
// could reach with a webhook what it cannot reach itself.
func (a *Addresses) check(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	if slices.ContainsFunc(a.Private, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return nil
	}
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.Is6() && !global6().Contains(addr) || slices.ContainsFunc(reserved(), func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return fmt.Errorf("%w: %s", ErrAddress, addr)
	}
	return nil
}

// global6 is all of IPv6 that is given out for global use: outside of it are the
// ways to reach an IPv4 address that translators have (NAT64, SIIT), and what is
// local.
// https://www.iana.org/assignments/ipv6-address-space
func global6() netip.Prefix { return netip.MustParsePrefix("2000::/3") }

// reserved are networks of IANA's special-purpose registries that netip does
// not tell: "this network", shared address space, protocol assignments,
// documentation, benchmarks, the reserved quarter, and the ways of IPv6 to reach
// an IPv4 address (Teredo, 6to4).
// https://www.iana.org/assignments/iana-ipv4-special-registry
func reserved() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
		netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
		netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("3fff::/20"),
	}
}

// control is asked for every address that a name leads to, when it is known and
// before anything is sent: a name can lead elsewhere at each look-up.
func (a *Addresses) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	host, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrAddress, address)
	}
	return a.check(host.Addr())
}

// attemptTime bounds an attempt, with the answer.
const attemptTime = 15 * time.Second

// newClient makes a client that follows no redirect and uses no proxy: both
// would lead to addresses that nobody checked.
func (a *Addresses) newClient() *http.Client {
	dialer := &net.Dialer{Timeout: attemptTime / 3, ControlContext: a.control}
	return &http.Client{
		Timeout: attemptTime,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: attemptTime / 3, ForceAttemptHTTP2: true,
			MaxResponseHeaderBytes: 16 << 10, MaxIdleConns: 16, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
