package register_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/mail"
	"github.com/example/microscanner-frontend/service/mail/mailtest"
	"github.com/example/microscanner-frontend/service/register"
	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/store/sqlite"
	"github.com/example/microscanner-frontend/service/token"
)

// service is a registrar with a store, an SMTP server, a clock and a log.
type service struct {
	*register.Registrar
	store store.Store
	log   *bytes.Buffer
	clock atomic.Int64 // seconds
}

func (s *service) now() time.Time { return time.Unix(s.clock.Load(), 0).UTC() }

func (s *service) wait(d time.Duration) { s.clock.Add(int64(d / time.Second)) }

func newService(t testing.TB, file string, server *mailtest.Server) *service {
	t.Helper()
	s := &service{log: &bytes.Buffer{}}
	s.clock.Store(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC).Unix())
	var err error
	s.store, err = sqlite.Open(context.Background(), file, store.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.store.Close()) })
	s.Registrar = register.New(s.store, newSender(t, server), register.Config{
		Terms: remote.Terms{Version: "2026-01", Text: "Be fair."}, Limits: register.Limits(), Service: "https://scan.example.org",
		DailyLimit: 100, Now: s.now, Log: slog.New(slog.NewTextHandler(s.log, nil)),
	})
	return s
}

func newSender(t testing.TB, server *mailtest.Server) mail.Sender {
	t.Helper()
	sender, err := mail.NewSMTP(mail.Config{Host: server.Host, Port: server.Port, RootCAs: server.RootCAs, From: "noreply@example.org", Timeout: 10 * time.Second})
	require.NoError(t, err)
	return sender
}

func fresh(t testing.TB, server *mailtest.Server) *service {
	return newService(t, filepath.Join(t.TempDir(), "store.db"), server)
}

func request(email string) remote.RegisterRequest {
	return remote.RegisterRequest{Email: email, TermsVersion: "2026-01"}
}

// tokenOf finds the token of a mail, in both parts.
func tokenOf(t testing.TB, m *mailtest.Mail) token.Token {
	t.Helper()
	found := regexp.MustCompile(`mscan_\w+`).FindString(m.Text)
	assert.Contains(t, m.HTML, "<pre>"+found+"</pre>")
	parsed, err := token.Parse(found)
	require.NoError(t, err)
	return parsed
}

func TestRegister(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	s := fresh(t, server)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	require.NoError(t, s.Register(ctx, request("Name@Example.org"), "192.0.2.1:4711"))

	mails := server.Wait(t, 1)
	assert.Equal(t, "name@example.org", mails[0].To)
	found, err := s.store.Token(ctx, tokenOf(t, &mails[0]).Hash())
	require.NoError(t, err)
	assert.Equal(t, s.now(), found.Created)
	assert.Zero(t, found.Confirmed)
	assert.Contains(t, mails[0].Text, "version 2026-01, were accepted on 4 March 2026, 05:06 UTC")

	// Once more: another token, while the first one stays.
	require.NoError(t, s.Register(ctx, request("name@example.org"), "192.0.2.1"))
	mails = server.Wait(t, 2)
	second, err := s.store.Token(ctx, tokenOf(t, &mails[1]).Hash())
	require.NoError(t, err)
	assert.Equal(t, found.AccountID, second.AccountID)
	assert.NotEqual(t, found.ID, second.ID)
	cancel()
	<-done
	assert.Empty(t, s.log.String())
}

func TestInvalid(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	s := fresh(t, server)
	assert.Equal(t, "2026-01", s.Terms().Version)
	for name, r := range map[string]remote.RegisterRequest{
		"no address":   request(""),
		"two":          request("a@example.org, b@example.org"),
		"header":       request("a@example.org\r\nBcc: b@example.org"),
		"no terms":     {Email: "a@example.org"},
		"older terms":  {Email: "a@example.org", TermsVersion: "2025-01"},
		"other blanks": {Email: "a@example.org", TermsVersion: "2026-01 "},
	} {
		var invalid *register.InvalidError
		require.ErrorAs(t, s.Register(t.Context(), r, "192.0.2.1"), &invalid, name)
		assert.NotContains(t, invalid.Message, "Bcc")
	}
	require.NoError(t, s.SendDue(t.Context()))
	assert.Empty(t, server.Mails())
}

// TestLimits: an address gets three mails a day, and the same answer always; a
// source may ask ten times.
func TestLimits(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	s := fresh(t, server)
	ctx := t.Context()
	for range 10 {
		require.NoError(t, s.Register(ctx, request("name@example.org"), "2001:db8::1"))
	}
	var limit *store.SourceLimitError
	for _, source := range []string{"2001:db8::2", "[2001:db8::ffff:1]:80", "2001:db8::/64"} {
		err := s.Register(ctx, request("other@example.org"), source)
		require.ErrorAs(t, err, &limit, source)
		require.ErrorIs(t, err, store.ErrLimit)
	}
	assert.Equal(t, s.now().Add(24*time.Hour), limit.Until)
	require.NoError(t, s.Register(ctx, request("other@example.org"), "2001:db8:0:1::1"))
	require.NoError(t, s.SendDue(ctx))
	assert.Len(t, server.Mails(), 4)
	assert.NotContains(t, s.log.String(), "example.org")
}

