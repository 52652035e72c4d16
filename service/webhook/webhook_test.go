package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
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

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/api"
	"github.com/example/microscanner-frontend/service/servicetest"
	"github.com/example/microscanner-frontend/service/webhook"
)

// receiver is a webhook's server. It answers with status.
type receiver struct {
	*httptest.Server
	ca       string // file
	status   atomic.Int64
	messages chan received
}

type received struct {
	header http.Header
	body   []byte
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{messages: make(chan received, 100)}
	r.status.Store(http.StatusNoContent)
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		assert.NoError(t, err)
		r.messages <- received{req.Header, body}
		w.Header().Set("Location", "https://127.0.0.1:1/elsewhere")
		w.WriteHeader(int(r.status.Load()))
	}))
	t.Cleanup(r.Close)
	r.ca = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(r.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw}), 0o600))
	return r
}

const image = "registry.example.com/team/app:1.0"

// watch starts a service with a watched image and a webhook.
func watch(t *testing.T, url string, args ...string) (s *servicetest.Service, owner string, hook api.Webhook) {
	t.Helper()
	s = servicetest.Start(t, servicetest.Options{
		DB: servicetest.Database(t, servicetest.Record("CVE-2024-0001", 1)), Args: append([]string{"--webhook-pause=10ms", "--webhook-attempts=3"}, args...),
	})
	owner = s.Token()
	hook = servicetest.Read[api.Webhook](t, s.Do(http.MethodPost, api.PathWebhooks, owner, api.WebhookRequest{URL: url}))
	req := servicetest.Request(image, 5)
	req.Watch = true
	a := s.Do(http.MethodPost, remote.PathScan, owner, req)
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	return s, owner, hook
}

// A watched image that a new database has findings for is told of, once, and
// without a scan.
func TestNewlyAffected(t *testing.T) {
	r := newReceiver(t)
	s, owner, hook := watch(t, r.URL+"/hook", "--webhook-private-network=127.0.0.1", "--webhook-ca-file="+r.ca)
	servicetest.Install(t, s.DB, servicetest.Record("CVE-2024-0001", 1), servicetest.Record("CVE-2024-0003", 3), servicetest.Record("CVE-2024-0099", 99))
	var got received
	select {
	case got = <-r.messages:
	case <-time.After(30 * time.Second):
		require.FailNow(t, "no message", s.Log())
	}
	var m webhook.Message
	require.NoError(t, json.Unmarshal(got.body, &m))
	assert.Equal(t, []string{webhook.EventAffected, image, "linux/amd64"}, []string{m.Event, m.Image, m.Platform})
	assert.Equal(t, []remote.Change{{ID: "CVE-2024-0003", Package: "source-3", Version: "1.0-1", Severity: "high", Fixed: "1.0-2"}}, m.New)
	assert.Equal(t, []int{1, 2}, []int{m.Added, m.Findings})
	checkSignature(t, hook.Secret, got)

	// The same database again, and one with less, are no reason for a message.
	servicetest.Install(t, s.DB, servicetest.Record("CVE-2024-0003", 3))
	require.Eventually(t, func() bool { return strings.Count(s.Log(), `"a job is done","job":"reassess-images"`) >= 3 }, 30*time.Second, 20*time.Millisecond)
	assert.Empty(t, r.messages)

	// Who stops watching is not told.
	require.Equal(t, http.StatusNoContent, s.Do(http.MethodDelete, remote.PathImages+image+"/watch", owner, nil).Status)
	servicetest.Install(t, s.DB, servicetest.Record("CVE-2024-0003", 3), servicetest.Record("CVE-2024-0004", 4))
	require.Eventually(t, func() bool { return strings.Count(s.Log(), `"a job is done","job":"reassess-images"`) >= 4 }, 30*time.Second, 20*time.Millisecond)
	assert.Empty(t, r.messages)
	assert.NotContains(t, s.Log(), r.URL)
	assert.NotContains(t, s.Log(), hook.Secret)
}

// A message about very many findings lists the first of them.
func TestManyNewFindings(t *testing.T) {
	r := newReceiver(t)
	s, _, _ := watch(t, r.URL+"/hook", "--webhook-private-network=127.0.0.1", "--webhook-ca-file="+r.ca)
	var records []advisory.Record
	for i := range 1500 {
		records = append(records, servicetest.Record(fmt.Sprintf("CVE-2024-%d", 10_000+i), 3))
	}
	servicetest.Install(t, s.DB, records...)
	select {
	case got := <-r.messages:
		var m webhook.Message
		require.NoError(t, json.Unmarshal(got.body, &m))
		assert.Equal(t, []int{1000, 1500, 1500}, []int{len(m.New), m.Added, m.Findings})
	case <-time.After(30 * time.Second):
		require.FailNow(t, "no message", s.Log())
	}
}

