package server_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
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
	"github.com/example/microscanner-frontend/service/config"
	"github.com/example/microscanner-frontend/service/server"
	"github.com/example/microscanner-frontend/service/servicetest"
)

// Scans go on while the database is replaced, and each is made with one whole
// database: the one whose digest the report has.
func TestDatabaseIsReplacedUnderLoad(t *testing.T) {
	dir := servicetest.Database(t, servicetest.Record("CVE-2024-0000", 0))
	s := servicetest.Start(t, servicetest.Options{DB: dir, Args: []string{"--daily-limit=1000000"}})
	owner := s.Token()
	var findings sync.Map // expected, by digest
	first := servicetest.Read[report.Report](t, s.Do(http.MethodPost, remote.PathScan, owner, servicetest.Request("", 20)))
	require.Len(t, first.Findings(), 1)
	findings.Store(first.Database.Digest, 1)

	var last atomic.Value
	var scans atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				a, err := s.Try(t, http.MethodPost, remote.PathScan, owner, servicetest.Request("", 20))
				if !assert.NoError(t, err) || !assert.Equal(t, http.StatusOK, a.Status, "%s", a.Body) {
					return
				}
				r := servicetest.Read[report.Report](t, a)
				want, ok := findings.Load(r.Database.Digest)
				assert.True(t, ok && want == len(r.Findings()), "%d findings of %s", len(r.Findings()), r.Database.Digest)
				last.Store(r.Database.Digest)
				scans.Add(1)
			}
		})
	}
	digest := ""
	for n := 2; n < 12; n++ {
		var records []advisory.Record
		for i := range n {
			records = append(records, servicetest.Record(fmt.Sprintf("CVE-2024-%04d", i), i))
		}
		// The digest stands for the contents: it is known before.
		digest = servicetest.Install(t, filepath.Join(t.TempDir(), "db"), records...).Digest
		findings.Store(digest, n)
		require.Equal(t, digest, servicetest.Install(t, dir, records...).Digest)
		require.Eventually(t, func() bool { return last.Load() == digest }, 30*time.Second, 5*time.Millisecond)
	}
	close(stop)
	all.Wait()
	require.NoError(t, s.Stop())
	left, err := os.ReadDir(dir + "/..")
	require.NoError(t, err)
	assert.Len(t, left, 1, "no copy of a database is left")
	t.Logf("%d scans over 11 databases", scans.Load())
}

// The database is built in the background; one that cannot be keeps the old one.
func TestUpdate(t *testing.T) {
	dir := servicetest.Database(t, servicetest.Record("CVE-2024-0000", 0))
	var runs atomic.Int64
	s := servicetest.Start(t, servicetest.Options{
		DB: dir, Args: []string{"--update-every=100ms"}, Now: time.Now,
		Update: func(_ context.Context, log io.Writer) error {
			fmt.Fprintln(log, "line of the build")
			switch runs.Add(1) {
			case 1:
				return errors.New("a feed is away")
			case 2:
				servicetest.Install(t, dir, servicetest.Record("CVE-2024-0000", 0), servicetest.Record("CVE-2024-0001", 1))
			}
			return nil
		},
	})
	owner := s.Token()
	require.Eventually(t, func() bool {
		r := servicetest.Read[report.Report](t, s.Do(http.MethodPost, remote.PathScan, owner, servicetest.Request("", 3)))
		return len(r.Findings()) == 2
	}, 30*time.Second, 50*time.Millisecond)
	for _, text := range []string{`"line":"line of the build"`, `"job":"update-database","error":"a feed is away"`} {
		assert.Contains(t, s.Log(), text)
	}
	metrics := string(s.Do(http.MethodGet, "/metrics", "", nil).Body)
	assert.Contains(t, metrics, `microscanner_jobs_total{job="update-database",result="failed"} 1`)
}

// Who opens connections and says nothing keeps nobody out.
func TestIdleConnections(t *testing.T) {
	const idle = 3000
	s := servicetest.Start(t, servicetest.Options{DB: servicetest.Database(t), Args: []string{"--max-connections=1000"}})
	address := strings.TrimPrefix(s.URL, "https://")
	var dialer net.Dialer
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	for range idle {
		c, err := dialer.DialContext(t.Context(), "tcp", address)
		require.NoError(t, err)
		open = append(open, c)
	}
	for range 10 {
		s.Client.CloseIdleConnections()
		assert.Equal(t, http.StatusOK, s.Do(http.MethodGet, "/readyz", "", nil).Status)
	}
	metrics := string(s.Do(http.MethodGet, "/metrics", "", nil).Body)
	assert.NotContains(t, metrics, "microscanner_connections_shed_total 0\n")
	_ = open[0].SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err := open[0].Read(make([]byte, 1))
	assert.ErrorIs(t, err, io.EOF, "the oldest is closed")
}

// The connections of all listeners are counted together.
func TestConnectionsOfAllListeners(t *testing.T) {
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	metrics := free.Addr().String()
	require.NoError(t, free.Close())
	s := servicetest.Start(t, servicetest.Options{DB: servicetest.Database(t), Args: []string{"--metrics-listen=" + metrics}})
	require.Eventually(t, func() bool {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "https://"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+metrics+"/metrics", nil)
		require.NoError(t, err)
		resp, err := s.Client.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return strings.Contains(string(text), "microscanner_connections 5\n")
	}, 10*time.Second, 10*time.Millisecond)
}

