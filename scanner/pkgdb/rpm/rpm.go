// Package rpm reads the package databases of rpm: Berkeley DB, NDB and SQLite,
// and the text file of images that have packages of rpm, but not rpm itself.
//
// Of the databases only the store of package headers is read, in place and page
// by page: nothing is written or locked. Rows of the SQLite database that are
// still in its write-ahead log are seen.
package rpm

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// Paths lists the places of rpm's databases inside a root file system. Old
// releases have them in var/lib, new ones in usr/lib/sysimage, those of ostree
// in usr/share.
func Paths() []string {
	return []string{
		"var/lib/rpm/Packages", "var/lib/rpm/Packages.db", "var/lib/rpm/rpmdb.sqlite",
		"usr/lib/sysimage/rpm/Packages", "usr/lib/sysimage/rpm/Packages.db", "usr/lib/sysimage/rpm/rpmdb.sqlite",
		"usr/share/rpm/Packages", "usr/share/rpm/Packages.db", "usr/share/rpm/rpmdb.sqlite",
		pathManifest,
	}
}

// Reads lists the files that Read opens beside Paths: the logs of a database of
// SQLite, which is told by its content and not by its name.
func Reads() []string {
	var list []string
	for _, path := range Paths() {
		list = append(list, path+logSuffix, path+journalSuffix)
	}
	return list
}

// Read reads the packages of the image into c and reports whether there is a
// database at all. Of several databases, one is what an upgrade or a conversion
// left behind: the packages are those of the database into which a package was
// installed last. It is a problem of c if another lists other packages.
func Read(fsys fs.FS, c *pkgdb.Collector) (found bool, err error) {
	var databases []*database
	found, err = pkgdb.EachFile(fsys, Paths(), c, func(f *rootfs.File, path string) error {
		db := &database{path: path, c: pkgdb.NewCollector(), values: interner{}}
		databases = append(databases, db)
		if path == pathManifest {
			return parseManifest(f, db)
		}
		err := f.Map(func(file *rootfs.Section) error { return db.open(fsys, file, c) })
		if errors.Is(err, rootfs.ErrCutOff) {
			return fmt.Errorf("the package database %w", err)
		}
		return err
	})
	if err != nil || !found {
		return found, err
	}
	return true, newest(databases).merge(databases, c)
}

// damage is what is wrong with a part of a database. The rest can be read.
type damage string

func (d damage) Error() string { return string(d) }

// records are the package headers of a database. One that cannot be read is a
// damage; any other error is one of reading the file, and the last. The bytes
// are valid until the next.
type records = iter.Seq2[[]byte, error]

// maxDamaged is the number of packages of a database that may be damaged before
// the rest is given up.
const maxDamaged = 1000

// database is what was read from one file.
type database struct {
	path    string
	c       *pkgdb.Collector // of this file alone
	values  interner
	latest  int64 // install time, in Unix seconds
	damaged int   // packages
}

// open reads a database of any format; its name does not tell which. budget
// pays for files beside it.
func (d *database) open(fsys fs.FS, file *rootfs.Section, budget *pkgdb.Collector) error {
	start := make([]byte, min(file.Size(), 512))
	if err := readAt(file, start, 0); err != nil {
		return d.unreadable(err)
	}
	switch {
	case isBDB(start):
		return d.read(bdbRecords(file))
	case isNDB(start):
		return d.read(ndbRecords(file))
	case isSQLite(start), file.Size() == 0:
		return d.openSQLite(fsys, file, budget)
	}
	d.c.Problem(d.path, 0, "this is not a package database of rpm: its first bytes are those of no known format")
	return nil
}

// read takes the packages of all records.
func (d *database) read(all records) error {
	number := 0
	for blob, err := range all {
		number++
		var h header
		if err == nil {
			h, err = parseHeader(blob)
		}
		if err == nil {
			err = d.add(h)
		}
		if reason, ok := errors.AsType[damage](err); ok {
			if !d.problem(0, fmt.Sprintf("a part of the database cannot be read (entry %d): %s", number, reason)) {
				return nil
			}
		} else if err != nil {
			return d.unreadable(err)
		}
	}
	return nil
}

// problem notes a package that cannot be read. It is false if there were too
// many of them to go on.
func (d *database) problem(line int, reason string) bool {
	if d.damaged++; d.damaged > maxDamaged {
		reason = fmt.Sprintf("more than %d packages cannot be read; the rest of the database was not looked at", maxDamaged)
	}
	d.c.Problem(d.path, line, reason)
	return d.damaged <= maxDamaged
}

// unreadable describes an error of reading the file itself.
func (d *database) unreadable(err error) error {
	if _, ok := errors.AsType[limitError](err); ok {
		return err
	}
	return fmt.Errorf("the package database %s cannot be read: %w", d.path, err)
}

// add takes the package of a header. Keys that packages are signed with are in
// the database as packages of this name; they are none.
func (d *database) add(h header) error {
	if string(h.name) == "gpg-pubkey" {
		return nil
	}
	p, err := h.inventoryPackage(d.values)
	if p.Name == "" {
		return err
	}
	p.Path = d.path
	d.latest = max(d.latest, p.InstallTime)
	if err := d.c.Add(p); err != nil {
		return limitError{err}
	}
	return err
}

// limitError says that an image has more packages than a scan takes.
type limitError struct{ error }

// newest is the database with the package that was installed last, and the
// first of those that are equal in that. One without packages is chosen only if
// no other has any.
func newest(databases []*database) *database {
	best := databases[0]
	for _, d := range databases[1:] {
		empty, other := len(best.c.Packages()) == 0, len(d.c.Packages()) > 0
		if other && (empty || d.latest > best.latest) {
			best = d
		}
	}
	return best
}

// merge gives c the packages of d, and the problems of all.
func (d *database) merge(all []*database, c *pkgdb.Collector) error {
	if err := c.AddAll(d.c); err != nil {
		return err
	}
	for _, other := range all {
		for _, p := range other.c.Problems() {
			c.Problem(p.Path, p.Line, p.Reason)
		}
		if other != d && len(other.c.Packages()) > 0 && !equal(d.c.Packages(), other.c.Packages()) {
			c.Problem(other.path, 0, fmt.Sprintf(
				"this package database lists %d packages, other ones than %s with %d, into which a package was installed later; only that one was read: remove from the image the database that its rpm does not use",
				len(other.c.Packages()), d.path, len(d.c.Packages())))
		}
	}
	return nil
}

// equal reports whether two databases list the same packages.
func equal(a, b []inventory.Package) bool {
	if len(a) != len(b) {
		return false
	}
	type identity struct{ name, version, arch string }
	in := make(map[identity]struct{}, len(a))
	for _, p := range a {
		in[identity{p.Name, p.Version, p.Arch}] = struct{}{}
	}
	for _, p := range b {
		if _, ok := in[identity{p.Name, p.Version, p.Arch}]; !ok {
			return false
		}
	}
	return true
}
