// Package sqlite keeps the service's store in one SQLite file. It is for one
// process; several take turns correctly, but slowly.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/store/internal/sqlstore"
)

//go:embed migrations
var migrations embed.FS

// Open opens the store in a file, or makes it, readable by its owner only. A
// backup is opened alike: that restores it.
func Open(ctx context.Context, file string, o store.Options) (*sqlstore.Store, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	// The files of the write-ahead log get the same permissions.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the path that the operator gave
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	db, err := newDatabase(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", file, err)
	}
	s, err := sqlstore.New(db, o)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// database is an SQLite file.
type database struct {
	*writer
	file    string
	readers *sql.DB
	reader  *prepared
	writers *sql.DB
}

func newDatabase(ctx context.Context, file string) (_ *database, err error) {
	d := &database{file: file}
	if d.writers, err = sql.Open("sqlite", address(file, "rwc")); err != nil {
		return nil, err
	}
	d.writers.SetMaxOpenConns(1)
	if err := sqlstore.Migrate(ctx, d.writers, goose.DialectSQLite3, migrations); err != nil {
		return nil, errors.Join(err, d.writers.Close())
	}
	if d.readers, err = sql.Open("sqlite", address(file, "ro")); err != nil {
		return nil, errors.Join(err, d.writers.Close())
	}
	d.readers.SetMaxOpenConns(max(4, runtime.GOMAXPROCS(0)))
	d.readers.SetMaxIdleConns(max(4, runtime.GOMAXPROCS(0)))
	d.reader = newPrepared(d.readers)
	if d.writer, err = newWriter(ctx, d.writers); err != nil {
		return nil, errors.Join(err, d.writers.Close(), d.readers.Close())
	}
	return d, nil
}

// address is the data source of a file. With the write-ahead log, readers and
// the writer do not wait for each other. Its file is synchronised at each commit
// (synchronous FULL): what is committed survives the machine's power, not only
// the process; commits are few because writes share them.
func address(file, mode string) string {
	query := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)",
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"foreign_keys(ON)",
		"temp_store(MEMORY)",
		"trusted_schema(OFF)",
		"journal_size_limit(67108864)",
	}}
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + query.Encode()
}

// Reader gives the connections that only read.
func (d *database) Reader() sqlstore.Querier { return d.reader }

// Statement is a transaction: all writes go through the writer.
func (d *database) Statement(ctx context.Context, f func(context.Context, sqlstore.Querier) error) error {
	return d.write(ctx, f)
}

// Transaction runs f among others, all or nothing of it.
func (d *database) Transaction(ctx context.Context, f func(context.Context, sqlstore.Querier) error) error {
	return d.write(ctx, f)
}

// Locking is empty: there is one writer.
func (*database) Locking() string { return "" }

// Claiming is empty: there is one writer.
func (*database) Claiming() string { return "" }

// MissingParent tells a foreign key that fits nothing.
func (*database) MissingParent(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

// Close ends what was begun and closes the file.
func (d *database) Close() error {
	return errors.Join(d.stop(), d.readers.Close(), d.writers.Close())
}
