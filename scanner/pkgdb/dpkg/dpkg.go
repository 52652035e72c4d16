// Package dpkg reads the package databases of dpkg: the status file, and the
// folder status.d of images without dpkg itself.
package dpkg

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// Paths of dpkg's databases inside a root file system.
const (
	pathStatus    = "var/lib/dpkg/status"
	pathStatusUsr = "usr/lib/dpkg/status" // moved there by some image builders
	pathStatusDir = "var/lib/dpkg/status.d"
)

// maxStatusFiles is how many files status.d may hold.
const maxStatusFiles = 100_000

// Paths lists the places of dpkg's databases.
func Paths() []string { return []string{pathStatus, pathStatusDir, pathStatusUsr} }

// Read reads all of dpkg's databases into c and reports whether there is any.
func Read(fsys fs.FS, c *pkgdb.Collector) (found bool, err error) {
	paths := []string{pathStatus, pathStatusUsr}
	entries, err := rootfs.ReadDir(fsys, pathStatusDir, maxStatusFiles)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("the package database %w", err)
	}
	for _, e := range entries {
		if !isMaintainerFile(e.Name()) {
			paths = append(paths, path.Join(pathStatusDir, e.Name()))
		}
	}
	return pkgdb.ReadFiles(fsys, paths, c, Parse)
}

// isMaintainerFile tells the files beside a paragraph in status.d from it. A
// package's name may itself hold a dot: python3.11.
func isMaintainerFile(name string) bool {
	return slices.Contains([]string{
		".conffiles", ".config", ".list", ".md5sums", ".postinst", ".postrm",
		".preinst", ".prerm", ".shlibs", ".symbols", ".templates", ".triggers",
	}, path.Ext(name))
}
