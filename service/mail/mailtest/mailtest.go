// Package mailtest is an SMTP server for tests, with STARTTLS and AUTH.
package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The account that a server with AUTH knows.
const (
	Username = "mailer"
	Password = "swordfish"
)

// Options say what a server does.
type Options struct {
	NoTLS    bool // offer no STARTTLS
	Implicit bool // TLS from the first byte
	Auth     bool // take mail only after AUTH PLAIN
	// Rcpt answers a recipient; nil takes all.
	Rcpt func(to string) error
	// Data answers a message before it is kept; nil takes all.
	Data func() error
}

// Mail is a mail that the server took.
type Mail struct {
	From, To  string // of the envelope
	Header    mail.Header
	Text      string
	HTML      string
	Encrypted bool // it came over TLS
}

// Server is a running server.
type Server struct {
	Host    string
	Port    int
	RootCAs *x509.CertPool // that its certificate is signed by

	options Options
	mu      sync.Mutex
	mails   []Mail
	more    chan struct{}
}

// Start runs a server for the time of a test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().(*net.TCPAddr)
	s := &Server{Host: address.IP.String(), Port: address.Port, options: o, more: make(chan struct{}, 1000)}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	config.Certificates, s.RootCAs = certificate(t)

	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{server: s, conn: c}, nil }))
	server.Domain = "mail.example.org"
	server.AllowInsecureAuth = true
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	server.ErrorLog = discard{}
	switch {
	case o.Implicit:
		listener = tls.NewListener(listener, config)
	case !o.NoTLS:
		server.TLSConfig = config
	}
	done := make(chan error)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		assert.NoError(t, server.Close())
		assert.NoError(t, <-done)
	})
	return s
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

// Wait gives the mails that came, when there are n of them.
func (s *Server) Wait(t testing.TB, n int) []Mail {
	t.Helper()
	for deadline := time.After(30 * time.Second); ; {
		if mails := s.Mails(); len(mails) >= n {
			return mails
		}
		select {
		case <-s.more:
		case <-deadline:
			require.Fail(t, "a mail does not come")
		}
	}
}

// Mails gives the mails that came so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail{}, s.mails...)
}

// certificate makes a CA and a certificate for 127.0.0.1.
func certificate(t testing.TB) ([]tls.Certificate, *x509.CertPool) {
	t.Helper()
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		return k
	}
	sign := func(c, parent *x509.Certificate, public any, by *ecdsa.PrivateKey) *x509.Certificate {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, c, parent, public, by)
		require.NoError(t, err)
		parsed, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		return parsed
	}
	caKey, serverKey := key(), key()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	ca := sign(template, template, caKey.Public(), caKey)
	leaf := sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, serverKey.Public(), caKey)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: serverKey}}, pool
}

// session is one connection.
type session struct {
	server *Server
	conn   *smtp.Conn
	known  bool
	mail   Mail
}

func (s *session) AuthMechanisms() []string {
	if s.server.options.Auth {
		return []string{sasl.Plain}
	}
	return nil
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != Username || password != Password {
			return smtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.options.Auth && !s.known {
		return smtp.ErrAuthRequired
	}
	s.mail = Mail{From: from}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.mail.To != "" {
		return errors.New("one recipient is enough")
	}
	s.mail.To = to
	if s.server.options.Rcpt != nil {
		return s.server.options.Rcpt(to)
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	if s.server.options.Data != nil {
		if err := s.server.options.Data(); err != nil {
			return err
		}
	}
	if err := s.mail.read(r); err != nil {
		return err
	}
	_, s.mail.Encrypted = s.conn.TLSConnectionState()
	s.mail.Encrypted = s.mail.Encrypted || s.server.options.Implicit
	s.server.mu.Lock()
	s.server.mails = append(s.server.mails, s.mail)
	s.server.mu.Unlock()
	s.server.more <- struct{}{}
	return nil
}

func (s *session) Reset()        { s.mail = Mail{} }
func (s *session) Logout() error { return nil }

// read parses a message of two alternatives.
func (m *Mail) read(r io.Reader) error {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	m.Header = message.Header
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	if kind != "multipart/alternative" {
		return errors.New("the message is " + kind)
	}
	for parts := multipart.NewReader(message.Body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		body := io.Reader(part)
		if part.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(part)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
			m.Text = string(text)
		} else {
			m.HTML = string(text)
		}
	}
}
