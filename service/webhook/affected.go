package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/scan"
	"github.com/example/microscanner-frontend/service/database"
	"github.com/example/microscanner-frontend/service/history"
	"github.com/example/microscanner-frontend/service/store"
)

// EventAffected is the event of a watched image that has findings which it did
// not have by the database before.
const EventAffected = "image.newly_affected"

// Message is the body of what a webhook gets.
type Message struct {
	SchemaVersion int       `json:"schema_version"` // 1
	Event         string    `json:"event"`          // EventAffected
	Image         string    `json:"image"`          // as in the history
	Platform      string    `json:"platform,omitempty"`
	Scanned       time.Time `json:"scanned"` // when its inventory was taken
	Database      Database  `json:"database"`
	// New are the first of the findings that came, Added is how many came, and
	// Findings how many there are now.
	New      []remote.Change `json:"new"`
	Added    int             `json:"added"`
	Findings int             `json:"findings"`
}

// maxNew is how many findings a message lists. An image that somebody made up can
// have very many, and the message is kept for each webhook.
const maxNew = 1000

// Database is the advisory database that says so.
type Database struct {
	Digest string    `json:"digest"`
	Built  time.Time `json:"built"`
}

// Watcher assesses watched images again when there is a new database.
type Watcher struct {
	Store   store.Store
	Distros []distro.Distro
	// Policy is that of a scan whose request sets nothing.
	Policy policy.Policy
	Now    func() time.Time
	Log    *slog.Logger
}

// Reassess goes through the watched images with a new database, and plans
// messages for the webhooks of those that are newly affected. One image that
// cannot be assessed does not keep the others from it. A message is planned
// before the image's findings are replaced: a process that dies between plans it
// again rather than never.
func (w *Watcher) Reassess(ctx context.Context, database *database.Database) error {
	var failed []error
	err := w.Store.Watched(ctx, func(s store.ScanRecord) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.Database == database.Meta().Digest {
			return nil // another process did it
		}
		if err := w.reassess(ctx, database, s); err != nil {
			failed = append(failed, fmt.Errorf("scan %d: %w", s.ID, err))
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("go through the watched images: %w", err)
	}
	return errors.Join(append(failed, err)...)
}

func (w *Watcher) reassess(ctx context.Context, database *database.Database, s store.ScanRecord) error {
	req, err := history.Unpack(s.Inventory)
	if err != nil {
		return err
	}
	p, err := history.Policy(w.Policy, req)
	if err != nil {
		return err
	}
	r, err := scan.Assess(&req.Inventory, database.DB, scan.Options{
		Policy: p, Suppressions: req.Suppressions, Distros: w.Distros, Now: w.Now, Stop: ctx.Err, Cache: database.Cache,
	})
	if err != nil {
		return err
	}
	meta := database.Meta()
	findings := history.Findings(r)
	if added := history.Added(s.Findings, findings); len(added) > 0 {
		body, err := json.Marshal(Message{
			SchemaVersion: 1, Event: EventAffected, Image: s.Image, Platform: s.Platform, Scanned: s.At,
			Database: Database{meta.Digest, meta.Built}, New: added[:min(len(added), maxNew)], Added: len(added), Findings: len(findings),
		})
		if err != nil {
			return fmt.Errorf("encode the message: %w", err)
		}
		if err := w.enqueue(ctx, s.TokenID, body); err != nil {
			return err
		}
	}
	return w.Store.UpdateFindings(ctx, s.ID, meta.Digest, findings)
}

// enqueue plans a message for each webhook of a token.
func (w *Watcher) enqueue(ctx context.Context, token int64, body []byte) error {
	hooks, err := w.Store.Webhooks(ctx, token)
	if err != nil {
		return fmt.Errorf("list the webhooks: %w", err)
	}
	now := w.Now().UTC()
	for _, h := range hooks {
		if err := w.Store.Enqueue(ctx, store.Delivery{WebhookID: h.ID, Body: body, Created: now, Next: now}); err != nil {
			return fmt.Errorf("plan a message: %w", err)
		}
	}
	return nil
}
