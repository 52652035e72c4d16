package api_test

import (
	"net/http"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/mail/mailtest"
	"github.com/example/microscanner-frontend/service/servicetest"
)

// Register, confirm, scan and revoke over the wire, with the token from the mail.
func TestRegistration(t *testing.T) {
	smtp := mailtest.Start(t, mailtest.Options{})
	s := start(t, servicetest.Options{Args: mailArgs(smtp)})
	terms := servicetest.Read[remote.Terms](t, s.Do(http.MethodGet, remote.PathTerms, "", nil))
	require.NotEmpty(t, terms.Text)
	ask := func(email, version string) servicetest.Answer {
		return s.Do(http.MethodPost, remote.PathRegister, "", remote.RegisterRequest{Email: email, TermsVersion: version})
	}
	first := ask("private@example.org", terms.Version)
	require.Equal(t, http.StatusAccepted, first.Status, "%s", first.Body)
	mails := smtp.Wait(t, 1)
	token := regexp.MustCompile(`mscan_[a-z2-7]{39}`).FindString(mails[0].Text)
	require.NotEmpty(t, token)
	again := ask("private@example.org", terms.Version)
	assert.Equal(t, first.Body, again.Body, "known or not")

	for _, email := range []string{"", "x", "a@example.org\r\nBcc: b@example.org", "a@example.org, b@example.org", "a@example.org\x00"} {
		assert.Equal(t, http.StatusBadRequest, ask(email, terms.Version).Status, "%q", email)
	}
	assert.Equal(t, http.StatusBadRequest, ask("a@example.org", "0").Status, "terms that nobody has read")

	require.Equal(t, http.StatusOK, s.Do(http.MethodPost, remote.PathConfirm, token, nil).Status)
	require.Equal(t, http.StatusOK, s.Do(http.MethodPost, remote.PathScan, token, servicetest.Request(image, 2)).Status)
	require.Equal(t, http.StatusNoContent, s.Do(http.MethodDelete, remote.PathToken, token, nil).Status)
	assert.Equal(t, http.StatusUnauthorized, s.Do(http.MethodPost, remote.PathConfirm, token, nil).Status)
	assert.NotContains(t, s.Log(), token)
	assert.NotContains(t, s.Log(), "private")
}

func mailArgs(s *mailtest.Server) []string {
	return []string{"--smtp-host=" + s.Host, "--smtp-port=" + strconv.Itoa(s.Port), "--smtp-from=tokens@example.org", "--smtp-security=none", "--url=https://scan.example.org"}
}

// A source that asks too often is told when it can again; behind a proxy that is
// trusted, sources are told apart.
func TestRegistrationsOfASource(t *testing.T) {
	smtp := mailtest.Start(t, mailtest.Options{})
	s := start(t, servicetest.Options{Args: append(mailArgs(smtp), "--register-per-source=2", "--trusted-proxy=127.0.0.1")})
	ask := func(n int, forwarded string) servicetest.Answer {
		return s.Do(http.MethodPost, remote.PathRegister, "", remote.RegisterRequest{Email: "a" + strconv.Itoa(n) + "@example.org", TermsVersion: "1"}, "X-Forwarded-For: "+forwarded)
	}
	assert.Equal(t, http.StatusAccepted, ask(1, "198.51.100.1").Status)
	assert.Equal(t, http.StatusAccepted, ask(2, "6.6.6.6, 198.51.100.1").Status)
	a := ask(3, "7.7.7.7, 198.51.100.1") // what the client claims before it does not count
	assert.Equal(t, http.StatusTooManyRequests, a.Status)
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	assert.Equal(t, http.StatusAccepted, ask(3, "198.51.100.2").Status)
}
