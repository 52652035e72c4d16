package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/example/microscanner-frontend/service/store"
)

// Token finds a token by its hash.
func (s *Store) Token(ctx context.Context, h store.Hash) (store.Token, error) {
	var t store.Token
	err := s.Reader().QueryRowContext(ctx, `SELECT id, account_id, created, confirmed, last_used, revoked, scan_limit
		FROM tokens WHERE hash = $1`, h[:]).
		Scan(&t.ID, &t.AccountID, stamp{&t.Created}, stamp{&t.Confirmed}, stamp{&t.LastUsed}, stamp{&t.Revoked}, &t.Limit)
	if err != nil {
		return store.Token{}, failed("find the token", orNotFound(err))
	}
	if !t.Revoked.IsZero() {
		return t, store.ErrRevoked
	}
	return t, nil
}

// Confirm notes the first time that the owner showed the token.
func (s *Store) Confirm(ctx context.Context, id int64, at time.Time) error {
	return s.change(ctx, "confirm the token", `UPDATE tokens SET confirmed = coalesce(confirmed, $2) WHERE id = $1`, id, micros(at))
}

// Revoke ends a token.
func (s *Store) Revoke(ctx context.Context, id int64, at time.Time) error {
	return failed("revoke the token", s.Transaction(ctx, func(ctx context.Context, q Querier) error {
		var found int64
		if err := q.QueryRowContext(ctx, `UPDATE tokens SET revoked = coalesce(revoked, $2) WHERE id = $1 RETURNING id`, id, micros(at)).Scan(&found); err != nil {
			return orNotFound(err)
		}
		_, err := q.ExecContext(ctx, `DELETE FROM watched WHERE token_id = $1`, id)
		if err == nil {
			_, err = q.ExecContext(ctx, `DELETE FROM webhooks WHERE token_id = $1`, id)
		}
		return err
	}))
}

// Take is exact because the condition, the count and the answer are one
// statement, which locks the row that it changes.
func (s *Store) Take(ctx context.Context, id int64, at time.Time, limit int) (store.Quota, bool, error) {
	ok, used := false, 0
	touch := s.touch(id, at)
	run := s.Statement
	if touch {
		run = s.Transaction
	}
	err := run(ctx, func(ctx context.Context, q Querier) error {
		if touch {
			if _, err := q.ExecContext(ctx, `UPDATE tokens SET confirmed = coalesce(confirmed, $2), last_used = $2
				WHERE id = $1 AND (last_used IS NULL OR last_used < $2)`, id, micros(at)); err != nil {
				return err
			}
		}
		list, err := collect(ctx, q, scanInt, `INSERT INTO usage (token_id, day, used) SELECT id, $2, 1 FROM tokens WHERE id = $1 AND $3 > 0
			ON CONFLICT (token_id, day) DO UPDATE SET used = usage.used + 1 WHERE usage.used < $3 RETURNING used`, id, day(at), limit)
		ok = len(list) > 0
		if ok {
			used = list[0]
		}
		return err
	})
	if err == nil && !ok {
		used, err = s.refused(ctx, id, at)
	}
	if err != nil {
		s.untouch(id)
		return store.Quota{}, false, failed("count the scan", s.child(err))
	}
	return store.Quota{Limit: limit, Used: used, Reset: nextDay(at)}, ok, nil
}

// refused is how many scans are counted of a token that gets none; the error is
// store.ErrNotFound if there is no such token.
func (s *Store) refused(ctx context.Context, id int64, at time.Time) (used int, err error) {
	err = s.Reader().QueryRowContext(ctx, `SELECT coalesce((SELECT used FROM usage WHERE token_id = $1 AND day = $2), 0)
		FROM tokens WHERE id = $1`, id, day(at)).Scan(&used)
	return used, orNotFound(err)
}

// GiveBack takes back one scan.
func (s *Store) GiveBack(ctx context.Context, id int64, at time.Time) error {
	return s.execute(ctx, "give the scan back", `UPDATE usage SET used = used - 1 WHERE token_id = $1 AND day = $2 AND used > 0`, id, day(at))
}

// Used is how many scans of a day are counted.
func (s *Store) Used(ctx context.Context, id int64, at time.Time) (int, error) {
	used, err := s.refused(ctx, id, at)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return used, failed("count the day's scans", err)
}

const (
	touchEvery = time.Minute
	maxTouched = 100_000
)

// touch tells whether the use of a token has to be noted.
func (s *Store) touch(id int64, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := micros(at)
	if last, ok := s.touched[id]; ok && now-last < touchEvery.Microseconds() && now >= last {
		return false
	}
	if len(s.touched) >= maxTouched {
		clear(s.touched)
	}
	s.touched[id] = now
	return true
}

func (s *Store) untouch(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.touched, id)
}
