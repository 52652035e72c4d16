package scan

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/osrelease"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
)

// foreignDatabases lists package databases that no supported distribution uses:
// those of pacman, Portage, Nix and Ubuntu's chiselled images. A root file
// system that has one is not without packages.
func foreignDatabases() []string {
	return []string{"var/lib/pacman/local", "var/db/pkg", "nix/store", "var/lib/chisel"}
}

// foreignReleases lists release files of distributions that have no os-release.
func foreignReleases() []string {
	return []string{"etc/gentoo-release", "etc/arch-release", "etc/slackware-version"}
}

// Inventory reads what is installed in a root file system. An operating system
// that is none of the distros, and a root file system without any, are results;
// a package database that is missing or cannot be read is an error.
func Inventory(fsys fs.FS, distros []distro.Distro) (inventory.Inventory, error) {
	release, err := osrelease.Read(fsys)
	if err != nil {
		return inventory.Inventory{}, err
	}
	for _, d := range distros {
		os, ok := d.Recognise(release)
		switch {
		case !ok:
		case onlyNamed(fsys, release, distros):
			os.Note = "" // on how packages are assessed, of which there are none
			return inventory.Inventory{OS: os, NoPackages: true}, nil
		case os.Unclear != "":
			return inventory.Inventory{OS: os, Unsupported: os.Unclear}, nil
		default:
			return readPackages(fsys, d, os, distros)
		}
	}
	return unrecognised(fsys, release, distros), nil
}

// onlyNamed reports whether a root file system has no sign of a distribution
// but a lone file such as debian_version: no os-release, which every release
// has had for ten years, and no package database. Such a file comes with what
// people copy together by hand; it makes no distribution. Nobody copies a
// redhat-release, and CentOS 6 has nothing else.
func onlyNamed(fsys fs.FS, release osrelease.Release, distros []distro.Distro) bool {
	return release.ID == "" && len(release.Lines) == 0 && release.SystemCPE == "" && len(existing(fsys, databases(distros))) == 0
}

func readPackages(fsys fs.FS, d distro.Distro, os inventory.OS, distros []distro.Distro) (inventory.Inventory, error) {
	c := pkgdb.NewCollector()
	found, err := d.Read(fsys, c)
	if err != nil {
		return inventory.Inventory{}, err
	}
	others := otherDatabases(fsys, d, distros)
	if !found {
		err := fmt.Errorf("the image is %s but has no package database of %s; looked for %s", os.Pretty, d.Name, strings.Join(d.Databases, ", "))
		if paths := slices.Concat(others.used, others.empty); len(paths) > 0 {
			err = fmt.Errorf("%w; it has %s instead", err, strings.Join(paths, ", "))
		}
		return inventory.Inventory{}, err
	}
	if d.Inspect != nil {
		if err := d.Inspect(fsys, &os, c.Packages()); err != nil {
			return inventory.Inventory{}, err
		}
	}
	inv := inventory.Inventory{OS: os, Packages: c.Packages(), Problems: c.Problems()}
	if len(inv.Packages) == 0 {
		err := fmt.Errorf("the package database of %s lists no package", os.Pretty)
		if len(inv.Problems) > 0 {
			err = fmt.Errorf("%w; the first problem with it: %s", err, problemText(inv.Problems[0]))
		}
		return inventory.Inventory{}, err
	}
	if len(others.used) > 0 {
		return inventory.Inventory{OS: os, Unsupported: fmt.Sprintf(
			"the image is %s, but it also has a package database of another distribution: %s; if those packages are not in the image, remove that database from it",
			os.Pretty, strings.Join(others.used, ", "))}, nil
	}
	for _, path := range others.empty {
		inv.Ignored = append(inv.Ignored, inventory.Ignored{
			Path: path, Reason: fmt.Sprintf("this package database does not belong to %s; it lists no package", os.Pretty),
		})
	}
	return inv, nil
}

// others are the package databases that do not belong to a distribution.
type others struct {
	used  []string // that list packages, or may
	empty []string
}

