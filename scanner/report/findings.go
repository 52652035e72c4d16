package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// Finding is one vulnerability of one source package. In the report it stands
// at every installed binary of that package; here it stands once.
type Finding struct {
	ID       string
	Severity severity.Severity
	Source   Source
	Binaries []string // names of the installed packages, sorted
	Fixed    string   // first fixed version of the source package, or empty
	Status   string
}

// Findings lists the findings, worst first, then by source package and id.
func (r *Report) Findings() []Finding {
	type key struct{ id, name, version string }
	at := map[key]int{}
	var out []Finding
	for i := range r.Resources {
		res := &r.Resources[i]
		for j := range res.Vulnerabilities {
			v := &res.Vulnerabilities[j]
			k := key{v.Name, res.Resource.Source.Name, res.Resource.Source.Version}
			n, ok := at[k]
			if !ok {
				n = len(out)
				at[k] = n
				out = append(out, Finding{
					ID: v.Name, Severity: v.Severity, Source: res.Resource.Source,
					Fixed: v.FixVersion, Status: v.Status,
				})
			}
			out[n].Binaries = append(out[n].Binaries, res.Resource.Name)
		}
	}
	for i := range out {
		slices.Sort(out[i].Binaries)
		out[i].Binaries = slices.Compact(out[i].Binaries)
	}
	slices.SortFunc(out, compareFindings)
	return out
}

func compareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(b.Severity, a.Severity),
		cmp.Compare(a.Source.Name, b.Source.Name),
		cmp.Compare(a.Source.Version, b.Source.Version),
		cmp.Compare(a.ID, b.ID),
	)
}

// Failing lists the findings that fail the gate under the report's own policy,
// in the order of Findings.
func (r *Report) Failing() ([]Finding, error) {
	p := policy.Default()
	for key, v := range r.Policy {
		if err := p.Set(key, v.Value, v.From); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(r.Findings(), func(f Finding) bool {
		return !p.Fails(policy.Finding{Severity: f.Severity, Fixable: f.Fixed != ""})
	}), nil
}

// Summarise fills in the parts of a report that follow from its findings and
// its verdict: the summary and the checks.
func (r *Report) Summarise(failOn policy.Threshold) {
	r.VulnerabilitySummary = r.summary()
	r.ImageAssurance = ImageAssurance{ChecksPerformed: []Check{}}
	if failOn == policy.Never {
		return
	}
	check := Check{
		PolicyID: 1, PolicyName: "Default", Control: "max_severity",
		MaximumSeverityAllowed: failOn.String(),
	}
	if r.Verdict.Failing > 0 {
		check.Failed = true
		check.MaximumSeverityFound = worst(r.Verdict.Counts).String()
	}
	r.ImageAssurance.ChecksPerformed = append(r.ImageAssurance.ChecksPerformed, check)
}

func worst(c policy.Counts) severity.Severity {
	for _, s := range severity.All() {
		if c.Of(s) > 0 {
			return s
		}
	}
	return severity.Unknown
}

func (r *Report) summary() VulnerabilitySummary {
	c := r.Verdict.Counts
	s := VulnerabilitySummary{
		High: c.Critical + c.High, Medium: c.Medium, Low: c.Low, Negligible: c.Negligible + c.Unknown,
	}
	s.Total = s.High + s.Medium + s.Low
	r.summariseScores(&s)
	return s
}

func (r *Report) summariseScores(s *VulnerabilitySummary) {
	type key struct{ id, name, version string }
	seen := map[key]bool{}
	var sum float64
	scored := 0
	fixable := severity.Unknown
	for i := range r.Resources {
		src := r.Resources[i].Resource.Source
		for j := range r.Resources[i].Vulnerabilities {
			v := &r.Resources[i].Vulnerabilities[j]
			k := key{v.Name, src.Name, src.Version}
			if seen[k] {
				continue
			}
			seen[k] = true
			score := v.Score()
			if score > 0 {
				sum += score
				scored++
			}
			s.MaxScore = max(s.MaxScore, score)
			if v.FixVersion != "" {
				s.MaxFixableScore = max(s.MaxFixableScore, score)
				fixable = max(fixable, v.Severity)
			}
		}
	}
	if scored > 0 {
		s.ScoreAverage = math.Round(sum/float64(scored)*100) / 100
	}
	if fixable > severity.Unknown {
		s.MaxFixableSeverity = fixable.String()
	}
}
