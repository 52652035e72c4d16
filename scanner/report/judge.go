package report

import (
	"math"
	"slices"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// Failing lists the findings that fail the gate under the report's own policy,
// in the order of Findings.
func (r *Report) Failing() ([]Finding, error) {
	p, err := r.policy()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(r.Findings(), func(f Finding) bool {
		return !p.Fails(f.Judged())
	}), nil
}

// Judge puts a report under a policy: it fills in the policy, the verdict, and
// what follows from them. A report can be judged again, after something was
// learned of its findings, or by another policy than the scan's.
func (r *Report) Judge(p policy.Policy) {
	scan := policy.Scan{Assessment: r.Assessment}
	for _, f := range r.AllFindings() {
		if f.Group != GroupUnderInvestigation {
			scan.Findings = append(scan.Findings, f.Judged())
		}
	}
	values := p.Values()
	for key, v := range r.Policy {
		if policy.Allowed(key) == nil { // a setting that is none of the gate's
			values[key] = v
		}
	}
	r.Policy = values
	r.Verdict = policy.Evaluate(p, scan)
	r.summarise(p.Gate())
}

// Judged is what the gate needs to know of a finding.
func (f *Finding) Judged() policy.Finding {
	by := f.IntroducedBy
	return policy.Finding{
		Severity: f.Severity, Fixable: f.Fixable(), Headers: f.Group == GroupKernelHeaders,
		Base: by != nil && by.Base && f.blamed, Added: by != nil && !by.Base,
		Suppressed: f.Group == GroupSuppressed,
	}
}

// summarise fills in the parts of a report that follow from its findings and
// its verdict: the summary and the checks.
func (r *Report) summarise(gate policy.Threshold) {
	r.VulnerabilitySummary = r.summary()
	r.ImageAssurance = ImageAssurance{ChecksPerformed: []Check{}}
	if gate == policy.Never {
		return
	}
	check := Check{
		PolicyID: 1, PolicyName: "Default", Control: "max_severity",
		MaximumSeverityAllowed: gate.String(),
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
			if seen[k] || v.Suppressed != nil || groupOf(&r.Resources[i], v) != "" {
				continue
			}
			seen[k] = true
			score := v.Score()
			if score > 0 {
				sum += score
				scored++
			}
			s.MaxScore = max(s.MaxScore, score)
			if v.fixable() {
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
