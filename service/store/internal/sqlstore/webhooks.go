package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/example/microscanner-frontend/service/store"
)

const webhookColumns = `id, token_id, url, secret, created`

func scanWebhook(r *sql.Rows, w *store.Webhook) error {
	return r.Scan(&w.ID, &w.TokenID, &w.URL, &w.Secret, stamp{&w.Created})
}

// Webhooks lists those of a token, oldest first.
func (s *Store) Webhooks(ctx context.Context, token int64) ([]store.Webhook, error) {
	list, err := collect(ctx, s.Reader(), scanWebhook, `SELECT `+webhookColumns+` FROM webhooks WHERE token_id = $1 ORDER BY id`, token)
	return list, failed("list webhooks", err)
}

// Webhook finds one.
func (s *Store) Webhook(ctx context.Context, id int64) (store.Webhook, error) {
	list, err := collect(ctx, s.Reader(), scanWebhook, `SELECT `+webhookColumns+` FROM webhooks WHERE id = $1`, id)
	if err == nil && len(list) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Webhook{}, failed("find the webhook", err)
	}
	return list[0], nil
}

// DeleteWebhook forgets a webhook and its messages.
func (s *Store) DeleteWebhook(ctx context.Context, token, id int64) error {
	return s.change(ctx, "forget the webhook", `DELETE FROM webhooks WHERE id = $1 AND token_id = $2`, id, token)
}

// Enqueue keeps a message.
func (s *Store) Enqueue(ctx context.Context, d store.Delivery) error {
	return s.child(s.execute(ctx, "keep a message", `INSERT INTO deliveries (webhook_id, body, created, next) VALUES ($1, $2, $3, $4)`,
		d.WebhookID, bytes(d.Body), micros(d.Created), micros(d.Next)))
}

const deliveryColumns = `id, webhook_id, body, created, attempts, next, last_error, dead`

func scanDelivery(r *sql.Rows, d *store.Delivery) error {
	return r.Scan(&d.ID, &d.WebhookID, &d.Body, stamp{&d.Created}, &d.Attempts, stamp{&d.Next}, &d.LastError, &d.Dead)
}

// Due claims messages by planning their next attempt for the end of the lease.
func (s *Store) Due(ctx context.Context, now time.Time, lease time.Duration, n int) ([]store.Delivery, error) {
	var list []store.Delivery
	err := s.Statement(ctx, func(ctx context.Context, q Querier) (err error) {
		list, err = collect(ctx, q, scanDelivery, `UPDATE deliveries SET next = $2, attempts = attempts + 1
			WHERE id IN (SELECT id FROM deliveries WHERE NOT dead AND next <= $1 ORDER BY next LIMIT $3`+s.Claiming()+`)
			RETURNING `+deliveryColumns, micros(now), micros(now.Add(lease)), n)
		return err
	})
	slices.SortFunc(list, func(a, b store.Delivery) int { return cmp.Compare(a.ID, b.ID) })
	return list, failed("claim messages", err)
}

// Delivered forgets a message.
func (s *Store) Delivered(ctx context.Context, id int64) error {
	return s.execute(ctx, "forget a message", `DELETE FROM deliveries WHERE id = $1`, id)
}

// Failed plans the next attempt, or buries the message.
func (s *Store) Failed(ctx context.Context, id int64, why string, next time.Time, dead bool) error {
	return s.execute(ctx, "plan a message", `UPDATE deliveries SET last_error = $2, next = $3, dead = $4 WHERE id = $1`,
		id, reason(why), micros(next), dead)
}

// DeadLetters lists the dead messages of a token, newest first.
func (s *Store) DeadLetters(ctx context.Context, token int64, n int) ([]store.Delivery, error) {
	list, err := collect(ctx, s.Reader(), scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries
		WHERE dead AND webhook_id IN (SELECT id FROM webhooks WHERE token_id = $1) ORDER BY id DESC LIMIT $2`, token, n)
	return list, failed("list dead messages", err)
}

// Revive makes a dead message due again, with all attempts before it.
func (s *Store) Revive(ctx context.Context, token, id int64, now time.Time) error {
	return s.change(ctx, "revive a message", `UPDATE deliveries SET dead = FALSE, attempts = 0, next = $3
		WHERE id = $2 AND dead AND webhook_id IN (SELECT id FROM webhooks WHERE token_id = $1)`, token, id, micros(now))
}
