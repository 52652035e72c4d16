package db

import (
	"cmp"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/version"
)

// mergeEntries sorts the records of a package, and makes one of those that are
// about the same: the vulnerability, the module, the architectures and the CPEs. Records that say that a package is not affected are dropped, as
// the absence of a row says the same.
func mergeEntries(entries []entry, scheme version.Scheme) []entry {
	slices.SortFunc(entries, compareEntries)
	out := entries[:0]
	for start := 0; start < len(entries); {
		end := start + 1
		for end < len(entries) && compareKeys(&entries[start], &entries[end]) == 0 {
			end++
		}
		merged := mergeGroup(entries[start:end], scheme)
		start = end
		if merged.status != advisory.StatusNotAffected {
			out = append(out, merged)
		}
	}
	return out
}

// compareKeys orders entries as the rows of a file, and is 0 for those that are
// about the same.
func compareKeys(a, b *entry) int {
	return cmp.Or(
		compareIDs(&a.row, &b.row),
		strings.Compare(a.module, b.module),
		slices.Compare(a.arches, b.arches),
		slices.Compare(a.cpes, b.cpes),
	)
}

// compareIDs orders ids for people: CVE ids first, by year and number, then all
// others by their bytes.
func compareIDs(a, b *row) int {
	switch {
	case a.year != 0 && b.year != 0:
		return cmp.Or(cmp.Compare(a.year, b.year), cmp.Compare(a.number, b.number))
	case a.year != 0:
		return -1
	case b.year != 0:
		return 1
	}
	return strings.Compare(a.id, b.id)
}

// compareEntries orders also what compareKeys leaves equal, so that the order
// in which records were added decides nothing.
func compareEntries(a, b entry) int {
	return cmp.Or(
		compareKeys(&a, &b),
		strings.Compare(string(a.status), string(b.status)),
		strings.Compare(a.fixed, b.fixed),
		cmp.Compare(a.severity, b.severity),
		strings.Compare(a.source, b.source),
		slices.Compare(a.aliases, b.aliases),
	)
}

// mergeGroup gives the one statement that several are: the strongest, with the
// severity and the aliases that any of them has.
func mergeGroup(group []entry, scheme version.Scheme) entry {
	best := group[0]
	for _, e := range group[1:] {
		if stronger(&e, &best, scheme) {
			best = e
		}
	}
	var aliases []string
	for _, e := range group {
		aliases = append(aliases, e.aliases...)
		// The vendor's word goes before a score, and the worst of several.
		if e.vendor != best.vendor && e.vendor || e.vendor == best.vendor && e.severity > best.severity {
			best.severity, best.source, best.vendor = e.severity, e.source, e.vendor
		}
	}
	best.aliases = sorted(aliases)
	return best
}

// stronger tells whether a is to be believed rather than b: of two fixes the
// higher, because the lower was not complete; a fix rather than none, because
// the package with the fix is there; otherwise the one that says more.
func stronger(a, b *entry, scheme version.Scheme) bool {
	if ra, rb := rank(a), rank(b); ra != rb {
		return ra > rb
	}
	if rank(a) < rankFix {
		return false
	}
	order, err := scheme.Compare(a.fixed, b.fixed)
	if err != nil {
		return false // Not possible: the rank says that both are readable.
	}
	return order > 0 || order == 0 && a.status == advisory.StatusFixed && b.status == advisory.StatusNeedsPro
}

// rankFix is the rank of an entry with a version that can be compared.
const rankFix = 7

func rank(e *entry) int {
	switch e.status {
	case advisory.StatusFixed, advisory.StatusNeedsPro:
		if e.readable {
			return rankFix
		}
		return rankFix - 1
	case advisory.StatusEndOfLife:
		return 5
	case advisory.StatusWillNotFix:
		return 4
	case advisory.StatusDeferred:
		return 3
	case advisory.StatusAffected:
		return 2
	case advisory.StatusUnderInvestigation:
		return 1
	}
	return 0
}
