package scan

import (
	"fmt"
	"time"

	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/inventory"
)

// addLifecycle says in the inventory if its release gets no updates any more.
// It reports whether the release is one that the distribution is known to have.
func addLifecycle(inv *inventory.Inventory, d distro.Distro, now time.Time) (known bool) {
	if d.Lifecycle == nil {
		return true
	}
	cycle, known := d.Lifecycle(inv.OS.Release)
	if !known {
		inv.Notes = append(inv.Notes, fmt.Sprintf("it is not known until when there are advisories for %s", releaseName(d, inv.OS.Release)))
		return false
	}
	end, holders := cycle.End, ""
	if inv.OS.Pro && !cycle.Extended.IsZero() {
		end, holders = cycle.Extended, " with "+cycle.ExtendedName
	}
	if end.IsZero() || now.Before(end.AddDate(0, 0, 1)) {
		return true
	}
	inv.EndOfLife = fmt.Sprintf("%s%s reached its end of life on %s: what became known since is not in its advisories",
		releaseName(d, inv.OS.Release), holders, end.Format(time.DateOnly))
	if holders == "" && !cycle.Extended.IsZero() && now.Before(cycle.Extended.AddDate(0, 0, 1)) {
		inv.EndOfLife += fmt.Sprintf("; %s has updates for it until %s", cycle.ExtendedName, cycle.Extended.Format(time.DateOnly))
	}
	return true
}

// releaseName is a release for people: "Debian 8". What is no number stands in
// quotes.
func releaseName(d distro.Distro, release string) string {
	switch {
	case release == "":
		return d.Name
	case release[0] < '0' || release[0] > '9':
		return fmt.Sprintf("%s %q", d.Name, release)
	}
	return d.Name + " " + release
}
