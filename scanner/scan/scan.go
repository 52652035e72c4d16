// Package scan puts the parts of the scanner together: from a root file system
// and an advisory database to a report.
package scan

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

// Options say how to scan and what to write into the report.
type Options struct {
	Policy policy.Policy
	Image  report.Image
	// Scanner is this program's name and version.
	Scanner string
	// FullOutput puts packages without findings into the report too.
	FullOutput bool
	// Distros are those that are recognised.
	Distros []distro.Distro
	Now     func() time.Time
}

// ErrNeedsDatabase is returned by Rootfs for packages to assess without a
// database to assess them by.
var ErrNeedsDatabase = errors.New("there are packages to assess, and no advisory database")

// Rootfs scans a root file system. The database may be nil: a root file system
// without packages has no use for one. That nothing is known of its operating
// system is a result, which the policy judges; what keeps the scan from being
// done is an error.
func Rootfs(fsys fs.FS, database *db.DB, o Options) (*report.Report, error) {
	started := o.Now()
	inv, err := Inventory(fsys, o.Distros)
	if err != nil {
		return nil, err
	}
	found, err := Match(&inv, database, o.Distros)
	if err != nil {
		return nil, err
	}
	r, err := newReport(&inv, found, database, o)
	if err != nil {
		return nil, err
	}
	r.ScanStarted = report.TimestampOf(started)
	r.ScanDuration = int64(o.Now().Sub(started) / time.Second)
	return r, nil
}

// Match finds the vulnerabilities of an inventory. It sets inv.Unsupported if
// the database has nothing for the release.
func Match(inv *inventory.Inventory, database *db.DB, distros []distro.Distro) (match.Result, error) {
	if inv.Unsupported != "" || inv.NoPackages {
		return match.Result{}, nil
	}
	if database == nil {
		return match.Result{}, ErrNeedsDatabase
	}
	d, ok := distro.ByID(distros, inv.OS.Distro)
	if !ok {
		return match.Result{}, fmt.Errorf("the inventory is of %q, which is not a supported distribution", inv.OS.Distro)
	}
	release, err := database.Release(d.ID, inv.OS.Release)
	if errors.Is(err, db.ErrNoRelease) {
		inv.Unsupported = fmt.Sprintf("the advisory database has nothing for %s %q", d.Name, inv.OS.Release)
		return match.Result{}, nil
	}
	if err != nil {
		return match.Result{}, err
	}
	result, err := match.Match(inv.Packages, d.Rules.Kinds[0], d.Rules.Scheme, release)
	return result, errors.Join(err, release.Close())
}
