package report

import (
	"cmp"
	"slices"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/severity"
	"github.com/example/microscanner-frontend/scanner/version"
)

// Group is a kind of findings that is shown, and counted, apart from those that
// the gate looks at.
type Group string

// The groups. The findings that the gate looks at are in none.
const (
	// GroupKernelHeaders is the flaws of the kernel that only packages with its
	// headers have: the kernel that runs is the machine's.
	GroupKernelHeaders Group = "kernel-headers"
	// GroupUnderInvestigation is what the vendor has not decided yet.
	GroupUnderInvestigation Group = "under-investigation"
	// GroupSuppressed is what somebody decided does not count; see
	// Finding.Suppressed. It is never that of a package.
	GroupSuppressed Group = "suppressed"
)

// Finding is one vulnerability of one source package. In the report it stands
// at every installed binary of that package; here it stands once.
type Finding struct {
	ID       string
	Severity severity.Severity // the worst of those at the binaries
	Source   Source
	Binaries []string // names of the installed packages, sorted
	// Fixed is the first fixed version, the highest of those at the binaries; or
	// empty.
	Fixed  string
	Status string
	Group  Group
	// IntroducedBy is the instruction that brought the first of the binaries
	// whose instruction is known, one that the Dockerfile adds before those of
	// the base image; nil if none is.
	IntroducedBy *IntroducedBy
	// Suppressed says why it does not count; nil if it counts. It does not only if
	// that holds for every binary.
	Suppressed *Suppressed
	// Details is what the report says of the vulnerability at the first of the
	// binaries.
	Details *Vulnerability

	blamed bool // the instructions of all binaries are known
}

// Fixable reports whether everybody can install a version without it.
func (f *Finding) Fixable() bool {
	return f.Fixed != "" && f.Status != string(advisory.StatusNeedsPro)
}

// Findings lists the findings that the gate looks at, worst first, then by
// source package and id.
func (r *Report) Findings() []Finding { return r.FindingsOf("") }

// FindingsOf lists the findings of a group, in the same order.
func (r *Report) FindingsOf(g Group) []Finding {
	return slices.DeleteFunc(r.AllFindings(), func(f Finding) bool { return f.Group != g })
}

// AllFindings lists the findings of all groups, in the same order.
func (r *Report) AllFindings() []Finding {
	sources := r.bySource()
	most := 0
	for i := range sources {
		most += sources[i].most
	}
	out := make([]Finding, 0, most)
	at := map[string]int{} // in out, by the id
	for i := range sources {
		clear(at)
		first := len(out)
		for _, n := range sources[i].resources {
			out = addResource(out, at, &r.Resources[n])
		}
		for j := range out[first:] {
			f := &out[first+j]
			slices.Sort(f.Binaries)
			f.Binaries = slices.Compact(f.Binaries)
			f.Source.FixVersion = sources[i].fix
			if f.Suppressed != nil && f.Group != GroupUnderInvestigation {
				f.Group = GroupSuppressed
			}
		}
	}
	slices.SortFunc(out, compareFindings)
	return out
}

// addResource adds the findings of a binary to those of its source package.
func addResource(out []Finding, at map[string]int, res *Resource) []Finding {
	scheme := version.Scheme(res.Resource.Format)
	for i := range res.Vulnerabilities {
		one := findingOf(res, &res.Vulnerabilities[i])
		n, ok := at[one.ID]
		if !ok {
			n = len(out)
			at[one.ID] = n
			out = append(out, one)
		}
		out[n].add(&one, scheme)
		out[n].Binaries = append(out[n].Binaries, res.Resource.Name)
	}
	return out
}

// sourceResources is the binaries of one source package.
type sourceResources struct {
	resources []int  // indexes into the report's
	most      int    // vulnerabilities that one of them has
	fix       string // the highest FixVersion that one of them has
}

// bySource puts the binaries of a source package together.
func (r *Report) bySource() []sourceResources {
	type key struct{ name, version string }
	at := make(map[key]int, len(r.Resources))
	out := make([]sourceResources, 0, len(r.Resources))
	for i := range r.Resources {
		p := &r.Resources[i].Resource
		k := key{p.Source.Name, p.Source.Version}
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k] = n
			out = append(out, sourceResources{})
		}
		s := &out[n]
		s.resources = append(s.resources, i)
		s.most = max(s.most, len(r.Resources[i].Vulnerabilities))
		if higher(version.Scheme(p.Format), p.Source.FixVersion, s.fix) {
			s.fix = p.Source.FixVersion
		}
	}
	return out
}

// findingOf is a vulnerability of one binary, without its name.
func findingOf(res *Resource, v *Vulnerability) Finding {
	return Finding{
		ID: v.Name, Severity: v.Severity,
		Source: Source{Name: res.Resource.Source.Name, Version: res.Resource.Source.Version},
		Fixed:  v.FixVersion, Status: v.Status, Group: groupOf(res, v),
		IntroducedBy: v.IntroducedBy, Suppressed: v.Suppressed, Details: v,
		blamed: v.IntroducedBy != nil,
	}
}

func groupOf(res *Resource, v *Vulnerability) Group {
	if v.Status == string(advisory.StatusUnderInvestigation) {
		return GroupUnderInvestigation
	}
	return res.Resource.Group
}

// add takes what another binary of the source package has. The finding is in a
// group only as far as all binaries are: what is decided of one is decided, and
// what more than headers have is no matter of headers.
func (f *Finding) add(o *Finding, scheme version.Scheme) {
	if f.Group == GroupUnderInvestigation && o.Group != f.Group {
		f.Status = o.Status
	}
	if rank(o.Group) > rank(f.Group) {
		f.Group = o.Group
	}
	f.Severity = max(f.Severity, o.Severity)
	f.blamed = f.blamed && o.blamed
	f.IntroducedBy = preferAdded(f.IntroducedBy, o.IntroducedBy)
	if o.Suppressed == nil {
		f.Suppressed = nil
	}
	if higher(scheme, o.Fixed, f.Fixed) {
		f.Fixed, f.Status = o.Fixed, o.Status
	}
}

// preferAdded is a, unless only b is known, or only b is what the Dockerfile adds.
func preferAdded(a, b *IntroducedBy) *IntroducedBy {
	if a == nil || b != nil && a.Base && !b.Base {
		return b
	}
	return a
}

func rank(g Group) int {
	return slices.Index([]Group{GroupUnderInvestigation, GroupKernelHeaders, ""}, g)
}

// higher reports whether a is a version, and a higher one than b.
func higher(scheme version.Scheme, a, b string) bool {
	if a == "" || b == "" || a == b {
		return a != "" && b == ""
	}
	order, err := scheme.Compare(a, b)
	return err == nil && order > 0
}

func compareFindings(a, b Finding) int {
	if a.Severity != b.Severity {
		return cmp.Compare(b.Severity, a.Severity)
	}
	if a.Source.Name != b.Source.Name {
		return cmp.Compare(a.Source.Name, b.Source.Name)
	}
	return cmp.Or(cmp.Compare(a.Source.Version, b.Source.Version), cmp.Compare(a.ID, b.ID))
}
