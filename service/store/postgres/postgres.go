// Package postgres keeps the service's store in PostgreSQL, for several replicas
// of the service.
package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/store/internal/sqlstore"
)

//go:embed migrations
var migrations embed.FS

// ErrBackup is what Backup returns.
var ErrBackup = errors.New("back up PostgreSQL with its own tools: pg_dump and pg_restore, or pg_basebackup")

// statementTimeout is that of a connection which sets none: no request needs so
// long, and what hangs must not keep a connection for good.
const statementTimeout = "30s"

// Open connects to a database: "postgres://user@host/name?sslmode=verify-full",
// or the words of libpq; pool_max_conns and its like are pgxpool's. Errors have
// no password in them. Replicas may open it at the same time.
func Open(ctx context.Context, address string, o store.Options) (*sqlstore.Store, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	params := config.ConnConfig.RuntimeParams
	setDefault(params, "application_name", "microscanner")
	setDefault(params, "statement_timeout", statementTimeout)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	d := &database{pool: pool, db: stdlib.OpenDBFromPool(pool)}
	if err := migrate(ctx, d.db); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store: %w", err), d.Close())
	}
	s, err := sqlstore.New(d, o)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return s, nil
}

func setDefault(params map[string]string, name, value string) {
	if _, ok := params[name]; !ok {
		params[name] = value
	}
}

// migrate lets one replica at a time change the schema.
func migrate(ctx context.Context, db *sql.DB) error {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	return sqlstore.Migrate(ctx, db, goose.DialectPostgres, migrations, goose.WithSessionLocker(locker))
}

// database is a PostgreSQL database. Its isolation is read committed: whatever
// has to be exact is one statement, or locks the rows that it depends on.
type database struct {
	pool *pgxpool.Pool
	db   *sql.DB
}

// Reader gives any connection.
func (d *database) Reader() sqlstore.Querier { return d.db }

// Statement runs f without a transaction around its statement: PostgreSQL makes one.
func (d *database) Statement(ctx context.Context, f func(context.Context, sqlstore.Querier) error) error {
	return f(ctx, d.db)
}

// Transaction runs f in a transaction.
func (d *database) Transaction(ctx context.Context, f func(context.Context, sqlstore.Querier) error) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(ctx, tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Locking makes other writers of the rows wait, but not of what refers to them.
func (*database) Locking() string { return ` FOR NO KEY UPDATE` }

// Claiming passes over rows that another replica claims at this moment.
func (*database) Claiming() string { return ` FOR UPDATE SKIP LOCKED` }

// MissingParent tells a foreign key that fits nothing.
func (*database) MissingParent(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23503"
}

// Backup is PostgreSQL's own matter.
func (*database) Backup(context.Context, string) error { return ErrBackup }

// Close closes the connections.
func (d *database) Close() error {
	err := d.db.Close()
	d.pool.Close()
	return err
}
