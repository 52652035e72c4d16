package centos

import (
	"slices"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed/csaf/redhat"
)

// adapt makes statements on CentOS of those on RHEL. Only the fixes of the base
// product and of the extras reached CentOS, and only until its last day; what
// was fixed later, or for those alone who pay for it, will never be. All
// releases have ended, so that nothing else that waits for a fix gets one.
func adapt(statements []redhat.Statement) []redhat.Statement {
	statements = slices.DeleteFunc(redhat.WithoutELS(statements), func(s redhat.Statement) bool {
		return s.Stream != redhat.StreamBase && s.Stream != redhat.StreamExtras || lastDay(s.Release) == ""
	})
	unfixed := map[key]bool{}
	for i := range statements {
		s := &statements[i]
		if s.Status == advisory.StatusFixed && s.Day > lastDay(s.Release) {
			unfixed[keyOf(s)] = true
			s.Status, s.Fixed, s.Advisories = advisory.StatusEndOfLife, "", nil
		}
		if s.Status == advisory.StatusAffected || s.Status == advisory.StatusDeferred {
			s.Status = advisory.StatusEndOfLife
		}
		if s.Status == advisory.StatusEndOfLife {
			s.Arch = ""
		}
		// CentOS has no products to tell apart.
		s.CPEs = nil
	}
	// Of several fixes of one vulnerability the last is the whole one. Without
	// it, an earlier one must not count.
	return slices.DeleteFunc(statements, func(s redhat.Statement) bool {
		return s.Status == advisory.StatusFixed && unfixed[keyOf(&s)]
	})
}

type key struct {
	release, name, module string
	kind                  advisory.Kind
}

func keyOf(s *redhat.Statement) key { return key{s.Release, s.Package, s.Module, s.Kind} }
