package servicetest

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/version"
)

// Database makes a database of records and returns its directory.
func Database(t testing.TB, records ...advisory.Record) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	Install(t, dir, records...)
	return dir
}

// Install is WriteDatabase for tests.
func Install(t testing.TB, dir string, records ...advisory.Record) db.Meta {
	t.Helper()
	meta, err := WriteDatabase(t.Context(), dir, records...)
	require.NoError(t, err)
	return meta
}

// WriteDatabase makes a database in a directory, in the place of the one that may
// be there.
func WriteDatabase(ctx context.Context, dir string, records ...advisory.Record) (db.Meta, error) {
	list := all.List()
	b := db.NewBuilder(db.BuilderOptions{Built: time.Now().UTC(), Scheme: func(id string) (version.Scheme, bool) {
		d, ok := distro.ByID(list, id)
		return d.Rules.Scheme, ok
	}})
	for _, r := range records {
		if err := b.Add(r); err != nil {
			return db.Meta{}, err
		}
	}
	return b.Write(ctx, dir)
}
