package mail_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/service/mail"
	"github.com/example/microscanner-frontend/service/mail/mailtest"
	"github.com/example/microscanner-frontend/service/token"
)

func config(s *mailtest.Server) mail.Config {
	return mail.Config{
		Host: s.Host, Port: s.Port, RootCAs: s.RootCAs, Username: mailtest.Username, Password: mailtest.Password,
		From: "MicroScanner <noreply@example.org>", Timeout: 5 * time.Second,
	}
}

func message(t testing.TB, key token.Token) mail.Message {
	t.Helper()
	m, err := mail.TokenMessage("a.b+c@example.net", key, mail.TokenTerms{
		Service: "https://scan.example.org/?a=1&b=2", Version: "2026-01", Accepted: time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC), Limit: 100, Unused: 7,
	})
	require.NoError(t, err)
	return m
}

func send(t testing.TB, c mail.Config, m mail.Message) error {
	t.Helper()
	sender, err := mail.NewSMTP(c)
	require.NoError(t, err)
	return sender.Send(t.Context(), m)
}

func TestSend(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{Auth: true})
	key := token.New()
	require.NoError(t, send(t, config(server), message(t, key)))

	mails := server.Wait(t, 1)
	got := mails[0]
	assert.True(t, got.Encrypted)
	assert.Equal(t, "noreply@example.org", got.From)
	assert.Equal(t, "a.b+c@example.net", got.To)
	assert.Equal(t, `"MicroScanner" <noreply@example.org>`, got.Header.Get("From"))
	assert.Equal(t, "<a.b+c@example.net>", got.Header.Get("To"))
	assert.Equal(t, "Your MicroScanner token", got.Header.Get("Subject"))
	assert.Equal(t, "auto-generated", got.Header.Get("Auto-Submitted"))
	_, err := got.Header.Date()
	require.NoError(t, err)
	for _, part := range []string{got.Text, got.HTML} {
		assert.Contains(t, part, key.Reveal())
		assert.Contains(t, part, "100 scans a day")
		assert.Contains(t, part, "Terms of use, version 2026-01, were accepted on 4 March 2026, 05:06 UTC.")
		assert.Contains(t, part, "after 7 days")
	}
	assert.Contains(t, got.Text, "https://scan.example.org/?a=1&b=2")
	assert.Contains(t, got.HTML, "https://scan.example.org/?a=1&amp;b=2")
	assert.True(t, strings.HasPrefix(got.HTML, "<!DOCTYPE html>"))
}

func TestSecurity(t *testing.T) {
	for name, c := range map[string]struct {
		server  mailtest.Options
		change  func(*mail.Config)
		failure string
		clear   bool
	}{
		"no STARTTLS":                  {server: mailtest.Options{NoTLS: true}, failure: "does not support STARTTLS"},
		"no STARTTLS, opportunistic":   {server: mailtest.Options{NoTLS: true}, change: func(c *mail.Config) { c.Security, c.Username = mail.Opportunistic, "" }, clear: true},
		"opportunistic":                {change: func(c *mail.Config) { c.Security, c.Username = mail.Opportunistic, "" }},
		"none":                         {change: func(c *mail.Config) { c.Security, c.Username = mail.Plain, "" }, clear: true},
		"implicit":                     {server: mailtest.Options{Implicit: true, Auth: true}, change: func(c *mail.Config) { c.Security = mail.ImplicitTLS }},
		"another CA":                   {change: func(c *mail.Config) { c.RootCAs = nil }, failure: "certificate signed by unknown authority"},
		"another CA, opportunistic":    {change: func(c *mail.Config) { c.Security, c.RootCAs = mail.Opportunistic, nil }, failure: "certificate signed by unknown authority"},
		"no AUTH":                      {server: mailtest.Options{Auth: true}, change: func(c *mail.Config) { c.Username = "" }, failure: "name the sender: the server answers 502"},
		"wrong password":               {server: mailtest.Options{Auth: true}, change: func(c *mail.Config) { c.Password = "mistyped secret" }, failure: "connect to the SMTP server"},
		"password without encryption":  {server: mailtest.Options{NoTLS: true, Auth: true}, change: func(c *mail.Config) { c.Security = mail.Opportunistic }, failure: "connect to the SMTP server"},
		"password, encryption refused": {server: mailtest.Options{Auth: true}, change: func(c *mail.Config) { c.Security = mail.Plain }, failure: "connect to the SMTP server"},
	} {
		t.Run(name, func(t *testing.T) {
			server := mailtest.Start(t, c.server)
			settings := config(server)
			if !c.server.Auth {
				settings.Username = ""
			}
			if c.change != nil {
				c.change(&settings)
			}
			key := token.New()
			err := send(t, settings, message(t, key))
			if c.failure == "" {
				require.NoError(t, err)
				assert.Equal(t, c.clear, !server.Wait(t, 1)[0].Encrypted)
				return
			}
			require.ErrorContains(t, err, c.failure)
			for _, secret := range []string{settings.Password, key.Reveal(), "a.b+c"} {
				assert.NotContains(t, err.Error(), secret)
			}
			var failed *mail.Error
			require.ErrorAs(t, err, &failed)
			assert.False(t, failed.Permanent)
			assert.Empty(t, server.Mails())
		})
	}
}

