package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/example/microscanner-frontend/service/store"
)

// Register locks the source, then the address, in that order: two registrations
// that have one in common come one after the other, and never wait for each
// other in a circle. That makes the limits exact.
func (s *Store) Register(ctx context.Context, r store.Registration, limits store.RegistrationLimits) error {
	var refused error // of a registration that is kept all the same
	err := s.Transaction(ctx, func(ctx context.Context, q Querier) error {
		refused = nil
		account, err := s.lockRegistrants(ctx, q, r)
		if err != nil {
			return err
		}
		if err := sourceLimit(ctx, q, r, limits); err != nil {
			return err
		}
		over, err := emailLimit(ctx, q, account, r, limits)
		if err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, `INSERT INTO registrations (account_id, source, at, accepted) VALUES ($1, $2, $3, $4)`,
			account, text(r.Source), micros(r.At), !over); err != nil {
			return err
		}
		switch {
		case over:
			refused = store.ErrEmailLimit
			return nil
		case r.Token != store.Hash{}:
			return insertToken(ctx, q, account, r.Token, r.TermsVersion, r.At, r.At)
		default:
			_, err := q.ExecContext(ctx, `INSERT INTO mails (account_id, terms_version, accepted, next) VALUES ($1, $2, $3, $3)`,
				account, text(r.TermsVersion), micros(r.At))
			return err
		}
	})
	if err == nil {
		err = refused
	}
	return failed("keep the registration", err)
}

func (s *Store) lockRegistrants(ctx context.Context, q Querier, r store.Registration) (account int64, err error) {
	if _, err := q.ExecContext(ctx, `INSERT INTO sources (source, seen) VALUES ($1, $2)
		ON CONFLICT (source) DO UPDATE SET seen = $2`, text(r.Source), micros(r.At)); err != nil {
		return 0, err
	}
	err = q.QueryRowContext(ctx, `INSERT INTO accounts (email, created, seen) VALUES ($1, $2, $2)
		ON CONFLICT (email) DO UPDATE SET seen = $2 RETURNING id`, text(r.Email), micros(r.At)).Scan(&account)
	return account, err
}

func sourceLimit(ctx context.Context, q Querier, r store.Registration, limits store.RegistrationLimits) error {
	if limits.PerSource <= 0 {
		return nil
	}
	var n int
	var first time.Time
	if err := q.QueryRowContext(ctx, `SELECT count(*), min(at) FROM registrations WHERE source = $1 AND at > $2`,
		text(r.Source), before(r.At, limits.Window)).Scan(&n, stamp{&first}); err != nil {
		return err
	}
	if n < limits.PerSource {
		return nil
	}
	return &store.SourceLimitError{Until: first.Add(limits.Window)}
}

func emailLimit(ctx context.Context, q Querier, account int64, r store.Registration, limits store.RegistrationLimits) (over bool, err error) {
	var n int
	err = q.QueryRowContext(ctx, `SELECT count(*) FROM registrations WHERE account_id = $1 AND at > $2 AND accepted`,
		account, before(r.At, limits.Window)).Scan(&n)
	return limits.PerEmail > 0 && n >= limits.PerEmail, err
}

func insertToken(ctx context.Context, q Querier, account int64, h store.Hash, terms string, accepted, at time.Time) error {
	_, err := q.ExecContext(ctx, `INSERT INTO tokens (account_id, hash, terms_version, terms_accepted, created) VALUES ($1, $2, $3, $4, $5)`,
		account, h[:], text(terms), micros(accepted), micros(at))
	return err
}

// DueMails claims mails by planning their next attempt for the end of the lease.
func (s *Store) DueMails(ctx context.Context, now time.Time, lease time.Duration, n int) ([]store.Mail, error) {
	var list []store.Mail
	err := s.Statement(ctx, func(ctx context.Context, q Querier) (err error) {
		list, err = collect(ctx, q, func(r *sql.Rows, m *store.Mail) error {
			return r.Scan(&m.ID, &m.Email, &m.TermsVersion, stamp{&m.Accepted}, &m.Attempts)
		}, `UPDATE mails SET next = $2, attempts = attempts + 1
			WHERE id IN (SELECT id FROM mails WHERE NOT dead AND next <= $1 ORDER BY next LIMIT $3`+s.Claiming()+`)
			RETURNING id, (SELECT email FROM accounts WHERE accounts.id = account_id), terms_version, accepted, attempts`,
			micros(now), micros(now.Add(lease)), n)
		return err
	})
	return list, failed("claim mails", err)
}

// IssueToken adds a token to the account of a mail.
func (s *Store) IssueToken(ctx context.Context, mail int64, h store.Hash, at time.Time) error {
	return s.change(ctx, "keep the token", `INSERT INTO tokens (account_id, hash, terms_version, terms_accepted, created)
		SELECT account_id, $2, terms_version, accepted, $3 FROM mails WHERE id = $1`, mail, h[:], micros(at))
}

// MailSent forgets a mail.
func (s *Store) MailSent(ctx context.Context, id int64) error {
	return s.execute(ctx, "forget a mail", `DELETE FROM mails WHERE id = $1`, id)
}

// MailFailed plans a mail's next attempt, or gives it up.
func (s *Store) MailFailed(ctx context.Context, id int64, why string, next time.Time, dead bool) error {
	return s.execute(ctx, "plan a mail", `UPDATE mails SET last_error = $2, next = $3, dead = $4 WHERE id = $1`,
		id, reason(why), micros(next), dead)
}
