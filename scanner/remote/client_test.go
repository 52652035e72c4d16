package remote_test

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/tlstest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
)

// secret is a token; no text may have it.
const secret = "mscan_geheimgeheimgeheimgeheimgeheimgeheimge"

func now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// service is one that answers as its test wants.
type service struct {
	server   *httptest.Server
	caFile   string
	requests atomic.Int32
	token    remote.Token
}

func newService(t *testing.T, answer http.HandlerFunc) *service {
	t.Helper()
	return newExpiring(t, time.Now().Add(time.Hour), answer)
}

func newExpiring(t *testing.T, expires time.Time, answer http.HandlerFunc) *service {
	t.Helper()
	s := &service{caFile: filepath.Join(t.TempDir(), "ca.pem")}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		answer(w, r)
	})
	var err error
	s.server, err = tlstest.Server(handler, s.caFile, expires)
	require.NoError(t, err)
	t.Cleanup(s.server.Close)
	s.token, err = remote.ParseToken(secret)
	require.NoError(t, err)
	return s
}

// options are those of a client that trusts the service and is not patient.
func (s *service) options() remote.Options {
	return remote.Options{
		Server: s.server.URL, Token: s.token, CAFile: s.caFile, Agent: "test/1", Now: now,
		Pause: time.Millisecond, MaxWait: 1500 * time.Millisecond,
	}
}

func scan(t *testing.T, o remote.Options, req remote.ScanRequest) (remote.Answer, error) {
	t.Helper()
	c, err := remote.New(o)
	require.NoError(t, err)
	answer, err := c.Scan(t.Context(), req)
	for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%#v", err), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v %v", *c, o)} {
		require.NotContains(t, text, secret)
	}
	return answer, err
}

// pass is the report of a scan without findings.
func pass(image report.Image) *report.Report {
	return &report.Report{
		SchemaVersion: report.SchemaVersion, Image: image, Policy: policy.Default().Values(),
		Verdict: policy.Verdict{Pass: true, Reason: "no known vulnerabilities"},
	}
}

func writePass(w http.ResponseWriter, image report.Image) {
	_ = report.WriteJSON(w, pass(image))
}

func fails(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(remote.Error{Code: code, Message: message})
}

func TestScan(t *testing.T) {
	req := remote.ScanRequest{
		Inventory: inventory.Inventory{OS: inventory.OS{Distro: "debian", Release: "12"}, Packages: []inventory.Package{{Name: "a", Version: "1"}}},
		Image:     report.Image{Reference: "example/app:1"},
		Policy:    map[string]policy.Value{policy.KeyFailOn: {Value: "high", From: "--fail-on"}},
	}
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, http.MethodPost, r.Method)
		assert.Equal(t, "/base/api/v1/scan", r.URL.Path)
		assert.Equal(t, "Bearer "+secret, r.Header.Get("Authorization"))
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		assert.Equal(t, "test/1", r.Header.Get("User-Agent"))
		want := req
		want.SchemaVersion = inventory.SchemaVersion
		var got remote.ScanRequest
		if assert.NoError(t, json.NewDecoder(r.Body).Decode(&got)) {
			assert.Equal(t, want, got)
		}
		w.Header().Set(remote.HeaderLimit, "100")
		w.Header().Set(remote.HeaderRemaining, "99")
		writePass(w, got.Image)
	})
	o := s.options()
	o.Server += "/base/"
	answer, err := scan(t, o, req)
	require.NoError(t, err)
	assert.True(t, answer.Report.Verdict.Pass)
	assert.Equal(t, remote.Quota{Limit: 100, Remaining: 99}, answer.Quota)
	assert.EqualValues(t, 1, s.requests.Load())
}