// TestServerErrors: what a server says may repeat the address, so it is not told.
func TestServerErrors(t *testing.T) {
	answer := func(code int) error {
		return &smtp.SMTPError{Code: code, Message: "user a.b+c@example.net has a problem"}
	}
	for name, c := range map[string]struct {
		server mailtest.Options
		want   mail.Error
	}{
		"unknown recipient": {mailtest.Options{Rcpt: func(string) error { return answer(550) }}, mail.Error{Stage: "name the recipient", Code: 550, Permanent: true}},
		"greylisted":        {mailtest.Options{Rcpt: func(string) error { return answer(451) }}, mail.Error{Stage: "name the recipient", Code: 451}},
		"no room":           {mailtest.Options{Data: func() error { return answer(452) }}, mail.Error{Stage: "send the mail", Code: 452}},
	} {
		t.Run(name, func(t *testing.T) {
			server := mailtest.Start(t, c.server)
			settings := config(server)
			settings.Username = ""
			err := send(t, settings, message(t, token.New()))
			var failed *mail.Error
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, c.want, *failed)
			assert.NotContains(t, err.Error(), "a.b+c")
		})
	}
}

// TestSilentServer: a server that accepts and says nothing keeps nobody.
func TestSilentServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	address := listener.Addr().(*net.TCPAddr)
	err = send(t, mail.Config{Host: address.IP.String(), Port: address.Port, From: "a@example.org", Timeout: 100 * time.Millisecond}, message(t, token.New()))
	require.ErrorContains(t, err, "timeout")
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := mailtest.Start(t, mailtest.Options{Data: func() error { cancel(); time.Sleep(100 * time.Millisecond); return errors.New("late") }})
	settings := config(server)
	settings.Username = ""
	sender, err := mail.NewSMTP(settings)
	require.NoError(t, err)
	require.ErrorIs(t, sender.Send(ctx, message(t, token.New())), context.Canceled)
}

func TestConfig(t *testing.T) {
	for _, c := range []mail.Config{{}, {Host: "mail.example.org"}, {Host: "mail.example.org", From: "a@example.org\r\nBcc: b@example.org"}} {
		_, err := mail.NewSMTP(c)
		require.Error(t, err, c.From)
	}
	text := fmt.Sprintf("%v %+v %#v %s", mail.Config{Host: "h", Password: "hunter2"}, mail.Config{Password: "hunter2"}, mail.Config{Password: "hunter2"}, message(t, token.New()))
	assert.NotContains(t, text, "hunter2")
	assert.NotContains(t, text, token.Prefix)
	for _, s := range []mail.Security{mail.StartTLS, mail.ImplicitTLS, mail.Opportunistic, mail.Plain} {
		parsed, err := mail.ParseSecurity(s.String())
		require.NoError(t, err)
		assert.Equal(t, s, parsed)
	}
	_, err := mail.ParseSecurity("ssl")
	require.Error(t, err)
}

func TestParseAddress(t *testing.T) {
	long := strings.Repeat("a", 64)
	for in, want := range map[string]string{
		"name@example.org":                       "name@example.org",
		" Name.Other+Tag@Example.ORG ":           "name.other+tag@example.org",
		"o'neil@example.org":                     "o'neil@example.org",
		"name@bücher.example":                    "name@xn--bcher-kva.example",
		long + "@example.org":                    long + "@example.org",
		"":                                       "",
		"name":                                   "",
		"@example.org":                           "",
		"name@":                                  "",
		"name@localhost":                         "",
		"name@example":                           "",
		"name@example.org.":                      "",
		"name@.example.org":                      "",
		"name@example..org":                      "",
		"name@-example.org":                      "",
		"name@127.0.0.1":                         "",
		"name@[127.0.0.1]":                       "",
		"name@example.org\r\nBcc: x@y.org":       "",
		"name\r\n@example.org":                   "",
		"name@example.org\n":                     "",
		"name\x00@example.org":                   "",
		"a@example.org,b@example.org":            "",
		"a@example.org b@example.org":            "",
		"a@b@example.org":                        "",
		"Name <name@example.org>":                "",
		"<name@example.org>":                     "",
		"name(comment)@example.org":              "",
		`"name"@example.org`:                     "",
		`"a b\r\nBcc: x"@example.org`:            "",
		"name%example.net@example.org":           "",
		"example.net!name@example.org":           "",
		"|program@example.org":                   "",
		"-oQ/tmp@example.org":                    "",
		".name@example.org":                      "",
		"name.@example.org":                      "",
		"a..b@example.org":                       "",
		"näme@example.org":                       "",
		"name@exa\u202emple.org":                 "",
		"name@example.org\u200b":                 "name@example.org",
		long + "a@example.org":                   "",
		"a@" + strings.Repeat("a.", 130) + "org": "",
		"a@" + long + ".org":                     "",
	} {
		got, err := mail.ParseAddress(in)
		assert.Equal(t, want, got, "%q", in)
		if want == "" {
			assert.ErrorIs(t, err, mail.ErrAddress, "%q", in)
		} else {
			assert.NoError(t, err, "%q", in)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"name@example.org", "name@bücher.example", `"a b"@example.org`, "a@b.c,d@e.f", "a@b.org\r\nX: y", "İ@İ.org"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		address, err := mail.ParseAddress(s)
		if err != nil {
			require.Empty(t, address)
			return
		}
		require.LessOrEqual(t, len(address), 254)
		for _, c := range []byte(address) {
			require.True(t, c > ' ' && c < 0x7f && !strings.ContainsRune(`"(),:;<>[\]%!|`+"`", rune(c)), "%q", address)
		}
		require.Equal(t, 1, strings.Count(address, "@"))
		list, err := netmail.ParseAddressList(address)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, address, list[0].Address)
		again, err := mail.ParseAddress(address)
		require.NoError(t, err)
		require.Equal(t, address, again)
	})
}
