// Package register gives out tokens: it takes registrations, and sends each
// token to the address that asked for it.
//
// A registration is answered when it is in the store, with a mail that is still
// to be sent; the mail goes out in the background, from any replica. So the
// answer neither takes longer nor says anything else for an address that is
// known, and an accepted registration survives the process.
//
// No token is ever stored, not even encrypted: each attempt to send a mail makes
// a new token and stores its hash before the mail goes out. If the attempt fails,
// or nobody learns that it did not, there is a hash too many of a token that
// nobody has, or the owner has two tokens that work. Those that are never used
// are deleted.
package register

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/mail"
	"github.com/example/microscanner-frontend/service/store"
)

// InvalidError is a request that cannot be taken. Its text is for whoever asked.
type InvalidError struct{ Message string }

func (e *InvalidError) Error() string { return e.Message }

// Config is how tokens are given out.
type Config struct {
	Terms  remote.Terms
	Limits store.RegistrationLimits
	// Service is the URL of the service, for the mail.
	Service string
	// DailyLimit is the scans a day of a new token, for the mail.
	DailyLimit int
	Now        func() time.Time
	Log        *slog.Logger
}

// Limits are the usual ones: three tokens a day for an address and ten for a
// source, and a week to use one.
func Limits() store.RegistrationLimits {
	return store.RegistrationLimits{Window: 24 * time.Hour, PerEmail: 3, PerSource: 10, UnconfirmedRetention: 7 * 24 * time.Hour}
}

// Registrar takes registrations and sends tokens.
type Registrar struct {
	config Config
	store  store.Store
	sender mail.Sender
	wake   chan struct{}
}

// New makes a registrar. Run has to run for mail to be sent.
func New(s store.Store, sender mail.Sender, c Config) *Registrar {
	return &Registrar{config: c, store: s, sender: sender, wake: make(chan struct{}, 1)}
}

// Terms are those that a registration has to accept.
func (r *Registrar) Terms() remote.Terms { return r.config.Terms }

// Register takes a registration from a source: an IP address, with or without a
// port. The error is an *InvalidError, a *store.SourceLimitError if the source
// asks too often, or the store's. An address that asks too often gets no mail and
// the same answer as others, so that nobody learns that it is known.
func (r *Registrar) Register(ctx context.Context, request remote.RegisterRequest, source string) error {
	email, err := mail.ParseAddress(request.Email)
	if err != nil {
		return &InvalidError{err.Error()}
	}
	if request.TermsVersion != r.config.Terms.Version {
		return &InvalidError{fmt.Sprintf("the terms in force are version %s, and these have to be accepted; register again to read them", r.config.Terms.Version)}
	}
	err = r.store.Register(ctx, store.Registration{
		Email: email, TermsVersion: r.config.Terms.Version, Source: Source(source), At: r.config.Now().UTC(),
	}, r.config.Limits)
	if errors.Is(err, store.ErrEmailLimit) {
		r.config.Log.InfoContext(ctx, "an address asks for tokens too often")
		err = nil
	}
	if err == nil {
		r.poke()
	}
	return err
}

// poke lets Run look for mail at once.
func (r *Registrar) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// maxSource bounds a source that is no IP address.
const maxSource = 64

// Source is what registrations of a client are counted by: its address, or for
// IPv6 its network of 64 bits, of which everybody has more addresses than can be
// counted.
func Source(client string) string {
	if prefix, err := netip.ParsePrefix(client); err == nil {
		return prefix.Masked().String()
	}
	address, err := netip.ParseAddr(client)
	if err != nil {
		withPort, err := netip.ParseAddrPort(client)
		if err != nil {
			return fmt.Sprintf("%.*s", maxSource, client)
		}
		address = withPort.Addr()
	}
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	prefix, _ := address.Prefix(64) // IPv6 has 128
	return prefix.String()
}