// TestRefusals: each answer that is not a report is an error of its own.
func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		answer   http.HandlerFunc
		want     string // SERVER stands for the address
		requests int
	}{
		"unknown token": {func(w http.ResponseWriter, _ *http.Request) {
			fails(w, 401, remote.CodeUnauthorized, "no")
		}, "SERVER does not know the token; check that it is whole and of this service", 1},
		"revoked token": {func(w http.ResponseWriter, _ *http.Request) {
			fails(w, 401, remote.CodeRevoked, "no")
		}, `SERVER refuses the token, as it was revoked; ask for a new one with "microscanner register EMAIL"`, 1},
		"a proxy that wants something else": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<h1>Forbidden</h1>", http.StatusForbidden)
		}, "SERVER refuses the token, 403 Forbidden", 1},
		"quota": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "75355")
			fails(w, 429, remote.CodeQuota, "all 100 are used")
		}, "the scans of this token for today are used up: all 100 are used; try again in 20h55m55s, at 2026-01-03T00:00:00Z", 1},
		"too many, with a date": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", now().Add(2*time.Minute).Format(http.TimeFormat))
			fails(w, 429, remote.CodeTooMany, "slow down")
		}, "SERVER is asked too often: slow down; try again in 2m0s, at 2026-01-02T03:06:05Z", 1},
		"too many, for ever": {func(w http.ResponseWriter, _ *http.Request) {
			fails(w, 429, remote.CodeTooMany, "enough webhooks")
		}, "SERVER refuses the request: enough webhooks", 1},
		"too many, of a proxy": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "", http.StatusTooManyRequests)
		}, "SERVER is asked too often; try again later", 1}, // as it would be waited for longer than MaxWait
		"busy for longer than we wait": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "", http.StatusTooManyRequests)
		}, "SERVER is asked too often; try again in 1s, at 2026-01-02T03:04:06Z", 2},
		"error of the service": {func(w http.ResponseWriter, _ *http.Request) {
			fails(w, 500, remote.CodeInternal, "it broke")
		}, "SERVER cannot answer now, 500 Internal Server Error: it broke (tried 3 times)", 3},
		"stopping for an hour": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			fails(w, 503, remote.CodeUnavailable, "no database yet")
		}, "SERVER cannot answer now, 503 Service Unavailable: no database yet", 1},
		"bad gateway": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>", http.StatusBadGateway)
		}, "SERVER cannot answer now, 502 Bad Gateway (tried 3 times)", 3},
		"too large": {func(w http.ResponseWriter, _ *http.Request) {
			fails(w, 413, remote.CodeTooLarge, "32 MiB are enough")
		}, "the inventory is too large for SERVER: 32 MiB are enough", 1},
		"bad request": {func(w http.ResponseWriter, _ *http.Request) {
			fails(w, 400, remote.CodeBadRequest, "there is no setting \"x\"")
		}, `SERVER refuses the request, 400 Bad Request: there is no setting "x"`, 1},
		"another server": {func(w http.ResponseWriter, r *http.Request) {
			http.NotFound(w, r)
		}, "SERVER is no microscanner service: it has no /api/v1/scan", 1},
		"a page": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<html>")
		}, "SERVER does not answer as a microscanner service does: the report is not a JSON document of this program: invalid character '<' looking for beginning of value", 1},
		"half a report": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"scan_started":`)
		}, "SERVER does not answer as a microscanner service does: the report is not a JSON document of this program: unexpected EOF", 1},
		"another schema": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"schema_version":"9.0"}`)
		}, `SERVER does not answer as a microscanner service does: the report has schema version "9.0"; this program reads 1.x`, 1},
		"another image": {func(w http.ResponseWriter, _ *http.Request) {
			writePass(w, report.Image{Reference: "other"})
		}, `SERVER does not answer as a microscanner service does: the report is of another image, "other"`, 1},
		"another policy": {func(w http.ResponseWriter, _ *http.Request) {
			r := pass(report.Image{})
			r.Policy[policy.KeyFailOn] = policy.Value{Value: "never"}
			_ = report.WriteJSON(w, r)
		}, "SERVER does not answer as a microscanner service does: the verdict was reached with fail-on=never, not with high as asked", 1},
		"terminal escapes, and the token": {func(w http.ResponseWriter, _ *http.Request) {
			fails(w, 400, remote.CodeBadRequest, "\x1b[2J"+secret+"\n"+strings.Repeat("x", 1000))
		}, `SERVER refuses the request, 400 Bad Request: \x1b[2J[token]\n` + strings.Repeat("x", 300-len("\x1b[2J[token]\n")) + "…", 1},
		"broken connection": {func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, "", 3},
		"broken answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"scan_started":`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, tc.answer)
			_, err := scan(t, s.options(), remote.ScanRequest{Policy: map[string]policy.Value{policy.KeyFailOn: {Value: "high"}}})
			if tc.want == "" {
				require.ErrorContains(t, err, "cannot reach "+s.server.URL+": ")
				require.ErrorContains(t, err, "(tried 3 times)")
			} else {
				require.EqualError(t, err, strings.ReplaceAll(tc.want, "SERVER", s.server.URL))
			}
			assert.EqualValues(t, tc.requests, s.requests.Load())
		})
	}
}