// TestRetries: a mail that a server does not take yet is sent later, and one for
// a recipient that there is not is given up.
func TestRetries(t *testing.T) {
	var answers atomic.Int64
	server := mailtest.Start(t, mailtest.Options{Rcpt: func(to string) error {
		if strings.HasPrefix(to, "nobody") {
			return &smtp.SMTPError{Code: 550, Message: "no " + to}
		}
		if answers.Add(1) <= 3 {
			return &smtp.SMTPError{Code: 451, Message: to + ": later"}
		}
		return nil
	}})
	s := fresh(t, server)
	ctx := t.Context()
	require.NoError(t, s.Register(ctx, request("nobody@example.org"), "192.0.2.1"))
	require.NoError(t, s.Register(ctx, request("name@example.org"), "192.0.2.1"))
	for _, wait := range []time.Duration{0, time.Minute, 2 * time.Minute} {
		s.wait(wait)
		require.NoError(t, s.SendDue(ctx))
		assert.Empty(t, server.Mails())
	}
	s.wait(3 * time.Minute)
	require.NoError(t, s.SendDue(ctx))
	assert.Empty(t, server.Mails(), "too early: the wait doubles")
	s.wait(time.Minute)
	require.NoError(t, s.SendDue(ctx))
	mails := server.Wait(t, 1)
	_, err := s.store.Token(ctx, tokenOf(t, &mails[0]).Hash())
	require.NoError(t, err)
	s.wait(48 * time.Hour)
	require.NoError(t, s.SendDue(ctx))
	assert.EqualValues(t, 4, answers.Load())
	assert.Len(t, server.Mails(), 1)
	for _, secret := range []string{"example.org", "mscan_"} {
		assert.NotContains(t, s.log.String(), secret)
	}
	assert.Contains(t, s.log.String(), "given_up=true")
}

func TestGivesUpAfterDays(t *testing.T) {
	var answers atomic.Int64
	server := mailtest.Start(t, mailtest.Options{Rcpt: func(string) error {
		answers.Add(1)
		return &smtp.SMTPError{Code: 451, Message: "later"}
	}})
	s := fresh(t, server)
	require.NoError(t, s.Register(t.Context(), request("name@example.org"), "192.0.2.1"))
	for range 24 * 10 {
		require.NoError(t, s.SendDue(t.Context()))
		s.wait(time.Hour)
	}
	assert.Greater(t, answers.Load(), int64(15))
	assert.Less(t, answers.Load(), int64(30))
}

// The environment of the process that TestKill kills.
const childFile, childPort, childCA = "MICROSCANNER_TEST_FILE", "MICROSCANNER_TEST_PORT", "MICROSCANNER_TEST_NAME"

// TestKill: processes that are killed while they register and send lose no mail
// of a registration that was accepted.
func TestKill(t *testing.T) {
	if file, ok := os.LookupEnv(childFile); ok {
		port, err := strconv.Atoi(os.Getenv(childPort))
		require.NoError(t, err)
		registerMany(t, file, port, os.Getenv(childCA))
		return
	}
	// Its mails come slowly, so that the process is killed while it sends some.
	server := mailtest.Start(t, mailtest.Options{NoTLS: true, Data: func() error { time.Sleep(5 * time.Millisecond); return nil }})
	file := filepath.Join(t.TempDir(), "store.db")
	accepted := map[string]bool{}
	for _, name := range []string{"first", "second", "third"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), childFile+"="+file, childPort+"="+strconv.Itoa(server.Port), childCA+"="+name)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := readLines(out, 60, func() { assert.NoError(t, cmd.Process.Kill()) })
		require.Error(t, cmd.Wait())
		require.GreaterOrEqual(t, len(lines), 60)
		for _, line := range lines {
			accepted[line] = true
		}
	}
	require.Less(t, len(server.Mails()), len(accepted), "the test killed nothing in the middle")

	s := newService(t, file, server)
	s.Registrar = register.New(s.store, plainSender(t, server.Port), register.Config{Limits: register.Limits(), Now: s.now, Log: slog.New(slog.DiscardHandler)})
	s.wait(time.Hour) // claims of the dead are over
	require.NoError(t, s.SendDue(t.Context()))
	for _, m := range server.Mails() {
		_, err := s.store.Token(t.Context(), tokenOf(t, &m).Hash())
		require.NoError(t, err, "each token that was sent works")
		delete(accepted, m.To)
	}
	assert.Empty(t, accepted, "registrations that were accepted got no mail")
}

func TestSource(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1":               "192.0.2.1",
		"192.0.2.1:80":            "192.0.2.1",
		"::ffff:192.0.2.1":        "192.0.2.1",
		"2001:db8:1:2:3:4:5:6":    "2001:db8:1:2::/64",
		"[2001:db8:1:2:3::6]:80":  "2001:db8:1:2::/64",
		"fe80::1%eth0":            "fe80::/64",
		"2001:db8::5/64":          "2001:db8::/64",
		"":                        "",
		strings.Repeat("x", 1000): strings.Repeat("x", 64),
	} {
		assert.Equal(t, want, register.Source(in))
	}
}
