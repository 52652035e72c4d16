// Package server puts the service together: listeners, store, advisory database,
// and what runs beside the requests.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/service/api"
	"github.com/example/microscanner-frontend/service/config"
	"github.com/example/microscanner-frontend/service/database"
	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/webhook"
)

// Options are what the service has beside its settings.
type Options struct {
	Config  *config.Config
	Log     io.Writer // gets JSON, one object a line
	Now     func() time.Time
	Version string // of this program
	// Executable is this program's file, for download; empty for none.
	Executable string
	// Update builds the advisory database anew, in its directory; nil if nobody
	// does. What it says to people goes to the log.
	Update func(ctx context.Context, log io.Writer) error
}

// Server is a service that listens.
type Server struct {
	Options
	log       *slog.Logger
	metrics   *api.Metrics
	store     store.Store
	databases *database.Holder
	watcher   *webhook.Watcher
	jobs      []func(ctx context.Context)
	affected  chan struct{} // a new database is to be assessed by

	listeners []listener
	stopping  atomic.Bool
}

// listener is a place where requests come in.
type listener struct {
	net.Listener
	server *http.Server
}

// New opens everything that the settings name, and listens. Requests are
// answered when Serve runs.
func New(ctx context.Context, o Options) (_ *Server, err error) {
	s := &Server{Options: o, metrics: api.NewMetrics(), affected: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.Config.LogLevel)); err != nil {
		return nil, err
	}
	s.log = slog.New(slog.NewJSONHandler(o.Log, &slog.HandlerOptions{Level: level}))
	base, err := basePolicy(o.Config)
	if err != nil {
		return nil, err
	}
	if s.store, err = openStore(ctx, o.Config); err != nil {
		return nil, err
	}
	if s.databases, err = database.Open(o.Config.DB, o.Config.DatabaseCacheMB<<20, s.log); err != nil {
		return nil, err
	}
	if _, err := s.databases.Refresh(); err != nil {
		s.log.Warn("there is no advisory database yet", "error", err)
	}
	s.databaseLoaded()
	registrar, err := s.newRegistrar()
	if err != nil {
		return nil, err
	}
	if err := s.newWebhooks(base); err != nil {
		return nil, err
	}
	return s, s.listen(ctx, s.newAPI(registrar, base))
}

// basePolicy is the policy of a scan whose request sets nothing.
func basePolicy(c *config.Config) (policy.Policy, error) {
	p := policy.Default()
	for _, text := range c.Policy {
		key, value, err := cut(text)
		if err != nil {
			return p, err
		}
		if err := p.Set(key, value, "the service's settings"); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (s *Server) newAPI(registrar api.Registrar, base policy.Policy) *api.API {
	c := s.Config
	var clients fs.FS
	if c.ClientDir != "" {
		clients = os.DirFS(c.ClientDir)
	}
	addresses := s.addresses()
	return api.New(api.Options{
		Store: s.store, Databases: s.databases, Registrar: registrar, Distros: all.List(), Policy: base,
		Version: s.Version, Now: s.Now, Log: s.log, Metrics: s.metrics,
		DailyLimit: c.DailyLimit, MaxWebhooks: c.MaxWebhooks, Slots: c.ScanSlots, MaxBuffered: int64(c.MaxBufferedMB) << 20,
		Timeout: c.ScanTime, Clients: clients, Own: s.Executable, TrustedProxies: c.TrustedProxies,
		WebhookURL: addresses.CheckURL, HideMetrics: c.MetricsListen != "", Ready: s.ready,
	})
}

// ready says why the service takes no requests.
func (s *Server) ready(ctx context.Context) error {
	if s.stopping.Load() {
		return errors.New("the service is stopping")
	}
	database, done := s.databases.Acquire()
	done()
	if database == nil {
		return errors.New("there is no advisory database")
	}
	return s.store.Ping(ctx)
}

// Addr is where the service listens.
func (s *Server) Addr() net.Addr { return s.listeners[0].Addr() }

// Serve answers requests until the context ends, then lets those that are
// running end, and closes everything.
func (s *Server) Serve(ctx context.Context) error {
	jobs, stopJobs := context.WithCancel(context.WithoutCancel(ctx))
	defer stopJobs()
	var running sync.WaitGroup
	for _, job := range s.jobs {
		running.Go(func() { job(jobs) })
	}
	failed := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		go func() { failed <- l.serve() }()
	}
	s.log.Info("the service listens", "address", s.Addr().String())
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("the service cannot go on: %w", err)
	}
	s.stopping.Store(true)
	s.log.Info("the service stops")
	err = errors.Join(err, s.stop(context.WithoutCancel(ctx)))
	stopJobs()
	running.Wait()
	return errors.Join(err, s.close())
}

// stop waits for the requests that are running.
func (s *Server) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.Config.StopTime)
	defer cancel()
	var errs []error
	for _, l := range s.listeners {
		if err := l.server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("requests did not end within %s: %w", s.Config.StopTime, err), l.server.Close())
		}
	}
	return errors.Join(errs...)
}

// close closes what New opened, as far as it came.
func (s *Server) close() error {
	var errs []error
	for _, l := range s.listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.databases != nil {
		errs = append(errs, s.databases.Close())
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}
