package sqlstore

import (
	"context"
	"time"

	"github.com/example/microscanner-frontend/service/store"
)

// Purge deletes with one transaction for each kind, so that it keeps nobody
// waiting for long and waits for nobody while it holds rows of several kinds.
// What a running registration needs has been marked as seen just now; a database
// looks at such a row again before it deletes it.
func (s *Store) Purge(ctx context.Context, now time.Time, limits store.RegistrationLimits, history time.Duration) error {
	window := max(limits.Window, limits.UnconfirmedRetention)
	for _, p := range []struct {
		operation string
		age       time.Duration // 0 for never
		query     string
	}{
		{"delete old mails", limits.UnconfirmedRetention, `DELETE FROM mails WHERE accepted <= $1`},
		{"delete unconfirmed tokens", limits.UnconfirmedRetention, `DELETE FROM tokens WHERE confirmed IS NULL AND created <= $1`},
		{"delete revoked tokens", history, `DELETE FROM tokens WHERE revoked <= $1`},
		{"delete old registrations", window, `DELETE FROM registrations WHERE at <= $1`},
		{"delete old sources", window, `DELETE FROM sources WHERE seen <= $1`},
		{"delete accounts without a token", window, `DELETE FROM accounts WHERE seen <= $1
			AND NOT EXISTS (SELECT 1 FROM tokens WHERE account_id = accounts.id)
			AND NOT EXISTS (SELECT 1 FROM mails WHERE account_id = accounts.id)
			AND NOT EXISTS (SELECT 1 FROM registrations WHERE account_id = accounts.id)`},
		{"delete old history", history, `DELETE FROM scans WHERE at <= $1
			AND NOT EXISTS (SELECT 1 FROM watched WHERE scan_id = scans.id)`},
		{"delete dead messages", history, `DELETE FROM deliveries WHERE dead AND created <= $1`},
	} {
		if p.age <= 0 {
			continue
		}
		if err := s.execute(ctx, p.operation, p.query, micros(now.Add(-p.age))); err != nil {
			return err
		}
	}
	// Clocks of replicas differ: yesterday stays.
	return s.execute(ctx, "delete the counts of past days", `DELETE FROM usage WHERE day < $1`, day(now)-1)
}