// checkSignature does what docs/service.md tells receivers to do.
func checkSignature(t *testing.T, secret string, got received) {
	t.Helper()
	key, err := hex.DecodeString(secret)
	require.NoError(t, err)
	var sent int64
	var signature string
	_, err = fmt.Sscanf(got.header.Get(webhook.HeaderSignature), "t=%d,v1=%s", &sent, &signature)
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), time.Unix(sent, 0), time.Minute)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%d.%s", sent, got.body)
	assert.Equal(t, hex.EncodeToString(mac.Sum(nil)), signature)
	assert.NotEmpty(t, got.header.Get(webhook.HeaderID))
}

// A message that is not taken is tried again, becomes a dead letter, and is sent
// when it is revived. A redirect is an answer like another.
func TestDeadLetter(t *testing.T) {
	r := newReceiver(t)
	r.status.Store(http.StatusTemporaryRedirect)
	s, owner, _ := watch(t, r.URL+"/hook", "--webhook-private-network=127.0.0.0/8", "--webhook-ca-file="+r.ca)
	servicetest.Install(t, s.DB, servicetest.Record("CVE-2024-0001", 1), servicetest.Record("CVE-2024-0003", 3))
	letters := func() []api.DeadLetter {
		return servicetest.Read[[]api.DeadLetter](t, s.Do(http.MethodGet, api.PathDeadLetters, owner, nil))
	}
	require.Eventually(t, func() bool { return len(letters()) == 1 }, 60*time.Second, 50*time.Millisecond)
	letter := letters()[0]
	assert.Equal(t, 3, letter.Attempts)
	assert.Equal(t, "the receiver answered with status 307", letter.Error)
	require.Len(t, r.messages, 3)
	first := <-r.messages
	second := <-r.messages
	assert.Equal(t, first.header.Get(webhook.HeaderID), second.header.Get(webhook.HeaderID))
	<-r.messages

	r.status.Store(http.StatusOK)
	path := fmt.Sprintf("%s/%d/revive", api.PathDeadLetters, letter.ID)
	assert.Equal(t, http.StatusNotFound, s.Do(http.MethodPost, path, s.Token(), nil).Status, "another token's")
	require.Equal(t, http.StatusNoContent, s.Do(http.MethodPost, path, owner, nil).Status)
	select {
	case again := <-r.messages:
		assert.Equal(t, first.body, again.body)
	case <-time.After(30 * time.Second):
		require.FailNow(t, "no message", s.Log())
	}
	assert.Empty(t, letters())
}

// A name that leads to this machine is found out when it is resolved.
func TestPrivateAddressBehindAName(t *testing.T) {
	r := newReceiver(t)
	address := strings.Replace(r.URL, "127.0.0.1", "localhost", 1) + "/hook"
	s, owner, _ := watch(t, address, "--webhook-ca-file="+r.ca)
	servicetest.Install(t, s.DB, servicetest.Record("CVE-2024-0001", 1), servicetest.Record("CVE-2024-0003", 3))
	require.Eventually(t, func() bool {
		l := servicetest.Read[[]api.DeadLetter](t, s.Do(http.MethodGet, api.PathDeadLetters, owner, nil))
		return len(l) == 1 && l[0].Error == webhook.ErrAddress.Error()
	}, 60*time.Second, 50*time.Millisecond)
	assert.Empty(t, r.messages)
}

func TestCheckURL(t *testing.T) {
	var closed webhook.Addresses
	for url, ok := range map[string]bool{
		"https://hooks.example.com/x": true, "https://8.8.8.8/": true, "https://[2606:4700::1111]/": true,
		"http://hooks.example.com/x": false, "ftp://hooks.example.com": false, "hooks.example.com": false, "": false, "https://": false,
		"https://user:secret@hooks.example.com": false, "https://127.0.0.1/": false, "https://[::1]/": false, "https://0.0.0.0/": false,
		"https://10.1.2.3/": false, "https://192.168.1.1:8443/": false, "https://169.254.169.254/latest/meta-data": false,
		"https://[::ffff:127.0.0.1]/": false, "https://[::ffff:10.0.0.1]/": false, "https://[fe80::1]/": false, "https://[fd00::1]/": false,
		"https://[64:ff9b::7f00:1]/": false, "https://[::ffff:0:7f00:1]/": false, "https://[5f00::1]/": false, "https://[3fff::1]/": false, "https://[2002:7f00:1::]/": false, "https://100.64.0.1/": false, "https://224.0.0.1/": false,
		"https://255.255.255.255/": false, "https://x/\r\nHost: y": false, "https://" + strings.Repeat("x", 3000): false,
	} {
		assert.Equal(t, ok, closed.CheckURL(url) == nil, url)
	}
	plain := webhook.Addresses{PlainHTTP: true}
	assert.NoError(t, plain.CheckURL("http://hooks.example.com/x"))
}
