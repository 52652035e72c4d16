// Package scan puts the parts of the scanner together: from a root file system
// and an advisory database to a report.
package scan

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
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
	// Suppressions are the findings that somebody decided do not count.
	Suppressions []policy.Suppression
	Image        report.Image
	// Scanner is this program's name and version.
	Scanner string
	// FullOutput puts packages without findings into the report too.
	FullOutput bool
	// UnderInvestigation puts into the report too what the vendor has not decided
	// yet. It never counts.
	UnderInvestigation bool
	// Distros are those that are recognised.
	Distros []distro.Distro
	Now     func() time.Time
	// Stop is asked now and then whether to go on; its error ends the scan. It
	// may be nil.
	Stop func() error
	// Cache keeps what was read of the database for other scans with it. It may
	// be nil.
	Cache Cache
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
	return assess(&inv, database, o, started)
}

// Assess makes the report of an inventory that was read before. Some of the
// inventory's notes are filled in.
func Assess(inv *inventory.Inventory, database *db.DB, o Options) (*report.Report, error) {
	return assess(inv, database, o, o.Now())
}

func assess(inv *inventory.Inventory, database *db.DB, o Options, started time.Time) (*report.Report, error) {
	found, err := Match(inv, database, o)
	if err != nil {
		return nil, err
	}
	r, err := newReport(inv, found, database, o)
	if err != nil {
		return nil, err
	}
	r.ScanStarted = report.TimestampOf(started)
	r.ScanDuration = int64(o.Now().Sub(started) / time.Second)
	return r, nil
}

// Match finds the vulnerabilities of an inventory. It sets inv.Unsupported if
// the database has nothing for the release, and inv.EndOfLife if there are no
// updates for it any more.
func Match(inv *inventory.Inventory, database *db.DB, o Options) (match.Result, error) {
	if inv.Unsupported != "" || inv.NoPackages {
		return match.Result{}, nil
	}
	if database == nil {
		return match.Result{}, ErrNeedsDatabase
	}
	d, ok := distro.ByID(o.Distros, inv.OS.Distro)
	if !ok {
		return match.Result{}, fmt.Errorf("the inventory is of %q, which is not a supported distribution", inv.OS.Distro)
	}
	known := addLifecycle(inv, d, o.Now())
	release, err := openRelease(database, d.ID, inv.OS.Release, o)
	switch {
	case errors.Is(err, db.ErrNoRelease) && !known:
		inv.Unsupported = fmt.Sprintf("%s is no release that this program knows; if it is a new one, a newer program and database may know it", releaseName(d, inv.OS.Release))
		inv.Notes = nil // on its end of life
		return match.Result{}, nil
	case errors.Is(err, db.ErrNoRelease):
		inv.Unsupported = fmt.Sprintf("the advisory database has nothing for %s", releaseName(d, inv.OS.Release))
		return match.Result{}, nil
	case err != nil:
		return match.Result{}, err
	}
	result, err := matchRelease(inv, database, d, release, o)
	return result, errors.Join(err, release.Close())
}

func matchRelease(inv *inventory.Inventory, database *db.DB, d distro.Distro, release match.Advisories, o Options) (match.Result, error) {
	products, unknown, err := match.Products(&inv.OS, database)
	if err != nil {
		return match.Result{}, err
	}
	inv.OS.CPEs = products
	if len(unknown) > 0 {
		inv.Notes = append(inv.Notes, unknownContentSets(inv, unknown))
	}
	matching := match.Options{UnderInvestigation: o.UnderInvestigation, Stop: o.Stop}
	if o.Cache != nil {
		matching.Cache = o.Cache.Release(d.ID, inv.OS.Release)
	}
	result, err := match.Match(inv, d.Rules, release, matching)
	if err == nil {
		inv.Unsupported = noneOwn(inv, d, result)
	}
	return result, err
}

// noneOwn says that no package of an image was compared with advisories, as all
// are somebody else's: then the image is of another distribution than its
// release files say, or one of its derivatives. It is empty if some were.
func noneOwn(inv *inventory.Inventory, d distro.Distro, result match.Result) string {
	left := len(inv.Packages) - len(result.UnknownStream)
	for _, f := range result.Foreign {
		left -= len(f.Packages)
	}
	if left > 0 || len(inv.Packages) == 0 {
		return ""
	}
	return fmt.Sprintf("the image is %s, but none of its packages is known to be one of %s's own", inv.OS.Pretty, d.Name)
}

// unknownContentSets says which repositories of an image the database cannot
// tell the products of.
func unknownContentSets(inv *inventory.Inventory, unknown []string) string {
	text := "packages of repositories that the advisory database does not know: " + few(unknown)
	if len(unknown) == len(inv.OS.ContentSets) {
		text += "; all packages were assessed as those of the release's usual repositories"
	}
	return text
}

// few names the first of a list, and says how many more there are.
func few(list []string) string {
	const shown = 3
	text := strings.Join(list[:min(len(list), shown)], ", ")
	if more := len(list) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