// otherDatabases looks into the databases of the other distros. Installing
// dpkg on Alpine leaves an empty one behind; one with packages says that the
// image is not, or not only, what its release files say. Databases that
// cannot be read count as used.
func otherDatabases(fsys fs.FS, own distro.Distro, distros []distro.Distro) others {
	out := others{used: existing(fsys, foreignDatabases())}
	seen := slices.Clone(own.Databases)
	for _, d := range distros {
		paths := existing(fsys, without(d.Databases, seen))
		seen = append(seen, d.Databases...)
		if len(paths) == 0 {
			continue
		}
		if c, err := readDatabases(fsys, d); err != nil || len(c.Packages())+len(c.Problems()) > 0 {
			out.used = append(out.used, paths...)
		} else {
			out.empty = append(out.empty, paths...)
		}
	}
	return out
}

func readDatabases(fsys fs.FS, d distro.Distro) (*pkgdb.Collector, error) {
	c := pkgdb.NewCollector()
	_, err := d.Read(fsys, c)
	return c, err
}

// without lists the paths that are not among others.
func without(paths, others []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return slices.Contains(others, p) })
}

// unrecognised tells an unsupported operating system from none at all.
func unrecognised(fsys fs.FS, release osrelease.Release, distros []distro.Distro) inventory.Inventory {
	inv := inventory.Inventory{OS: inventory.OS{
		Distro: release.ID, Release: release.VersionID, Version: release.VersionID, Pretty: release.Pretty(), Path: release.Path,
	}}
	if release.ID == "" && len(release.Lines) > 0 {
		line := release.Lines[0]
		inv.OS.Pretty, inv.OS.Version, inv.OS.Path = line.Text, line.Version, line.Path
	}
	if inv.OS.Path != "" {
		inv.Unsupported = fmt.Sprintf("%s is not a supported operating system%s%s",
			fullName(inv.OS), derivation(release, distros), packageCount(fsys, distros))
		return inv
	}
	marks := existing(fsys, append(databases(distros), foreignReleases()...))
	if len(marks) == 0 {
		inv.NoPackages = true
		return inv
	}
	inv.Unsupported = fmt.Sprintf("the image has %s but no release file that names a supported operating system", strings.Join(marks, ", "))
	return inv
}

// fullName is the name for people, with the id if it says something else: a
// derivative may keep the name of its origin.
func fullName(os inventory.OS) string {
	if strings.Contains(strings.ToLower(os.Pretty), os.Distro) {
		return os.Pretty
	}
	return fmt.Sprintf("%s (ID=%s)", os.Pretty, os.Distro)
}

// derivation says of which supported distribution an unsupported one is made.
func derivation(release osrelease.Release, distros []distro.Distro) string {
	for _, like := range release.Like() {
		if d, ok := distro.ByID(distros, like); ok {
			return fmt.Sprintf("; it derives from %s, but builds packages of its own that %s's advisories do not speak of", d.Name, d.Name)
		}
	}
	return ""
}

// packageCount says how many packages are installed, if that is easily read.
func packageCount(fsys fs.FS, distros []distro.Distro) string {
	n := 0
	var seen []string
	for _, d := range distros {
		if len(existing(fsys, without(d.Databases, seen))) > 0 {
			if c, err := readDatabases(fsys, d); err == nil {
				n += len(c.Packages())
			}
		}
		seen = append(seen, d.Databases...)
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "; it has 1 package"
	}
	return fmt.Sprintf("; it has %d packages", n)
}

// databases lists the places of all package databases.
func databases(distros []distro.Distro) []string {
	list := foreignDatabases()
	for _, d := range distros {
		list = append(list, without(d.Databases, list)...)
	}
	return list
}

// existing lists those of the paths at which there is something, be it
// readable or not.
func existing(fsys fs.FS, paths []string) []string {
	var out []string
	for _, path := range paths {
		f, err := fsys.Open(path)
		if err == nil {
			_ = f.Close() // nothing was read
		}
		if !errors.Is(err, fs.ErrNotExist) {
			out = append(out, path)
		}
	}
	return out
}
