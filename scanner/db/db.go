// Package db is the compiled advisory database: a read-only directory with a
// small metadata file, one file for each release of a distribution, one file of
// details for reports, and one of repositories. A scan opens what it needs, and decodes only the
// rows of the packages that it asks for. docs/database.md describes the files.
package db

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// ErrNoDatabase is wrapped by the error of Open for a directory without a
// database. It wraps fs.ErrNotExist.
var ErrNoDatabase error = noDatabase{}

// ErrNoRelease is wrapped by the error for a release that a database has no
// advisories for.
var ErrNoRelease = errors.New("the advisory database has nothing for this release")

// ErrCorrupt is wrapped by every error about a file that is damaged, cut off,
// or of another database.
var ErrCorrupt = errors.New("the advisory database is damaged; build or fetch it again")

type noDatabase struct{}

func (noDatabase) Error() string { return "there is no advisory database" }

func (noDatabase) Unwrap() error { return fs.ErrNotExist }

var errClosed = errors.New("the advisory database is closed")

// Advisory is what a scan needs to know of one vulnerability in one package.
// Rows share their lists: they must not be changed.
type Advisory struct {
	ID     string
	Status advisory.Status
	// Fixed is the first fixed version; set with StatusFixed and StatusNeedsPro.
	Fixed string
	// Severity is the rating that the gate uses: the vendor's own, else that
	// of a CVSS score.
	Severity severity.Severity
	// SeveritySource names who gave Severity: the distribution ("debian"), or
	// the source of the score ("nvd", "cna", "adp"). Empty with Unknown.
	SeveritySource string
	Arches         []string
	CPEs           []string
	Aliases        []string
	Module         string // "name:stream"
}

// DB is an open database. Its methods are safe for concurrent use until Close.
type DB struct {
	dir  string
	meta Meta

	lock         sync.Mutex
	details      *table // nil until needed
	repositories *table // nil until needed
	closed       bool
}

// Open reads the metadata of the database in dir, and nothing else. The error
// wraps ErrNoDatabase when there is none, and ErrCorrupt when it is damaged.
func Open(dir string) (*DB, error) {
	meta, err := readMeta(dir)
	if err != nil {
		return nil, err
	}
	return &DB{dir: dir, meta: meta}, nil
}

// Close releases what Details and Repository opened. Releases are closed on
// their own.
func (d *DB) Close() error {
	d.lock.Lock()
	defer d.lock.Unlock()
	var errs []error
	for _, t := range []**table{&d.details, &d.repositories} {
		if *t != nil {
			errs = append(errs, (*t).file.Close())
			*t = nil
		}
	}
	d.closed = true
	return errors.Join(errs...)
}

// Meta says what the database was made of.
func (d *DB) Meta() Meta { return d.meta }

// Release opens the advisories of one release. The error wraps ErrNoRelease
// when the database has none for it, and ErrCorrupt when the file is damaged.
// The caller must Close it.
func (d *DB) Release(distro, release string) (*Release, error) {
	for _, r := range d.meta.Releases {
		if r.Distro == distro && r.Release == release {
			return openRelease(filepath.Join(d.dir, r.File), r)
		}
	}
	return nil, fmt.Errorf("%s %s: %w", distro, release, ErrNoRelease)
}

// Release is the advisories of one release. Its methods are safe for concurrent
// use until Close.
type Release struct {
	lock    sync.Mutex
	table   *table
	decoder decoder
	closed  bool
}

func openRelease(path string, meta ReleaseMeta) (*Release, error) {
	t, err := openTable(path, meta.Size, rowsMagic)
	if err != nil {
		return nil, err
	}
	return &Release{table: t, decoder: decoder{sources: t.words}}, nil
}

// Close closes the file. What Lookup and Select returned stays valid.
func (r *Release) Close() error {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	return r.table.file.Close()
}

// Lookup gives all rows for a package, by id: CVE ids first, by year and number. It
// gives no rows and no error only if there truly are none.
func (r *Release) Lookup(kind advisory.Kind, name string) ([]Advisory, error) {
	return r.Select(kind, name, nil)
}

// Select is Lookup for the rows that matter. It asks want for the package's
// distinct fixed versions, of which there are far fewer than rows, and leaves
// out the rows whose fixed version is not wanted. Rows without a fixed version
// are always wanted. An error of want ends the lookup and is returned as it is;
// want must not use the Release itself.
func (r *Release) Select(kind advisory.Kind, name string, want func(fixed string) (bool, error)) ([]Advisory, error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.closed {
		return nil, errClosed
	}
	key, ok := lookupKey(kind, name)
	if !ok {
		return nil, fmt.Errorf("look up package %q: there is no kind %q", name, kind)
	}
	value, found, err := r.table.rows.Get(key)
	if err != nil {
		return nil, corrupt(r.table.path, err)
	}
	if !found {
		return nil, nil
	}
	var wantErr error
	r.decoder.want = nil
	if want != nil {
		r.decoder.want = func(fixed string) (keep bool, err error) {
			keep, wantErr = want(fixed)
			return keep, wantErr
		}
	}
	rows, err := r.decoder.decode(value)
	if wantErr != nil {
		return nil, wantErr
	}
	if err != nil {
		return nil, corrupt(r.table.path, fmt.Errorf("package %q: %w", name, err))
	}
	return rows, nil
}
