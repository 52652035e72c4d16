// Package mail sends the service's mail over SMTP.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wneessen/go-mail"
)

// Sender sends mail.
type Sender interface {
	// Send returns nil when a server has taken the message. An error that is an
	// *Error says whether it helps to try again.
	Send(ctx context.Context, m Message) error
}

// Message is a mail with the same content as text and as HTML. Printed or logged
// it shows nothing of itself: it has a token and an address.
type Message struct {
	To      string // as ParseAddress returns it
	Subject string
	Text    string
	HTML    string
}

// Format writes that it is a mail.
func (Message) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("a mail")) }

// LogValue says that it is a mail.
func (Message) LogValue() slog.Value { return slog.StringValue("a mail") }

// Security is how the connection to the server is encrypted.
type Security int

// The kinds of encryption. STARTTLS, which is needed to go on, is the default.
const (
	StartTLS      Security = iota // refuse a server without STARTTLS
	ImplicitTLS                   // TLS from the first byte, usually on port 465
	Opportunistic                 // STARTTLS if the server has it: no protection from who is in between
	Plain                         // none, for a relay on the same machine
)

// ParseSecurity reads a kind of encryption by its name.
func ParseSecurity(name string) (Security, error) {
	for s, n := range securities() {
		if n == name {
			return Security(s), nil
		}
	}
	return 0, fmt.Errorf("the encryption of SMTP is starttls, tls, opportunistic or none, not %.20q", name)
}

// String gives the name that ParseSecurity reads.
func (s Security) String() string { return securities()[s] }

func securities() []string { return []string{"starttls", "tls", "opportunistic", "none"} }

// Config is how mail is sent.
type Config struct {
	Host     string
	Port     int // 0 for 587, with ImplicitTLS 465
	Security Security
	// RootCAs are those that may sign the server's certificate; nil for the
	// system's.
	RootCAs *x509.CertPool
	// Username and Password are for AUTH; without them there is none. Without
	// encryption only methods that do not show the password are used.
	Username string
	Password string
	// From is the sender: an address, or a name and an address.
	From string
	// Hello is this machine's name for EHLO; empty for the system's.
	Hello string
	// Timeout bounds the sending of a mail; 0 for 30 seconds.
	Timeout time.Duration
}

// Format writes where mail is sent, without the password.
func (c Config) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "SMTP server %s, %s", c.Host, c.Security)
}

// LogValue says where mail is sent, without the password.
func (c Config) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

const defaultTimeout = 30 * time.Second

// SMTP is a Sender.
type SMTP struct {
	client  *mail.Client
	from    string
	timeout time.Duration
}

// NewSMTP checks a configuration. It does not connect yet.
func NewSMTP(c Config) (*SMTP, error) {
	if c.Host == "" {
		return nil, errors.New("there is no SMTP server to send mail with")
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if err := mail.NewMsg().From(c.From); err != nil {
		return nil, fmt.Errorf("the sender of the service's mail, %q, is no address", c.From)
	}
	client, err := mail.NewClient(c.Host, options(&c)...)
	if err != nil {
		return nil, fmt.Errorf("configure SMTP: %w", err)
	}
	return &SMTP{client: client, from: c.From, timeout: c.Timeout}, nil
}

func options(c *Config) []mail.Option {
	o := []mail.Option{
		mail.WithTimeout(c.Timeout),
		mail.WithTLSConfig(&tls.Config{ServerName: c.Host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}),
	}
	port := 587
	switch c.Security {
	case ImplicitTLS:
		port = 465
		o = append(o, mail.WithSSL())
	case Opportunistic:
		o = append(o, mail.WithTLSPolicy(mail.TLSOpportunistic))
	case Plain:
		o = append(o, mail.WithTLSPolicy(mail.NoTLS))
	default:
		o = append(o, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if c.Port != 0 {
		port = c.Port
	}
	o = append(o, mail.WithPort(port))
	if c.Hello != "" {
		o = append(o, mail.WithHELO(c.Hello))
	}
	if c.Username != "" {
		o = append(o, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(c.Username), mail.WithPassword(c.Password))
	}
	return o
}

// Send sends one message on a connection of its own. Several may be sent at
// once.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := s.compose(m)
	if err != nil {
		return &Error{Stage: "compose the mail", Permanent: true}
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	client, err := s.client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		// The server has not seen the message: the error cannot have any of it.
		return &Error{Stage: "connect to the SMTP server", Err: err}
	}
	// Its own timeouts are for each command.
	defer context.AfterFunc(ctx, func() { _ = client.Close() })()
	if err := s.client.SendWithSMTPClient(client, msg); err != nil {
		_ = client.Close()
		return sendError(ctx, err)
	}
	// The message is taken, whatever becomes of the connection.
	_ = s.client.CloseWithSMTPClient(client)
	return nil
}

func (s *SMTP) compose(m Message) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(s.from); err != nil {
		return nil, err
	}
	if err := msg.To(m.To); err != nil {
		return nil, err
	}
	msg.Subject(m.Subject)
	msg.SetDate()
	msg.SetMessageID()
	// RFC 3834: no one's holiday notice answers it.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	return msg, nil
}

// Error is a mail that was not sent. It has neither the address nor what the
// server said, which may repeat the address.
type Error struct {
	Stage     string // what was tried
	Code      int    // the server's reply; 0 if there was none
	Permanent bool   // it is no use to try again with this message
	Err       error  // of the connection, before the server has seen the message; else nil
}

func (e *Error) Error() string {
	switch {
	case e.Err != nil:
		return e.Stage + ": " + e.Err.Error()
	case e.Code != 0:
		return fmt.Sprintf("%s: the server answers %d", e.Stage, e.Code)
	}
	return e.Stage + ": it failed"
}

func (e *Error) Unwrap() error { return e.Err }

func sendError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &Error{Stage: "send the mail", Err: ctx.Err()}
	}
	out := &Error{Stage: "send the mail"}
	var sent *mail.SendError
	if errors.As(err, &sent) {
		out.Code = sent.ErrorCode()
		switch sent.Reason {
		case mail.ErrSMTPRcptTo:
			out.Stage = "name the recipient"
			out.Permanent = out.Code >= 500
		case mail.ErrSMTPMailFrom:
			out.Stage = "name the sender"
		}
	}
	return out
}
