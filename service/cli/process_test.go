package cli_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/service/mail/mailtest"
	"github.com/example/microscanner-frontend/service/servicetest"
	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/store/sqlite"
)

// built is where program puts the program.
var built string

// program builds the real one, once.
var program = sync.OnceValues(func() (string, error) {
	file := filepath.Join(built, "microscanner")
	return file, servicetest.BuildProgram(context.Background(), file)
})

func TestMain(m *testing.M) {
	var err error
	if built, err = os.MkdirTemp("", "microscanner-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(built)
	os.Exit(code)
}

// client talks to a process.
type client struct {
	*servicetest.Process
	http *http.Client
}

func start(t *testing.T, dir string, settings ...string) *client {
	t.Helper()
	file, err := program()
	require.NoError(t, err)
	p, err := servicetest.StartProcess(t.Context(), file, dir, settings...)
	require.NoError(t, err)
	return &client{p, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.Roots, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 32}}}
}

// post gives the status and the body; the error is one of the connection.
func (c *client) post(ctx context.Context, path, token string, v any) (int, []byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, text, err
}

// witness notes what a service granted, over several lives of it.
type witness struct {
	lock   sync.Mutex
	scans  map[string]int  // by token
	emails map[string]bool // whose registration was accepted
	number atomic.Int64    // of addresses
}

func (w *witness) granted() int {
	w.lock.Lock()
	defer w.lock.Unlock()
	n := len(w.emails)
	for _, scans := range w.scans {
		n += scans
	}
	return n
}

// scan scans until the token has nothing left or the service is gone.
func (w *witness) scan(ctx context.Context, c *client, token string) {
	for {
		status, _, err := c.post(ctx, remote.PathScan, token, servicetest.Request("app", 5))
		if status == http.StatusOK { // also if the rest of the report did not come
			w.lock.Lock()
			w.scans[token]++
			w.lock.Unlock()
		}
		if err != nil || status == http.StatusTooManyRequests {
			return
		}
	}
}

