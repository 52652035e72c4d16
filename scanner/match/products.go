package match

import (
	"fmt"
	"slices"

	"github.com/example/microscanner-frontend/scanner/inventory"
)

// Repositories tells the products of a repository; *db.DB does.
type Repositories interface {
	// Repository gives the CPEs of the products that a repository belongs to, in
	// the form of OS.CPEs; false for a repository that is not known.
	Repository(id string) (cpes []string, known bool, err error)
}

// Products gives the products whose advisories apply to an image: those of its
// content sets, or the defaults of its release if it states none that is known.
// It lists the content sets that are not known.
func Products(os *inventory.OS, repositories Repositories) (cpes, unknown []string, err error) {
	for _, id := range os.ContentSets {
		list, known, err := repositories.Repository(id)
		if err != nil {
			return nil, nil, fmt.Errorf("look up the products of the content set %s: %w", id, err)
		}
		if !known {
			unknown = append(unknown, id)
			continue
		}
		cpes = append(cpes, list...)
	}
	if len(cpes) == 0 {
		return os.CPEs, unknown, nil
	}
	slices.Sort(cpes)
	return slices.Compact(cpes), unknown, nil
}
