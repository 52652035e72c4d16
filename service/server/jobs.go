package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/webhook"
)

// The names of jobs in metrics and log.
const (
	jobLoad     = "load-database"
	jobUpdate   = "update-database"
	jobReassess = "reassess-images"
	jobPurge    = "purge-store"
)

const (
	purgeEvery = time.Hour
	// updateAgain is when an update is tried again that failed, if it is not due
	// before.
	updateAgain = 10 * time.Minute
)

// addresses says where webhooks may lead.
func (s *Server) addresses() *webhook.Addresses {
	return &webhook.Addresses{Private: s.Config.WebhookPrivate, PlainHTTP: s.Config.WebhookPlainHTTP}
}

// newWebhooks plans the jobs.
func (s *Server) newWebhooks(base policy.Policy) error {
	roots, err := readRoots(s.Config.WebhookCAFile)
	if err != nil {
		return err
	}
	s.watcher = &webhook.Watcher{Store: s.store, Distros: all.List(), Policy: base, Now: s.Now, Log: s.log}
	sender := webhook.NewSender(webhook.Options{
		Store: s.store, Addresses: *s.addresses(), Roots: roots, Now: s.Now, Log: s.log,
		Program: s.Version, Poll: s.Config.WebhookPoll, Attempts: s.Config.WebhookAttempts, Pause: s.Config.WebhookPause,
		Tried: s.metrics.Tried,
	})
	s.jobs = append(s.jobs, sender.Run, s.watchDatabase, s.reassess, s.purge)
	if s.Update != nil && s.Config.UpdateEvery > 0 {
		s.jobs = append(s.jobs, s.update)
	}
	return nil
}

// readRoots reads certificates of authorities; nil without a file.
func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file) //nolint:gosec // G304: the operator's own file.
	if err != nil {
		return nil, fmt.Errorf("read the authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return pool, nil
}

// done logs and counts a job that ended.
func (s *Server) done(ctx context.Context, job string, err error) {
	if ctx.Err() != nil {
		return // it was stopped
	}
	s.metrics.Job(job, err)
	if err != nil {
		s.log.ErrorContext(ctx, "a job failed", "job", job, "error", err)
		return
	}
	s.log.InfoContext(ctx, "a job is done", "job", job)
}

// watchDatabase loads every new database.
func (s *Server) watchDatabase(ctx context.Context) {
	s.affected <- struct{}{} // what came while the service was down
	s.databases.Watch(ctx, s.Config.DBPoll, func(ctx context.Context) {
		s.done(ctx, jobLoad, nil)
		s.databaseLoaded()
		select {
		case s.affected <- struct{}{}:
		default: // it is waited for already
		}
	}, func(err error) { s.done(ctx, jobLoad, err) })
}

func (s *Server) databaseLoaded() {
	database, done := s.databases.Acquire()
	defer done()
	if database == nil {
		return
	}
	meta := database.Meta()
	s.metrics.DatabaseLoads.Inc()
	s.metrics.DatabaseBuilt.Set(float64(meta.Built.Unix()))
	s.log.Info("the advisory database is loaded", "digest", meta.Digest, "built", meta.Built)
}

// reassess tells webhooks what a new database says of watched images.
func (s *Server) reassess(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.affected:
		}
		database, done := s.databases.Acquire()
		if database != nil {
			s.done(ctx, jobReassess, s.watcher.Reassess(ctx, database))
		}
		done()
	}
}

// update builds the database anew when it is as old as the settings say.
func (s *Server) update(ctx context.Context) {
	wait := time.Duration(0)
	if database, done := s.databases.Acquire(); database != nil {
		wait = s.Config.UpdateEvery - s.Now().Sub(database.Meta().Built)
		done()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(wait, 0)):
		}
		err := s.Update(ctx, &lineLog{log: s.log})
		s.done(ctx, jobUpdate, err)
		wait = s.Config.UpdateEvery
		if err != nil {
			wait = min(wait, updateAgain)
		}
	}
}

// purge forgets what is past its time.
func (s *Server) purge(ctx context.Context) {
	ticker := time.NewTicker(purgeEvery)
	defer ticker.Stop()
	for {
		s.done(ctx, jobPurge, s.store.Purge(ctx, s.Now().UTC(), s.limits(), s.Config.HistoryTime))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// limits are those of registrations.
func (s *Server) limits() store.RegistrationLimits {
	c := s.Config
	return store.RegistrationLimits{
		Window: c.RegisterWindow, PerEmail: c.RegisterPerEmail, PerSource: c.RegisterPerSource, UnconfirmedRetention: c.UnconfirmedTime,
	}
}

// lineLog logs what "db build" says, line by line.
type lineLog struct{ log *slog.Logger }

func (l *lineLog) Write(p []byte) (int, error) {
	for lines := bufio.NewScanner(bytes.NewReader(p)); lines.Scan(); {
		l.log.Info("update of the database", "line", lines.Text())
	}
	return len(p), nil
}
