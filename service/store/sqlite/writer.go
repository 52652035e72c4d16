package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/example/microscanner-frontend/service/store/internal/sqlstore"
)

const (
	// maxGroup bounds the writes that share a commit, and with it how long the
	// first of them waits.
	maxGroup = 256
	// writeTimeout bounds one write. It is not the caller's: to interrupt a
	// statement would undo the whole transaction, also what others wrote in it.
	writeTimeout = 30 * time.Second
)

var errClosed = errors.New("the store is closed")

// write is a change that waits for its turn and its commit.
type write struct {
	ctx  context.Context
	run  func(context.Context, sqlstore.Querier) error
	err  error
	done chan struct{}
}

func (w *write) end(err error) {
	w.err = err
	close(w.done)
}

// writer executes all writes, one after the other, on one connection. What came
// while a commit waited for the disk shares the next commit: one wait for the
// disk is then for many writes, and each is answered only when it is there.
type writer struct {
	conn  *sql.Conn
	run   *prepared // on conn
	queue chan *write

	once  sync.Once
	quit  chan struct{}
	ended chan struct{}
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn, run: newPrepared(conn), queue: make(chan *write, maxGroup), quit: make(chan struct{}), ended: make(chan struct{})}
	go w.loop()
	return w, nil
}

// write runs f in a transaction and returns when it is committed. f does not
// begin when ctx is done; once it did, its end is awaited, so that the caller
// knows what became of it.
func (w *writer) write(ctx context.Context, f func(context.Context, sqlstore.Querier) error) error {
	change := &write{ctx: ctx, run: f, done: make(chan struct{})}
	select {
	case <-w.quit:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	case w.queue <- change:
	}
	select {
	case <-change.done:
		return change.err
	case <-w.ended:
	}
	select { // it may have been the last one
	case <-change.done:
		return change.err
	default:
		return errClosed
	}
}

func (w *writer) stop() error {
	w.once.Do(func() { close(w.quit) })
	<-w.ended
	return w.conn.Close()
}

func (w *writer) loop() {
	defer close(w.ended)
	for {
		select {
		case first := <-w.queue:
			w.group(first)
		case <-w.quit:
			for {
				select {
				case first := <-w.queue:
					w.group(first)
				default:
					return
				}
			}
		}
	}
}

// group commits a write, and those that wait behind it.
func (w *writer) group(first *write) {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	if err := w.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		first.end(fmt.Errorf("write to the store: %w", err))
		return
	}
	good, err := w.steps(ctx, first)
	if err == nil {
		err = w.exec(ctx, "COMMIT")
	}
	if err != nil {
		// Without a transaction this fails, and does not matter.
		_ = w.exec(context.WithoutCancel(ctx), "ROLLBACK")
		err = fmt.Errorf("write to the store: %w", err)
	}
	for _, each := range good {
		each.end(err)
	}
}

// steps runs a group of writes, ends those that fail, and returns those whose
// fate is the transaction's. An error means that the transaction is lost.
func (w *writer) steps(ctx context.Context, first *write) (good []*write, err error) {
	next := first
	for n := 1; next != nil; n++ {
		own, err := w.step(ctx, next)
		if err != nil {
			return append(good, next), err
		}
		if own != nil {
			next.end(own)
		} else {
			good = append(good, next)
		}
		next = w.next(n)
	}
	return good, nil
}

// next is a write that waits already; nil if none does or the group is full.
func (w *writer) next(n int) *write {
	if n >= maxGroup {
		return nil
	}
	select {
	case next := <-w.queue:
		return next
	default:
		return nil
	}
}

// step runs one write so that it changes nothing if it fails: then own is its
// error. If group is an error the transaction is lost, with all that is in it.
func (w *writer) step(ctx context.Context, next *write) (own, group error) {
	if err := next.ctx.Err(); err != nil {
		return err, nil
	}
	if err := w.exec(ctx, "SAVEPOINT write"); err != nil {
		return nil, err
	}
	if own = next.run(ctx, w.run); own != nil {
		// SQLite ends the transaction itself when the disk is full or broken.
		if err := w.exec(ctx, "ROLLBACK TO write"); err != nil {
			return nil, errors.Join(own, err)
		}
	}
	return own, w.exec(ctx, "RELEASE write")
}

func (w *writer) exec(ctx context.Context, statement string) error {
	_, err := w.run.ExecContext(ctx, statement)
	return err
}
