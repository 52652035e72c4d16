package sqlite

import (
	"context"
	"database/sql"
	"sync"

	"github.com/example/microscanner-frontend/service/store/internal/sqlstore"
)

// preparer is where statements are prepared: all connections, or one.
type preparer interface {
	sqlstore.Querier
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// prepared runs statements and keeps them: to compile the text of one takes
// SQLite as long as to run it. The texts are the store's own, so there are few.
type prepared struct {
	preparer

	mu         sync.Mutex
	statements map[string]*sql.Stmt
}

func newPrepared(p preparer) *prepared {
	return &prepared{preparer: p, statements: map[string]*sql.Stmt{}}
}

// statement is the prepared form of a text. It closes with its connections.
func (p *prepared) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, ok := p.statements[query]; ok {
		return s, nil
	}
	s, err := p.PrepareContext(ctx, query)
	if err == nil {
		p.statements[query] = s
	}
	return s, err
}

// ExecContext runs a statement.
func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := p.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext runs a query.
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext runs a query for one row.
func (p *prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := p.statement(ctx, query)
	if err != nil {
		return p.preparer.QueryRowContext(ctx, query, args...) // which has the same error
	}
	return s.QueryRowContext(ctx, args...)
}
