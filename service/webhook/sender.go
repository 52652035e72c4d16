package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/example/microscanner-frontend/service/store"
)

const (
	// claimed is how many messages are sent at once, lease how long no other
	// process sends them: longer than an attempt takes.
	claimed = 8
	lease   = 4 * attemptTime
	// maxAnswer is how much of an answer is read. What it says is not used.
	maxAnswer = 64 << 10
)

// Options say how messages are sent.
type Options struct {
	Store     store.Store
	Addresses Addresses
	// Roots are the authorities that receivers are verified by; nil for the
	// system's.
	Roots   *x509.CertPool
	Now     func() time.Time
	Log     *slog.Logger
	Program string // name and version, for receivers
	// Poll is how often the store is asked for messages.
	Poll time.Duration
	// Attempts is after how many a message is dead.
	Attempts int
	// Pause is the time between the first two attempts. It doubles up to six
	// hours.
	Pause time.Duration
	// Tried is told of each attempt; it may be nil.
	Tried func(err error)
}

// Sender sends the messages that the store has.
type Sender struct {
	Options
	client *http.Client
}

// NewSender makes a sender.
func NewSender(o Options) *Sender {
	client := o.Addresses.newClient()
	if t, ok := client.Transport.(*http.Transport); ok && o.Roots != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12}
	}
	return &Sender{o, client}
}

// Run sends what is due until the context ends.
func (s *Sender) Run(ctx context.Context) {
	ticker := time.NewTicker(s.Poll)
	defer ticker.Stop()
	for {
		for {
			n, err := s.sendDue(ctx)
			if err != nil && ctx.Err() == nil {
				s.Log.ErrorContext(ctx, "messages of webhooks cannot be sent", "error", err)
			}
			if err != nil || n < claimed {
				break
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sendDue sends some of the messages that are due, and says how many.
func (s *Sender) sendDue(ctx context.Context) (int, error) {
	due, err := s.Store.Due(ctx, s.Now().UTC(), lease, claimed)
	if err != nil {
		return 0, fmt.Errorf("list what is due: %w", err)
	}
	var group errgroup.Group
	for _, d := range due {
		group.Go(func() error { return s.attempt(ctx, d) })
	}
	return len(due), group.Wait()
}

// attempt sends a message, and notes what became of it. An error is the store's.
func (s *Sender) attempt(ctx context.Context, d store.Delivery) error {
	hook, err := s.Store.Webhook(ctx, d.WebhookID)
	if errors.Is(err, store.ErrNotFound) {
		return s.Store.Delivered(ctx, d.ID) // nobody waits for it any more
	}
	if err != nil {
		return fmt.Errorf("find a webhook: %w", err)
	}
	err = s.post(ctx, hook, d)
	if ctx.Err() != nil {
		return nil // stopping: the lease ends, and it is sent again
	}
	if s.Tried != nil {
		s.Tried(err)
	}
	if err == nil {
		return s.Store.Delivered(ctx, d.ID)
	}
	dead := d.Attempts >= s.Attempts
	s.Log.WarnContext(ctx, "a webhook did not take a message", "webhook", hook.ID, "delivery", d.ID, "attempt", d.Attempts, "dead", dead, "reason", reason(err))
	return s.Store.Failed(ctx, d.ID, reason(err), s.Now().UTC().Add(s.pause(d.Attempts)), dead)
}

func (s *Sender) post(ctx context.Context, hook store.Webhook, d store.Delivery) error {
	if err := s.Addresses.CheckURL(hook.URL); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(d.Body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", s.Program)
	req.Header.Set(HeaderID, strconv.FormatInt(d.ID, 10))
	req.Header.Set(HeaderSignature, Signature(hook.Secret, s.Now(), d.Body))
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // so that the connection can be used again
	_ = resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return &statusError{resp.StatusCode}
	}
	return nil
}

// statusError is an answer that is not a success.
type statusError struct{ status int }

func (e *statusError) Error() string {
	return fmt.Sprintf("the receiver answered with status %d", e.status)
}

// reason is an error for the webhook's owner and the log. It has no URL, which
// may hold a secret, and no address of the service's network.
func reason(err error) string {
	var status *statusError
	var timeout interface{ Timeout() bool }
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case errors.As(err, &status):
		return status.Error()
	case errors.Is(err, ErrAddress):
		return ErrAddress.Error()
	case errors.As(err, &unknown), errors.As(err, &host):
		return "the receiver's certificate cannot be verified"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "the receiver did not answer in time"
	}
	return "the receiver cannot be reached"
}

// pause is the time from an attempt to the next one.
func (s *Sender) pause(attempts int) time.Duration {
	b := &backoff.ExponentialBackOff{InitialInterval: s.Pause, RandomizationFactor: .2, Multiplier: 2, MaxInterval: 6 * time.Hour}
	b.Reset()
	next := b.NextBackOff()
	for range attempts - 1 {
		next = b.NextBackOff()
	}
	return next
}
