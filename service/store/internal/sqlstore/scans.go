package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/example/microscanner-frontend/service/store"
)

func scanInt(r *sql.Rows, n *int) error { return r.Scan(n) }

// AddScan keeps a scan.
func (s *Store) AddScan(ctx context.Context, r store.ScanRecord) (int64, error) {
	findings, err := s.pack(r.Findings)
	if err != nil {
		return 0, err
	}
	run := s.Statement
	if r.Inventory != nil {
		run = s.Transaction
	}
	var id int64
	err = run(ctx, func(ctx context.Context, q Querier) error {
		if r.Inventory != nil {
			if err := s.roomToWatch(ctx, q, r); err != nil {
				return err
			}
		}
		if err := q.QueryRowContext(ctx, `INSERT INTO scans (token_id, image, platform, at, os, packages, pass, database, findings)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`,
			r.TokenID, text(r.Image), text(r.Platform), micros(r.At), text(r.OS), r.Packages, r.Pass, text(r.Database), findings).Scan(&id); err != nil {
			return err
		}
		if r.Inventory == nil {
			return nil
		}
		_, err := q.ExecContext(ctx, `INSERT INTO watched (token_id, image, platform, scan_id, inventory) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (token_id, image, platform) DO UPDATE SET scan_id = $4, inventory = $5`,
			r.TokenID, text(r.Image), text(r.Platform), id, r.Inventory)
		return err
	})
	if err != nil {
		return 0, failed("keep the scan", s.child(err))
	}
	return id, nil
}

// lockToken keeps others from changing what a token has, until the transaction ends.
func (s *Store) lockToken(ctx context.Context, q Querier, id int64) error {
	var found int64
	return orNotFound(q.QueryRowContext(ctx, `SELECT id FROM tokens WHERE id = $1`+s.Locking(), id).Scan(&found))
}

func (s *Store) roomToWatch(ctx context.Context, q Querier, r store.ScanRecord) error {
	if err := s.lockToken(ctx, q, r.TokenID); err != nil || s.options.MaxWatched <= 0 {
		return err
	}
	var others int
	if err := q.QueryRowContext(ctx, `SELECT count(*) FROM watched WHERE token_id = $1 AND NOT (image = $2 AND platform = $3)`,
		r.TokenID, text(r.Image), text(r.Platform)).Scan(&others); err != nil {
		return err
	}
	if others >= s.options.MaxWatched {
		return store.ErrLimit
	}
	return nil
}

const scanColumns = `scans.id, scans.token_id, scans.image, scans.platform, scans.at, scans.os, scans.packages, scans.pass, scans.database, scans.findings`

// scanRecord reads scanColumns, and what is behind them into more.
func (s *Store) scanRecord(more func(*store.ScanRecord) []any) func(*sql.Rows, *store.ScanRecord) error {
	return func(rows *sql.Rows, r *store.ScanRecord) error {
		var findings []byte
		columns := append([]any{&r.ID, &r.TokenID, &r.Image, &r.Platform, stamp{&r.At}, &r.OS, &r.Packages, &r.Pass, &r.Database, &findings}, more(r)...)
		err := rows.Scan(columns...)
		if err == nil {
			r.Findings, err = s.unpack(findings)
		}
		return err
	}
}

// LastScans gives the newest scans of an image.
func (s *Store) LastScans(ctx context.Context, token int64, image, platform string, n int) ([]store.ScanRecord, error) {
	list, err := collect(ctx, s.Reader(), s.scanRecord(func(*store.ScanRecord) []any { return nil }),
		`SELECT `+scanColumns+` FROM scans WHERE token_id = $1 AND image = $2 AND ($3 = '' OR platform = $3)
			ORDER BY at DESC, id DESC LIMIT $4`, token, text(image), text(platform), n)
	return list, failed("read the history", err)
}

// watchedPage is how many inventories are in memory at once.
const watchedPage = 8

// Watched reads a few images at a time, so that f can take its time.
func (s *Store) Watched(ctx context.Context, f func(store.ScanRecord) error) error {
	for last := int64(0); ; {
		list, err := collect(ctx, s.Reader(), func(rows *sql.Rows, r *store.ScanRecord) error {
			return s.scanRecord(func(r *store.ScanRecord) []any { return []any{&r.Inventory, &last} })(rows, r)
		}, `SELECT `+scanColumns+`, watched.inventory, watched.id FROM watched JOIN scans ON scans.id = watched.scan_id
			WHERE watched.id > $1 ORDER BY watched.id LIMIT $2`, last, watchedPage)
		if err != nil {
			return failed("read what is watched", err)
		}
		for _, r := range list {
			if err := f(r); err != nil {
				return err
			}
		}
		if len(list) < watchedPage {
			return nil
		}
	}
}

// UpdateFindings replaces the findings of a scan.
func (s *Store) UpdateFindings(ctx context.Context, scan int64, database string, findings []store.Finding) error {
	packed, err := s.pack(findings)
	if err != nil {
		return err
	}
	return s.change(ctx, "replace findings", `UPDATE scans SET database = $2, findings = $3 WHERE id = $1`, scan, text(database), packed)
}

// Unwatch forgets the inventories of an image.
func (s *Store) Unwatch(ctx context.Context, token int64, image string) error {
	return s.execute(ctx, "forget an image", `DELETE FROM watched WHERE token_id = $1 AND image = $2`, token, text(image))
}

// AddWebhook keeps a webhook.
func (s *Store) AddWebhook(ctx context.Context, w store.Webhook, most int) (id int64, err error) {
	err = s.Transaction(ctx, func(ctx context.Context, q Querier) error {
		if err := s.lockToken(ctx, q, w.TokenID); err != nil {
			return err
		}
		err := q.QueryRowContext(ctx, `INSERT INTO webhooks (token_id, url, secret, created) SELECT $1, $2, $3, $4
			WHERE (SELECT count(*) FROM webhooks WHERE token_id = $1) < $5 RETURNING id`,
			w.TokenID, text(w.URL), bytes(w.Secret), micros(w.Created), most).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return store.ErrLimit
		}
		return err
	})
	return id, failed("keep the webhook", err)
}