// TestComesBack: what passes is waited for.
func TestComesBack(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"busy": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			fails(w, 429, remote.CodeTooMany, "slow down")
		},
		"failed":  func(w http.ResponseWriter, _ *http.Request) { fails(w, 500, remote.CodeInternal, "it broke") },
		"hung up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			var s *service
			s = newService(t, func(w http.ResponseWriter, r *http.Request) {
				var req remote.ScanRequest
				assert.NoError(t, json.NewDecoder(r.Body).Decode(&req), "the body is sent again")
				if s.requests.Load() == 1 {
					first(w, r)
				} else {
					writePass(w, req.Image)
				}
			})
			var notices []string
			o := s.options()
			o.Notice = func(text string) { notices = append(notices, text) }
			_, err := scan(t, o, remote.ScanRequest{})
			require.NoError(t, err)
			assert.EqualValues(t, 2, s.requests.Load())
			if name == "busy" {
				assert.Equal(t, []string{s.server.URL + " is busy: waiting for 1s"}, notices)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	for name, begin := range map[string]string{"says nothing": "", "never ends": `{"scan_started":`} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, begin)
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			})
			o := s.options()
			o.Timeout = 200 * time.Millisecond
			_, err := scan(t, o, remote.ScanRequest{})
			require.EqualError(t, err, s.server.URL+" did not answer within 200ms")
		})
	}
}

// TestTrust is about certificates, over real TLS.
func TestTrust(t *testing.T) {
	answer := func(w http.ResponseWriter, _ *http.Request) { writePass(w, report.Image{}) }
	valid := newService(t, answer)
	expired := newExpiring(t, time.Now().Add(-time.Hour), answer)
	byName := func(o *remote.Options) { o.Server = strings.Replace(o.Server, "127.0.0.1", "localhost", 1) }
	nobody := func(o *remote.Options) { o.CAFile = "" }
	for name, tc := range map[string]struct {
		service *service
		change  func(o *remote.Options)
		want    string
	}{
		"known CA":   {valid, func(*remote.Options) {}, ""},
		"unknown CA": {valid, nobody, "(x509: certificate signed by unknown authority): install ca-certificates, name the CA's certificate with --ca-file, or give up the check with --no-verify"},
		"other name": {valid, byName, "): use a name that the certificate is for, or give up the check with --no-verify"},
		"expired":    {expired, func(*remote.Options) {}, "): renew it or set the clock of this machine, which says "},
		"no verification": {expired, func(o *remote.Options) {
			nobody(o)
			byName(o)
			o.NoVerify = true
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := tc.service.options()
			tc.change(&o)
			before := tc.service.requests.Load()
			_, err := scan(t, o, remote.ScanRequest{})
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "the certificate of "+o.Server+" cannot be verified (x509: ")
			require.ErrorContains(t, err, tc.want)
			assert.Equal(t, before, tc.service.requests.Load(), "nothing is sent")
		})
	}
}