// register registers addresses until the service is gone or n are accepted.
func (w *witness) register(ctx context.Context, c *client, n int) {
	for range n {
		email := fmt.Sprintf("user-%d@example.org", w.number.Add(1))
		status, _, err := c.post(ctx, remote.PathRegister, "", remote.RegisterRequest{Email: email, TermsVersion: "1"})
		if status == http.StatusAccepted {
			w.lock.Lock()
			w.emails[email] = true
			w.lock.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// A service that is killed while it works, again and again, keeps every
// registration that it accepted, and over all its lives lets no more scans
// through than the limit.
func TestKilledUnderLoad(t *testing.T) {
	const limit, lives = 150, 3
	dir, smtp := t.TempDir(), mailtest.Start(t, mailtest.Options{})
	servicetest.Install(t, filepath.Join(dir, "db"), servicetest.Record("CVE-2024-0001", 1))
	tokens := make([]string, 2)
	for i := range tokens {
		var err error
		tokens[i], err = servicetest.AddToken(t.Context(), filepath.Join(dir, "store.db"))
		require.NoError(t, err)
	}
	settings := []string{
		"--daily-limit=" + strconv.Itoa(limit), "--register-per-source=0", "--smtp-host=" + smtp.Host, "--smtp-port=" + strconv.Itoa(smtp.Port),
		"--smtp-from=tokens@example.org", "--smtp-security=none", "--url=https://scan.example.org",
	}
	w := &witness{scans: map[string]int{}, emails: map[string]bool{}}
	for life := range lives {
		c := start(t, dir, settings...)
		var all sync.WaitGroup
		for range 4 {
			for _, token := range tokens {
				all.Go(func() { w.scan(t.Context(), c, token) })
			}
			all.Go(func() { w.register(t.Context(), c, 60) })
		}
		if life < lives-1 {
			before := w.granted()
			require.Eventually(t, func() bool { return w.granted() > before+80 }, time.Minute, time.Millisecond)
			require.NoError(t, c.Kill())
			all.Wait()
			for _, token := range tokens {
				require.Less(t, w.scans[token], limit, "it was not killed in the middle")
			}
			continue
		}
		all.Wait()
		require.NoError(t, c.Stop())
	}
	for i, token := range tokens {
		// What was counted and not answered when it was killed is lost to the
		// client: at most what ran at once, in each life.
		assert.LessOrEqual(t, w.scans[token], limit, "token %d", i)
		assert.GreaterOrEqual(t, w.scans[token], limit-(lives-1)*4, "token %d", i)
	}
	t.Logf("%d and %d scans of %d, %d registrations", w.scans[tokens[0]], w.scans[tokens[1]], limit, len(w.emails))
	assertKept(t, filepath.Join(dir, "store.db"), smtp, w.emails)
}

// assertKept: of each registration the mail was sent, or is going to be.
func assertKept(t *testing.T, file string, smtp *mailtest.Server, emails map[string]bool) {
	t.Helper()
	require.NotEmpty(t, emails)
	s, err := sqlite.Open(t.Context(), file, store.Options{})
	require.NoError(t, err)
	defer s.Close()
	waiting, err := s.DueMails(t.Context(), time.Now().Add(24*time.Hour), time.Minute, 1_000_000)
	require.NoError(t, err)
	for _, m := range waiting {
		delete(emails, m.Email)
	}
	for _, m := range smtp.Mails() {
		delete(emails, m.To)
	}
	assert.Empty(t, emails, "accepted, and lost")
}

// Ten thousand connections on which nothing is asked any more cost memory, but a
// bounded amount, and keep nobody out.
func TestTenThousandIdleConnections(t *testing.T) {
	const idle = 10_000
	dir := t.TempDir()
	servicetest.Install(t, filepath.Join(dir, "db"))
	c := start(t, dir, "--plain-http", "--tls-cert=", "--tls-key=", "--log-level=info", "--metrics-listen=")
	defer func() { require.NoError(t, c.Stop()) }()
	address := strings.TrimPrefix(c.URL, "https://")
	before, err := c.Usage()
	require.NoError(t, err)
	var open []net.Conn
	defer func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	}()
	var dialer net.Dialer
	answer := make([]byte, 4096)
	for range idle {
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		require.NoError(t, err)
		open = append(open, conn)
		_, err = conn.Write([]byte("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
		require.NoError(t, err)
		n, err := conn.Read(answer)
		require.NoError(t, err)
		require.Contains(t, string(answer[:n]), "200 OK")
	}
	resp, err := http.Get("http://" + address + "/metrics") //nolint:noctx // a test.
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Regexp(t, `(?m)^microscanner_connections (1\.00\d\de\+04|1000\d|[89]\d\d\d)$`, string(text))
	after, err := c.Usage()
	require.NoError(t, err)
	t.Logf("%.0f MiB before, %.0f MiB with %d connections", before.RSS, after.RSS, len(open))
	assert.Less(t, after.RSS, before.RSS+400)
}

// The service builds its database itself, from feeds as "db build" reads them,
// and again when it is due.
func TestUpdateBuildsTheDatabase(t *testing.T) {
	dir := t.TempDir()
	feed := filepath.Join(dir, "records.jsonl")
	write := func(records ...advisory.Record) {
		var text bytes.Buffer
		for i := range records {
			line, err := json.Marshal(records[i])
			require.NoError(t, err)
			text.Write(append(line, '\n'))
		}
		require.NoError(t, os.WriteFile(feed+".new", text.Bytes(), 0o600))
		require.NoError(t, os.Rename(feed+".new", feed))
	}
	write(servicetest.Record("CVE-2024-0001", 1))
	token, err := servicetest.AddToken(t.Context(), filepath.Join(dir, "store.db"))
	require.NoError(t, err)
	c := start(t, dir, "--daily-limit=1000000", "--update-every=500ms", "--db-poll=50ms", "--db-feed=records="+feed, "--db-cache="+filepath.Join(dir, "cache"))
	defer func() { require.NoError(t, c.Stop()) }()
	findings := func() int {
		status, text, err := c.post(t.Context(), remote.PathScan, token, servicetest.Request("", 5))
		if !assert.NoError(t, err) || status != http.StatusOK {
			return -1 // no database yet
		}
		var r report.Report
		assert.NoError(t, json.Unmarshal(text, &r))
		return len(r.Findings())
	}
	require.Eventually(t, func() bool { return findings() == 1 }, time.Minute, 100*time.Millisecond)
	write(servicetest.Record("CVE-2024-0001", 1), servicetest.Record("CVE-2024-0002", 2))
	require.Eventually(t, func() bool { return findings() == 2 }, time.Minute, 100*time.Millisecond)
}
