// Package dpkg reads the package databases of dpkg: the status file, and the
// folder status.d of images without dpkg itself.
package dpkg

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// Paths of dpkg's databases inside a root file system.
const (
	pathStatus    = "var/lib/dpkg/status"
	pathStatusUsr = "usr/lib/dpkg/status" // moved there by some image builders
	pathStatusDir = "var/lib/dpkg/status.d"
	pathUpdates   = "var/lib/dpkg/updates"
)

// maxFiles is how many files a folder may hold. Each is opened, and the largest
// status.d known has a few hundred.
const maxFiles = 10_000

// Paths lists the places of dpkg's databases.
func Paths() []string { return []string{pathStatus, pathStatusDir, pathStatusUsr} }

// Reads lists the folders, with a slash behind, of which Read opens files.
func Reads() []string { return []string{pathStatusDir + "/", pathUpdates + "/"} }

// Read reads all of dpkg's databases into c and reports whether there is any.
func Read(fsys fs.FS, c *pkgdb.Collector) (found bool, err error) {
	paths := []string{pathStatus, pathStatusUsr}
	entries, err := rootfs.ReadDir(fsys, pathStatusDir, maxFiles)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("the package database %w", err)
	}
	for _, e := range entries {
		if !isMaintainerFile(e.Name()) {
			paths = append(paths, path.Join(pathStatusDir, e.Name()))
		}
	}
	if found, err = pkgdb.ReadFiles(fsys, paths, c, Parse); err != nil || !found {
		return found, err
	}
	return found, noteUpdates(fsys, c)
}

// noteUpdates makes a problem of the files in which dpkg keeps changes that are
// not in the status file yet. They are left behind by a dpkg that was
// interrupted, and are named by numbers (dpkg's lib/dpkg/dbmodify.c).
func noteUpdates(fsys fs.FS, c *pkgdb.Collector) error {
	entries, err := rootfs.ReadDir(fsys, pathUpdates, maxFiles)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the package database %w", err)
	}
	for _, e := range entries {
		if strings.Trim(e.Name(), "0123456789") == "" {
			c.Problem(path.Join(pathUpdates, e.Name()), 0, `dpkg was interrupted, and this change is not in the status file yet; run "dpkg --configure -a" in the image`)
		}
	}
	return nil
}

// isMaintainerFile tells the files beside a paragraph in status.d from it. A
// package's name may itself hold a dot: python3.11.
func isMaintainerFile(name string) bool {
	return slices.Contains([]string{
		".conffiles", ".config", ".list", ".md5sums", ".postinst", ".postrm",
		".preinst", ".prerm", ".shlibs", ".symbols", ".templates", ".triggers",
	}, path.Ext(name))
}