// A request that is running ends when the service stops; no other begins.
func TestGracefulStop(t *testing.T) {
	s := servicetest.Start(t, servicetest.Options{DB: servicetest.Database(t)})
	owner := s.Token()
	body, send := io.Pipe()
	answered := make(chan servicetest.Answer, 1)
	go func() {
		a, err := s.Try(t, http.MethodPost, remote.PathScan, owner, body)
		assert.NoError(t, err)
		answered <- a
	}()
	_, err := send.Write([]byte(`{"schema_version":1,`)) // it is being read
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info := servicetest.Read[remote.TokenInfo](t, s.Do(http.MethodGet, remote.PathToken, owner, nil))
		return info.Remaining == 99
	}, 10*time.Second, 10*time.Millisecond)
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	require.Eventually(t, func() bool { return strings.Contains(s.Log(), "the service stops") }, 10*time.Second, 5*time.Millisecond)
	_, err = send.Write([]byte(`"inventory":{"os":{"distro":"debian","release":"12"},"packages":[]}}`))
	require.NoError(t, err)
	require.NoError(t, send.Close())
	assert.Equal(t, http.StatusOK, (<-answered).Status)
	require.NoError(t, <-stopped)
	_, err = s.Try(t, http.MethodGet, "/healthz", "", nil)
	assert.Error(t, err)
}

// A new certificate is used without a restart; a bad one is not.
func TestCertificateIsReadAgain(t *testing.T) {
	s := servicetest.Start(t, servicetest.Options{DB: servicetest.Database(t)})
	serial := func() string {
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: s.Roots(), MinVersion: tls.VersionTLS12}}
		c, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "https://"))
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		conn, ok := c.(*tls.Conn)
		require.True(t, ok)
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	require.NoError(t, os.WriteFile(s.CertDir+"/cert.pem", []byte("nonsense"), 0o600))
	require.Eventually(t, func() bool {
		assert.Equal(t, first, serial())
		return strings.Contains(s.Log(), "the new certificate cannot be used")
	}, 30*time.Second, 100*time.Millisecond)
	servicetest.NewAuthority(t, s.CertDir)
	require.Eventually(t, func() bool {
		now := serial()
		return now != first && !strings.Contains(now, " ")
	}, 30*time.Second, 100*time.Millisecond)
}

// A client that sends its header byte by byte is cut off, and meanwhile others
// are answered.
func TestSlowClients(t *testing.T) {
	s := servicetest.Start(t, servicetest.Options{DB: servicetest.Database(t)})
	var dialer tls.Dialer
	dialer.Config = &tls.Config{RootCAs: s.Roots(), MinVersion: tls.VersionTLS12}
	var slow []net.Conn
	for range 50 {
		c, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "https://"))
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Write([]byte("POST /api/v1/scan HTTP/1.1\r\nHost: x\r\nX-Slow: "))
		require.NoError(t, err)
		slow = append(slow, c)
	}
	assert.Equal(t, http.StatusOK, s.Do(http.MethodGet, "/readyz", "", nil).Status)
	for _, c := range slow {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
		text, err := io.ReadAll(c)
		assert.NotErrorIs(t, err, os.ErrDeadlineExceeded, "it is still open")
		assert.NotContains(t, string(text), "200 OK")
	}
}

// A scan that takes as long as it may is answered.
func TestTimeForAnswers(t *testing.T) {
	for _, scan := range []string{"30s", "10m"} {
		c, err := config.Load([]string{"--plain-http", "--store=x", "--scan-time=" + scan}, nil, io.Discard)
		require.NoError(t, err)
		assert.Equal(t, c.ScanTime+90*time.Second, server.WriteTimeout(c))
	}
}

// Clients that do not read their reports hold no slot: others are answered.
func TestSlowReaders(t *testing.T) {
	s := servicetest.Start(t, servicetest.Options{DB: servicetest.Database(t), Args: []string{"--scan-slots=1"}})
	owner := s.Token()
	req := servicetest.Request("", 15_000)
	req.FullOutput = true // a report of 10 MB: the buffers of a socket do not take it all
	body, err := json.Marshal(req)
	require.NoError(t, err)
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: s.Roots(), MinVersion: tls.VersionTLS12}}
	for range 4 {
		c, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "https://"))
		require.NoError(t, err)
		defer c.Close()
		_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", remote.PathScan, owner, len(body), body)
		require.NoError(t, err)
		_, err = c.Read(make([]byte, 1)) // it is being sent
		require.NoError(t, err)
	}
	a := s.Do(http.MethodPost, remote.PathScan, owner, servicetest.Request("", 5))
	assert.Equal(t, http.StatusOK, a.Status)
	assert.Equal(t, 1, strings.Count(s.Log(), `"route":"POST /api/v1/scan","status":200`), "the slow ones are not done")
	assert.Contains(t, string(s.Do(http.MethodGet, "/metrics", "", nil).Body), "microscanner_scans_running 0\n")
}