// TestRedirect: another server gets neither the token nor the inventory.
func TestRedirect(t *testing.T) {
	other := newService(t, func(w http.ResponseWriter, _ *http.Request) { writePass(w, report.Image{}) })
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.server.URL+"/x?"+secret, http.StatusTemporaryRedirect)
	})
	_, err := scan(t, s.options(), remote.ScanRequest{})
	require.EqualError(t, err, s.server.URL+" sends us on to "+other.server.URL+", and a token goes nowhere but to the server that was named; name that one if it is the right one")
	assert.Zero(t, other.requests.Load())
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := "https://" + l.Addr().String()
	require.NoError(t, l.Close())
	_, err = scan(t, remote.Options{Server: address, Now: now, Pause: time.Millisecond}, remote.ScanRequest{})
	require.ErrorContains(t, err, "cannot reach "+address+": ")
	require.ErrorContains(t, err, "connection refused (tried 3 times)")

	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	address = strings.Replace(plain.URL, "http:", "https:", 1)
	_, err = scan(t, remote.Options{Server: address, Now: now}, remote.ScanRequest{})
	require.EqualError(t, err, address+" has no TLS: if that is as it should be, its address begins with http://")
}

func TestAddresses(t *testing.T) {
	const form = "the address of the service is not one such as https://scan.example.com"
	const parts = "the address of the service must have no user, password, query or fragment; the token is given apart from it"
	for address, want := range map[string]string{
		"https://scan.example.com":         "",
		"https://scan.example.com:8443/a/": "",
		"http://localhost:1":               "",
		"http://127.0.0.1:1":               "",
		"http://[::1]:1":                   "",
		"http://scan.example.com":          "the service http://scan.example.com is on another machine and has no TLS, so everybody on the way could read the token: use https, or allow it with --insecure-http",
		"http://127.0.0.1.example.com":     "the service http://127.0.0.1.example.com is on another machine and has no TLS, so everybody on the way could read the token: use https, or allow it with --insecure-http",
		"scan.example.com":                 form,
		"ftp://scan.example.com":           form,
		"https://":                         form,
		"":                                 form,
		"https://" + secret + "@x":         parts,
		"https://x?token=" + secret:        parts,
		"https://x#" + secret:              parts,
		"https://x/\x7f" + secret:          form,
		"https://user:" + secret + "@x:p":  form,
	} {
		_, err := remote.New(remote.Options{Server: address, Now: now})
		if want == "" {
			assert.NoError(t, err, address)
		} else {
			assert.EqualError(t, err, want, address)
		}
	}
	_, err := remote.New(remote.Options{Server: "http://scan.example.com", InsecureHTTP: true, Now: now})
	require.NoError(t, err)
}

func TestCAFile(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	_, err := remote.New(remote.Options{Server: "https://x", CAFile: empty})
	require.EqualError(t, err, "there is no PEM certificate in "+empty)
	_, err = remote.New(remote.Options{Server: "https://x", CAFile: "/nowhere/ca.pem"})
	require.EqualError(t, err, "cannot read the CA certificates in /nowhere/ca.pem: no such file or directory")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestRegister(t *testing.T) {
	var got remote.RegisterRequest
	status := 200
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Empty(t, r.Header.Get("Authorization"))
		switch {
		case r.URL.Path == remote.PathTerms:
			_ = json.NewEncoder(w).Encode(remote.Terms{Version: "1", Text: "Be fair."})
		case status != 200:
			w.WriteHeader(status)
		default:
			assert.NoError(t, json.NewDecoder(r.Body).Decode(&got))
			_ = json.NewEncoder(w).Encode(remote.Message{Message: "sent"})
		}
	})
	o := s.options()
	o.Token = remote.Token{}
	c, err := remote.New(o)
	require.NoError(t, err)
	terms, err := c.Terms(t.Context())
	require.NoError(t, err)
	assert.Equal(t, remote.Terms{Version: "1", Text: "Be fair."}, terms)
	req := remote.RegisterRequest{Email: "a@example.com", TermsVersion: "1"}
	require.NoError(t, c.Register(t.Context(), req))
	assert.Equal(t, req, got)

	// It may have been heard although the answer is an error: two mails would
	// go out.
	status = 500
	before := s.requests.Load()
	require.EqualError(t, c.Register(t.Context(), req), s.server.URL+" cannot answer now, 500 Internal Server Error")
	assert.Equal(t, before+1, s.requests.Load())
}

