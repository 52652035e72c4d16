package scan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/rootfs"
	"github.com/example/microscanner-frontend/scanner/scan"
)

func options() scan.Options {
	return scan.Options{
		Policy: policy.Default(), Scanner: "microscanner test", Distros: all.List(),
		Now: func() time.Time { return time.Unix(1700000000, 0) },
	}
}

func try(t testing.TB, dir string, database *db.DB) (*report.Report, error) {
	t.Helper()
	return tryWith(t, dir, database, options())
}

func tryWith(t testing.TB, dir string, database *db.DB, o scan.Options) (*report.Report, error) {
	t.Helper()
	fsys, err := rootfs.Open(dir)
	require.NoError(t, err)
	defer func() { assert.NoError(t, fsys.Close()) }()
	return scan.Rootfs(fsys, database, o)
}

func scanWith(t testing.TB, dir string, database *db.DB, o scan.Options) *report.Report {
	t.Helper()
	r, err := tryWith(t, dir, database, o)
	require.NoError(t, err)
	return r
}

func scanRootfs(t testing.TB, dir string, database *db.DB) *report.Report {
	t.Helper()
	r, err := try(t, dir, database)
	require.NoError(t, err)
	return r
}
