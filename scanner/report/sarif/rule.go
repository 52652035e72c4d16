package sarif

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// The levels of a result.
const (
	levelError   = "error"
	levelWarning = "warning"
	levelNote    = "note"
	levelNone    = "none"
)

func level(s severity.Severity) string {
	switch {
	case s >= severity.High:
		return levelError
	case s == severity.Medium:
		return levelWarning
	}
	return levelNote
}

// maxDescription is the limit of GitHub for a rule's descriptions, in characters.
const maxDescription = 1000

// ruleSet makes a rule for each vulnerability.
type ruleSet struct {
	at     map[string]int // in driver.Rules, by its id
	worst  []severity.Severity
	driver *sarif.ToolComponent
}

// index is that of the rule of a finding's vulnerability. The rule has the
// severity of its worst finding.
func (s *ruleSet) index(f *report.Finding) int {
	id := ruleID(f)
	n, ok := s.at[id]
	if !ok {
		n = len(s.driver.Rules)
		s.at[id] = n
		s.driver.AddRule(newRule(f))
		s.worst = append(s.worst, f.Severity)
	}
	if f.Severity > s.worst[n] {
		s.worst[n] = f.Severity
		rate(s.driver.Rules[n], f)
	}
	return n
}

func ruleID(f *report.Finding) string { return render.Cut(render.Line(f.ID), 250) }

func newRule(f *report.Finding) *sarif.ReportingDescriptor {
	v := f.Details
	text := func(s string) *sarif.MultiformatMessageString {
		return sarif.NewMultiformatMessageString().WithText(s)
	}
	link := advisoryLink(v)
	known := render.Text(v.Description, render.MaxText)
	description := render.Cut(known, maxDescription)
	told := facts(v)
	if description == "" {
		description = render.Line(f.ID) + " is a known vulnerability."
	}
	rule := sarif.NewReportingDescriptor().WithID(ruleID(f)).WithName("VulnerablePackage").
		WithShortDescription(text(render.Line(title(f)))).
		WithFullDescription(text(description)).
		WithHelp(text(help(told)).WithMarkdown(helpMarkdown(f.ID, told, link, known)))
	if link != "" {
		rule.WithHelpURI(link)
	}
	rate(rule, f)
	return rule
}

// rate gives a rule the severity of a finding.
func rate(rule *sarif.ReportingDescriptor, f *report.Finding) {
	tags := []string{"security", "vulnerability", f.Severity.String()}
	if f.Details.KnownExploited {
		tags = append(tags, "known-exploited")
	}
	rule.DefaultConfiguration = sarif.NewReportingConfiguration().WithLevel(level(f.Severity))
	rule.Properties = &sarif.PropertyBag{Tags: tags, Properties: sarif.Properties{
		"security-severity": strconv.FormatFloat(securitySeverity(f), 'f', 1, 64),
	}}
}

// securitySeverity is the number by which GitHub rates an alert. It is the CVSS
// score where that says the same as the severity that the gate uses, and else
// the middle of that severity's range: the alert and the gate shall agree.
func securitySeverity(f *report.Finding) float64 {
	score := f.Details.Score()
	if score > 0 && severity.FromCVSS(score) == f.Severity {
		return score
	}
	switch f.Severity {
	case severity.Critical:
		return 9.5
	case severity.High:
		return 8
	case severity.Medium:
		return 5.5
	case severity.Low:
		return 2
	case severity.Negligible:
		return 0.1
	}
	return 0 // nobody rated it
}

func title(f *report.Finding) string {
	t := f.ID
	if f.Details.KnownExploited {
		t += ", known to be exploited"
	}
	return t
}

// help is what is known of a vulnerability, in lines, for viewers that do not
// know Markdown. They show the description beside it.
func help(facts []fact) string {
	var b strings.Builder
	for i, fact := range facts {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(fact.name + ": " + fact.value)
	}
	return b.String()
}

// helpMarkdown is the same with a link and the description.
func helpMarkdown(id string, facts []fact, link, description string) string {
	var b strings.Builder
	b.Grow(len(description) + len(description)/8 + 512)
	b.WriteString("**" + render.Markdown(id) + "**\n\n")
	for _, fact := range facts {
		b.WriteString("- " + fact.name + ": " + render.Markdown(fact.value) + "\n")
	}
	if link != "" {
		b.WriteString("- [Advisory](<" + link + ">)\n")
	}
	for line := range strings.SplitSeq(description, "\n") {
		b.WriteString("\n" + render.Markdown(strings.TrimSpace(line)))
	}
	return b.String()
}

// fact is one thing that is known of a vulnerability. The value is one line.
type fact struct{ name, value string }

func facts(v *report.Vulnerability) []fact {
	out := make([]fact, 0, 7)
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{name, render.Line(value)})
		}
	}
	add("Severity", v.Severity.String())
	add("Severity by", v.SeveritySource)
	add("CVSS", cmp.Or(v.VendorVectorsV3, v.VendorVectors, v.NVDVectorsV3, v.NVDVectors))
	if v.KnownExploited {
		add("Known to be exploited since", v.KnownExploitedDate)
	}
	if v.EPSS.Score > 0 {
		add("Exploitation within 30 days (EPSS)", strconv.FormatFloat(v.EPSS.Score*100, 'f', 2, 64)+" %")
	}
	add("Also known as", strings.Join(v.Aliases, ", "))
	add("Published", v.PublishDate)
	return out
}

// advisoryLink is where to read on: the vendor's page, or NVD's.
func advisoryLink(v *report.Vulnerability) string {
	if link := render.Link(v.VendorURL); link != "" {
		return link
	}
	return render.Link(v.NVDURL)
}
