package match

import (
	"slices"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
)

// findings makes one finding of the rows of each id that speak of a class of
// packages, or none if they say that it has the fix.
func (m *matching) findings(rows []row, packages []int) []db.Advisory {
	p := &m.inv.Packages[packages[0]]
	out := make([]db.Advisory, 0, len(rows))
	for start := 0; start < len(rows); {
		end := start + 1
		for end < len(rows) && rows[end].ID == rows[start].ID {
			end++
		}
		var v verdict
		for i := start; i < end; i++ {
			if r := &rows[i]; r.Status != advisory.StatusNotAffected && m.applies(&r.Advisory, p) {
				v.take(m, r)
			}
		}
		start = end
		if !v.vulnerable() {
			continue
		}
		if v.advisory.Status == advisory.StatusUnderInvestigation {
			m.undecided[undecided{v.advisory.ID, p.SourceName, p.SourceVersion}] = struct{}{}
			if !m.options.UnderInvestigation {
				continue
			}
		}
		out = append(out, m.stated(v.advisory))
	}
	return out
}

// verdict is what the rows of one id make together.
type verdict struct {
	advisory  db.Advisory
	found     bool // advisory is set
	satisfied bool
}

// take adds a row, which may differ from the others by architecture or product.
func (v *verdict) take(m *matching, r *row) {
	switch {
	case r.satisfied:
		v.satisfied = true
	case !v.found:
		v.advisory, v.found = r.Advisory, true
	default:
		v.advisory = m.fold(&v.advisory, &r.Advisory)
	}
}

// vulnerable reports whether there is a finding. A fix that is installed goes
// before what is said without a version, but not before a higher fix.
func (v *verdict) vulnerable() bool {
	return v.found && (v.advisory.Fixed != "" || !v.satisfied)
}

// fold makes one finding of two: a fix counts rather than none and the higher
// of two, as in the making of the database, with the worst severity of both.
func (m *matching) fold(a, b *db.Advisory) db.Advisory {
	out, worst := *a, a
	if m.stronger(b, a) {
		out = *b
	}
	if b.Severity > a.Severity {
		worst = b
	}
	out.Severity, out.SeveritySource = worst.Severity, worst.SeveritySource
	out.Aliases = slices.Compact(slices.Sorted(slices.Values(slices.Concat(a.Aliases, b.Aliases))))
	return out
}

func (m *matching) stronger(a, b *db.Advisory) bool {
	if a.Fixed == "" || b.Fixed == "" {
		return a.Fixed != "" || b.Fixed == "" && unfixedRank(a.Status) > unfixedRank(b.Status)
	}
	order, err := m.rules.Scheme.Compare(a.Fixed, b.Fixed)
	return err == nil && order > 0
}

// unfixedRank orders the statuses without a version: the one that says more is
// believed.
func unfixedRank(s advisory.Status) int {
	return slices.Index([]advisory.Status{
		advisory.StatusUnderInvestigation, advisory.StatusAffected, advisory.StatusDeferred,
		advisory.StatusWillNotFix, advisory.StatusEndOfLife,
	}, s)
}

// stated is a finding as it concerns the image: a fix for subscribers is a fix
// for those who have the subscription.
func (m *matching) stated(a db.Advisory) db.Advisory {
	if a.Status == advisory.StatusNeedsPro && m.inv.OS.Pro {
		a.Status = advisory.StatusFixed
	}
	return a
}
