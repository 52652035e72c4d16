package scan

import (
	"slices"

	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/osrelease"
)

// Paths lists all that Inventory may open in a root file system: files, and
// folders, with a slash behind, of which it may open any file.
func Paths(distros []distro.Distro) []string {
	list := slices.Concat(osrelease.Paths(), foreignReleases(), databases(distros))
	for _, d := range distros {
		list = append(list, d.Reads...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
