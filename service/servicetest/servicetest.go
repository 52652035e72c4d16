// Package servicetest starts whole services for tests, over TLS with an
// authority of their own.
package servicetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/service/config"
	"github.com/example/microscanner-frontend/service/server"
	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/store/sqlite"
	"github.com/example/microscanner-frontend/service/token"
)

// Options say what differs from a service with an SQLite store and no database.
type Options struct {
	// DB is the directory of the advisory database; empty for one that is not
	// there.
	DB string
	// Args are more settings, as on the command line; the last of one name counts.
	Args []string
	// Hosts are more names and addresses that the certificate is for.
	Hosts []string
	Now   func() time.Time
	// Update is server.Options.Update.
	Update func(ctx context.Context, log io.Writer) error
	// Executable is server.Options.Executable.
	Executable string
	// Store is the file of the SQLite store; empty for a new one. With StoreURL
	// it is not used.
	Store, StoreURL string
}

// Service is a service that runs until the test ends.
type Service struct {
	URL     string // "https://127.0.0.1:PORT"
	CAFile  string // PEM, of the authority that signed its certificate
	CertDir string // with cert.pem and key.pem, which are read again
	Store   string // the file of the SQLite store
	DB      string // directory of the advisory database
	// Stop stops it before the test ends, as a signal does, and gives Serve's error.
	Stop   func() error
	Client *http.Client // trusts the authority

	t     testing.TB
	store store.Store
	log   *lockedBuffer
}

// Start starts a service.
func Start(t testing.TB, o Options) *Service {
	t.Helper()
	dir := t.TempDir()
	s := &Service{t: t, CertDir: dir, CAFile: filepath.Join(dir, "ca.pem"), Store: o.Store, DB: o.DB, log: &lockedBuffer{}}
	pool := NewAuthority(t, dir, o.Hosts...)
	if s.DB == "" {
		s.DB = filepath.Join(dir, "db")
	}
	args := []string{
		"--listen=127.0.0.1:0", "--tls-cert=" + filepath.Join(dir, "cert.pem"), "--tls-key=" + filepath.Join(dir, "key.pem"),
		"--db=" + s.DB, "--db-poll=50ms", "--webhook-poll=50ms",
	}
	if o.StoreURL != "" {
		file := filepath.Join(dir, "store-url")
		require.NoError(t, os.WriteFile(file, []byte(o.StoreURL), 0o600))
		args = append(args, "--store-url-file="+file)
	} else {
		if s.Store == "" {
			s.Store = filepath.Join(dir, "store.db")
		}
		args = append(args, "--store="+s.Store)
	}
	c, err := config.Load(append(args, o.Args...), nil, io.Discard)
	require.NoError(t, err)
	if o.Now == nil {
		o.Now = time.Now
	}
	srv, err := server.New(t.Context(), server.Options{
		Config: c, Log: s.log, Now: o.Now, Version: "microscanner test", Update: o.Update, Executable: o.Executable,
	})
	require.NoError(t, err)
	s.URL = "https://" + srv.Addr().String()
	s.Client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64,
	}}
	s.run(srv)
	return s
}

// run serves until the test ends or Stop is called.
func (s *Service) run(srv *server.Server) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx) }()
	var once sync.Once
	var err error
	s.Stop = func() error {
		once.Do(func() {
			s.Client.CloseIdleConnections()
			cancel()
			err = <-ended
		})
		return err
	}
	s.t.Cleanup(func() {
		if s.store != nil {
			require.NoError(s.t, s.store.Close())
		}
		require.NoError(s.t, s.Stop())
	})
}

// Log is what the service logged so far.
func (s *Service) Log() string { return s.log.String() }

// Token puts a new token into the service's SQLite store, as whoever runs a
// service may.
func (s *Service) Token() string {
	s.t.Helper()
	made := token.New()
	err := s.OpenStore().Register(s.t.Context(), store.Registration{
		Email: "owner@example.org", TermsVersion: "test", Source: "192.0.2.1", Token: made.Hash(), At: time.Now().UTC(),
	}, store.RegistrationLimits{})
	require.NoError(s.t, err)
	return made.Reveal()
}

// OpenStore opens the SQLite store a second time, beside the service.
func (s *Service) OpenStore() store.Store {
	s.t.Helper()
	if s.store == nil {
		opened, err := sqlite.Open(s.t.Context(), s.Store, store.Options{})
		require.NoError(s.t, err)
		s.store = opened
	}
	return s.store
}

// Roots are the authorities in CAFile.
func (s *Service) Roots() *x509.CertPool {
	s.t.Helper()
	text, err := os.ReadFile(s.CAFile)
	require.NoError(s.t, err)
	pool := x509.NewCertPool()
	require.True(s.t, pool.AppendCertsFromPEM(text))
	return pool
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.text.String()
}
