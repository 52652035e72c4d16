// Package database keeps the service's advisory database open: the newest one,
// and each older one until the last request that uses it is done.
package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/scan"
)

// Database is an open database, and what scans read of it before.
type Database struct {
	*db.DB
	Cache scan.Cache
}

// Holder lends the newest database of a directory.
type Holder struct {
	dir     string // where databases are installed
	cache   int    // bytes
	scratch *scratch
	log     *slog.Logger

	lock    sync.Mutex
	current *handle // nil before there is any
	state   state   // of what was loaded last
	bad     failed  // what could not be loaded last
}

// failed is a database that could not be loaded, and when that was tried.
type failed struct {
	state state
	at    time.Time
}

// tryAgain is when a database is tried again that could not be loaded.
const tryAgain = time.Minute

// handle is an open database with its number of users. The holder is one.
type handle struct {
	Database
	dir   string // the copy
	users int
}

// state tells one installed database from another one without reading it.
type state struct {
	inode    any
	modified time.Time
	size     int64
}

// Open makes a holder for the directory, whether a database is there yet or not.
// What is kept of each database in memory, to be read once only, has at most so
// many bytes.
func Open(dir string, cache int, log *slog.Logger) (*Holder, error) {
	s, err := newScratch(dir)
	if err != nil {
		return nil, err
	}
	return &Holder{dir: dir, cache: cache, scratch: s, log: log}, nil
}

// Acquire lends the newest database, nil if there is none, until done is called.
func (h *Holder) Acquire() (*Database, func()) {
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.current == nil {
		return nil, func() {}
	}
	lent := h.current
	lent.users++
	return &lent.Database, func() { h.giveBack(lent) }
}

// giveBack closes a database that nobody uses any more.
func (h *Holder) giveBack(lent *handle) {
	h.lock.Lock()
	lent.users--
	last := lent.users == 0
	h.lock.Unlock()
	if !last {
		return
	}
	if err := errors.Join(lent.Close(), os.RemoveAll(lent.dir)); err != nil {
		h.log.Error("a database that is no longer used cannot be removed", "error", err)
	}
}

// Close gives the newest database back, and removes all copies. Nothing must be
// lent any more.
func (h *Holder) Close() error {
	h.lock.Lock()
	old := h.current
	h.current = nil
	h.lock.Unlock()
	if old != nil {
		h.giveBack(old)
	}
	return h.scratch.close()
}

// Refresh loads the database again if another one is in the directory; changed
// tells. With an error the one before stays in use; it is told once a minute, as
// to read a database takes a while. Only one may run at a time.
func (h *Holder) Refresh() (changed bool, err error) {
	now, err := stateOf(h.dir)
	if now == h.state && err == nil || now == h.bad.state && time.Since(h.bad.at) < tryAgain {
		return false, nil
	}
	var loaded *handle
	if err == nil {
		loaded, err = h.load()
	}
	if err != nil {
		h.bad = failed{now, time.Now()}
		return false, err
	}
	h.bad = failed{}
	h.state = now
	h.lock.Lock()
	old := h.current
	same := old != nil && old.Meta().Digest == loaded.Meta().Digest && old.Meta().Built.Equal(loaded.Meta().Built)
	h.current = loaded
	h.lock.Unlock()
	if old != nil {
		h.giveBack(old)
	}
	return !same, nil
}

func stateOf(dir string) (state, error) {
	info, err := os.Stat(filepath.Join(dir, db.MetadataFile))
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, fmt.Errorf("%s: %w", dir, db.ErrNoDatabase)
	}
	if err != nil {
		return state{}, fmt.Errorf("look at the advisory database: %w", err)
	}
	return state{inode(info), info.ModTime(), info.Size()}, nil
}

// load copies what is installed and opens it. A database that is replaced in the
// middle of it gives files that do not fit together, which is an error; the next
// Refresh tries again.
func (h *Holder) load() (*handle, error) {
	dir, err := os.MkdirTemp(h.scratch.dir, "db-")
	if err != nil {
		return nil, fmt.Errorf("load the advisory database: %w", err)
	}
	opened, err := snapshot(h.dir, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &handle{Database: Database{opened, newCache(h.cache)}, dir: dir, users: 1}, nil
}

// Watch refreshes every so often until the context ends, and calls changed after
// each new database.
func (h *Holder) Watch(ctx context.Context, every time.Duration, changed func(ctx context.Context), failed func(error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		switch ok, err := h.Refresh(); {
		case err != nil:
			failed(err)
		case ok:
			changed(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