func TestTerms(t *testing.T) {
	for answer, want := range map[string]string{
		"{}":     "it has no terms",
		"<html>": "invalid character '<'",
		`{"version":"1","text":"` + strings.Repeat("x", 1<<20) + `"}`: "the answer has more than 1048576 bytes",
	} {
		s := newService(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
		c, err := remote.New(s.options())
		require.NoError(t, err)
		_, err = c.Terms(t.Context())
		require.ErrorContains(t, err, s.server.URL+" does not answer as a microscanner service does: "+want)
	}
}

// TestNothingRepeatsTheToken: a service may put it wherever it can.
func TestNothingRepeatsTheToken(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a report": func(w http.ResponseWriter, _ *http.Request) {
			r := pass(report.Image{})
			r.Verdict.Reason = "hello " + secret
			_ = report.WriteJSON(w, r)
		},
		"a report in disguise": func(w http.ResponseWriter, _ *http.Request) {
			var b strings.Builder
			r := pass(report.Image{})
			r.Verdict.Reason = "SECRET"
			_ = report.WriteJSON(&b, r)
			_, _ = io.WriteString(w, strings.Replace(b.String(), "SECRET", fmt.Sprintf(`\u%04x%s`, secret[0], secret[1:]), 1))
		},
		"JSON that is none": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, secret) },
		"another image": func(w http.ResponseWriter, _ *http.Request) {
			writePass(w, report.Image{Reference: secret})
		},
		"a redirect": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://"+secret+".example/")
			w.WriteHeader(http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, answer)
			got, err := scan(t, s.options(), remote.ScanRequest{})
			require.Error(t, err)
			require.Nil(t, got.Report)
		})
	}
}

// TestPassMustFollow: a verdict is not believed against the report that it is about.
func TestPassMustFollow(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
		r := pass(report.Image{})
		r.Assessment.Unsupported = "nothing is known of Plan 9"
		_ = report.WriteJSON(w, r)
	})
	_, err := scan(t, s.options(), remote.ScanRequest{})
	require.ErrorContains(t, err, "the verdict is a pass, but by what the report says: nothing is known of Plan 9; nothing was assessed")
}

// TestNoReportRepeatsAnOddToken: JSON writes some characters in another way.
func TestNoReportRepeatsAnOddToken(t *testing.T) {
	const odd = `a<b>&"c\d`
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
		r := pass(report.Image{})
		r.Verdict.Reason = "hello " + odd
		_ = report.WriteJSON(w, r)
	})
	o := s.options()
	var err error
	o.Token, err = remote.ParseToken(odd)
	require.NoError(t, err)
	_, err = scan(t, o, remote.ScanRequest{})
	require.ErrorContains(t, err, "the report repeats the token")
}

// TestMoreCAFiles: those that are not there do not matter, those that are no
// certificates do.
func TestMoreCAFiles(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) { writePass(w, report.Image{}) })
	o := s.options()
	o.CAFile, o.MoreCAFiles, o.CAHelp = "", []string{"/nowhere/ca.pem"}, "ask somebody"
	_, err := scan(t, o, remote.ScanRequest{})
	require.ErrorContains(t, err, "): ask somebody")
	require.NotContains(t, err.Error(), "--no-verify")
	o.MoreCAFiles = append(o.MoreCAFiles, s.caFile)
	_, err = scan(t, o, remote.ScanRequest{})
	require.NoError(t, err)
	o.MoreCAFiles = []string{"client_test.go"}
	_, err = remote.New(o)
	require.EqualError(t, err, "there is no PEM certificate in client_test.go")
}

// TestNoProtocolRepeatsTheToken: package http repeats what it does not
// understand.
func TestNoProtocolRepeatsTheToken(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			_, _ = io.WriteString(c, "HTTP/1.1 "+secret+"\r\n\r\n")
			assert.NoError(t, c.Close())
		}
	}))
	t.Cleanup(server.Close)
	token, err := remote.ParseToken(secret)
	require.NoError(t, err)
	_, err = scan(t, remote.Options{Server: server.URL, Token: token, Now: now, Pause: time.Millisecond}, remote.ScanRequest{})
	require.ErrorContains(t, err, "malformed HTTP status code")
	require.ErrorContains(t, err, "[token]")
}
