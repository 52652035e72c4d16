package render

import "github.com/example/microscanner-frontend/scanner/report"

// Index finds the installed packages that a finding is of.
type Index map[indexKey][]*report.Package

// indexKey tells findings of a report apart.
type indexKey struct{ id, source, version string }

func keyOf(f *report.Finding) indexKey {
	return indexKey{f.ID, f.Source.Name, f.Source.Version}
}

// NewIndex makes the index of a report.
func NewIndex(r *report.Report) Index {
	x := Index{}
	for i := range r.Resources {
		p := &r.Resources[i].Resource
		for _, v := range r.Resources[i].Vulnerabilities {
			k := indexKey{v.Name, p.Source.Name, p.Source.Version}
			x[k] = append(x[k], p)
		}
	}
	return x
}

// Of lists the packages of a finding, in the order of the report.
func (x Index) Of(f *report.Finding) []*report.Package {
	return x[keyOf(f)]
}

// Failing is the set of the findings that fail the gate.
type Failing map[indexKey]bool

// NewFailing makes the set of a report, under its own policy.
func NewFailing(r *report.Report) (Failing, error) {
	findings, err := r.Failing()
	if err != nil {
		return nil, err
	}
	set := make(Failing, len(findings))
	for i := range findings {
		set[keyOf(&findings[i])] = true
	}
	return set, nil
}

// Has reports whether a finding fails the gate.
func (s Failing) Has(f *report.Finding) bool { return s[keyOf(f)] }
