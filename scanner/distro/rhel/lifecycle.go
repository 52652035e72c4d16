package rhel

import (
	"time"

	"github.com/example/microscanner-frontend/scanner/distro"
)

// lifecycle has the ends of Maintenance Support and of Extended Life-cycle
// Support (https://access.redhat.com/support/policy/updates/errata).
func lifecycle(release string) (distro.Lifecycle, bool) {
	day := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	const els = "RHEL Extended Life-cycle Support"
	switch release {
	case "5":
		return distro.Lifecycle{End: day(2017, time.March, 31), Extended: day(2020, time.November, 30), ExtendedName: els}, true
	case "6":
		return distro.Lifecycle{End: day(2020, time.November, 30), Extended: day(2024, time.June, 30), ExtendedName: els}, true
	case "7":
		return distro.Lifecycle{End: day(2024, time.June, 30), Extended: day(2028, time.June, 30), ExtendedName: els}, true
	case "8":
		return distro.Lifecycle{End: day(2029, time.May, 31)}, true
	case "9":
		return distro.Lifecycle{End: day(2032, time.May, 31)}, true
	case "10":
		return distro.Lifecycle{End: day(2035, time.May, 31)}, true
	}
	return distro.Lifecycle{}, false
}
