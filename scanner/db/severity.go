package db

import (
	"cmp"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// rate gives the level of a score. CVSS version 2 has no level above high
// (https://nvd.nist.gov/vuln-metrics/cvss).
func rate(rating advisory.CVSS) severity.Severity {
	return min(severity.FromCVSS(rating.Score), ceiling(rating.Version))
}

func ceiling(cvssVersion string) severity.Severity {
	if cvssVersion == "2.0" {
		return severity.High
	}
	return severity.Critical
}

// preferRating orders ratings, the preferred one first: those of the NVD, which
// looks at each vulnerability itself, then of the authority that gave the id,
// then of CISA, which fills in where both are silent, then others; of one
// source, the newest version of CVSS, and of one version the worst score.
func preferRating(a, b advisory.CVSS) int {
	return cmp.Or(
		cmp.Compare(sourceRank(a.Source), sourceRank(b.Source)),
		cmp.Compare(b.Version, a.Version),
		cmp.Compare(b.Score, a.Score),
		cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.Vector, b.Vector),
	)
}

func sourceRank(source string) int {
	switch {
	case source == "nvd" || strings.HasPrefix(source, "nvd-"):
		return 0
	case source == "cna":
		return 1
	case source == "adp":
		return 2
	}
	return 3
}

// sortRatings puts every rating in its place, once.
func sortRatings(ratings []advisory.CVSS) []advisory.CVSS {
	slices.SortFunc(ratings, preferRating)
	return slices.Compact(ratings)
}

// rateRecord gives the rating of a record by its own vendor, and whose it is.
func rateRecord(rec *advisory.Record) (severity.Severity, string) {
	switch {
	case rec.Severity != severity.Unknown:
		return rec.Severity, rec.Distro
	case rec.CVSS != nil:
		return rate(*rec.CVSS), cmp.Or(rec.CVSS.Source, rec.Distro)
	}
	return severity.Unknown, ""
}

// rateRow rates a row that no vendor rated, by its id, else by an alias.
func rateRow(r *row, facts map[string]*detail) {
	if r.severity != severity.Unknown {
		return
	}
	for _, id := range append([]string{r.id}, r.aliases...) {
		if known := facts[id]; known != nil && len(known.cvss) > 0 {
			r.severity, r.source = rate(known.cvss[0]), known.cvss[0].Source
			return
		}
	}
}
