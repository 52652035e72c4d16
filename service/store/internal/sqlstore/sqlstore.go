// Package sqlstore is the store in SQL. SQLite and PostgreSQL understand the
// same text; a Database is what each does in its own way.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/example/microscanner-frontend/service/store"
)

// Querier runs statements. Parameters are $1, $2 and so on.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Database is one kind of database.
type Database interface {
	// Reader reads what is committed, outside of any transaction.
	Reader() Querier
	// Statement runs f, which executes one statement. When it returns nil, the
	// change is on disk.
	Statement(ctx context.Context, f func(context.Context, Querier) error) error
	// Transaction runs f, all of it or nothing. When it returns nil, the changes
	// are on disk.
	Transaction(ctx context.Context, f func(context.Context, Querier) error) error
	// Locking is what a SELECT ends in to keep its rows from other writers, and
	// Claiming what passes over those that others keep; empty where there is only
	// one writer.
	Locking() string
	Claiming() string
	// MissingParent tells the error of a row that belongs to one that is not there.
	MissingParent(err error) bool
	Backup(ctx context.Context, file string) error
	Close() error
}

// Store is a store.Store.
type Store struct {
	Database
	options store.Options
	encoder *zstd.Encoder
	decoder *zstd.Decoder

	mu sync.Mutex
	// touched is when the use of a token was last noted, in microseconds.
	touched map[int64]int64
}

var _ store.Store = (*Store)(nil)

// maxFindings bounds the findings of a scan that are read, in bytes.
const maxFindings = 64 << 20

// New makes a store of a database with the newest schema.
func New(db Database, o store.Options) (*Store, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(128<<10))
	if err != nil {
		return nil, fmt.Errorf("compress findings: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxFindings))
	if err != nil {
		return nil, fmt.Errorf("read findings: %w", err)
	}
	return &Store{Database: db, options: o, encoder: encoder, decoder: decoder, touched: map[int64]int64{}}, nil
}

// Close ends the store when what has begun is done.
func (s *Store) Close() error {
	s.decoder.Close()
	return s.Database.Close()
}

// Ping reads something.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return failed("ask the store", s.Reader().QueryRowContext(ctx, `SELECT 1`).Scan(&one))
}

// failed wraps the error of an operation. Errors that callers tell apart stay.
func failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// change runs a statement that changes at least one row; otherwise the error is
// store.ErrNotFound.
func (s *Store) change(ctx context.Context, operation, query string, args ...any) error {
	return failed(operation, s.Statement(ctx, func(ctx context.Context, q Querier) error {
		r, err := q.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if err == nil && n == 0 {
			err = store.ErrNotFound
		}
		return err
	}))
}

// execute runs a statement that may change nothing.
func (s *Store) execute(ctx context.Context, operation, query string, args ...any) error {
	err := s.change(ctx, operation, query, args...)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// collect reads all rows of a query, each with scan.
func collect[T any](ctx context.Context, q Querier, scan func(*sql.Rows, *T) error, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		var v T
		if err := scan(rows, &v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, errors.Join(rows.Err(), rows.Close())
}

// orNotFound turns the error of no row into store.ErrNotFound.
func orNotFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return err
}

// child turns the error of a row that belongs to nothing into store.ErrNotFound.
func (s *Store) child(err error) error {
	if err != nil && s.MissingParent(err) {
		return store.ErrNotFound
	}
	return err
}

// before is the time that is d before t, as it is stored.
func before(t time.Time, d time.Duration) int64 { return micros(t.Add(-d)) }
