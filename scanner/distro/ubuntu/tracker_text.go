package ubuntu

import (
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// text reads a file of the tracker:
//
//	Candidate: CVE-2022-36879
//	PublicDate: 2022-07-27 04:15:00 UTC
//	Description:
//	 An issue was discovered in …
//	Priority: medium
//	CVSS:
//	 nvd: CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H [5.5 MEDIUM]
//
//	Patches_linux:
//	upstream_linux: needs-triage
//	xenial_linux: ignored (end of standard support)
//	esm-infra/xenial_linux: released (4.4.0-1.2)
func (t *tracker) text(name, text string) error {
	f := &trackerText{v: newVulnerability("")}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			f.more(strings.TrimSpace(line))
			continue
		}
		if key, value, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") {
			f.field(key, strings.TrimSpace(value))
		}
	}
	if f.v.id == "" {
		t.stats.Report(name, "it does not say which vulnerability it is about")
		return nil
	}
	f.v.description = strings.TrimSpace(f.description.String())
	for _, r := range f.rows {
		t.add(f.v, name, r.source, r.release, r.word, r.note)
	}
	return t.finish(f.v)
}

// trackerText is a file of the tracker while it is read.
type trackerText struct {
	v           *vulnerability
	description strings.Builder
	rows        []trackerRow
	key         string // of the field at hand
}

// trackerRow is a line on a package in a release.
type trackerRow struct{ release, source, word, note string }

func (f *trackerText) field(key, value string) {
	f.key = key
	switch key {
	case "Candidate":
		f.v.id = advisory.NormalizeID(value)
		return
	case "PublicDate":
		f.v.published = date(value)
		return
	case "Priority":
		f.v.priority = value
		return
	}
	if of, ok := strings.CutPrefix(key, "Priority_"); ok {
		f.v.priorities[of] = value
		return
	}
	release, source, ok := strings.Cut(key, "_")
	// The other fields of a package start with a capital: Patches_linux.
	if !ok || source == "" || release == "" || release != strings.ToLower(release) {
		return
	}
	word, note, _ := strings.Cut(value, " ")
	note = strings.TrimSpace(note)
	if inside, open := strings.CutPrefix(note, "("); open {
		note = strings.TrimSuffix(inside, ")")
	}
	f.rows = append(f.rows, trackerRow{release, source, word, note})
}

// more reads a line that continues the field at hand.
func (f *trackerText) more(line string) {
	switch f.key {
	case "Description":
		f.description.WriteString(line + "\n")
	case "CVSS":
		if source, vector, ok := strings.Cut(line, ":"); ok && source == "nvd" {
			vector, _, _ = strings.Cut(strings.TrimSpace(vector), " ")
			f.v.cvss = rating(vector, source)
		}
	}
}
