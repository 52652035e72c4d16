package report

import (
	"bytes"
	"fmt"
	"strings"
)

// writeNotAssessed writes what the scan says nothing about.
func writeNotAssessed(b *bytes.Buffer, list []NotAssessed, all bool) {
	shown := len(list)
	if !all {
		shown = min(shown, maxMissing)
	}
	for _, n := range list[:shown] {
		b.WriteString("Not assessed: " + Printable(n.String()) + "\n")
	}
	writeMore(b, len(list)-shown, " that were not assessed")
}

// writeNotices writes what people should know soon.
func writeNotices(b *bytes.Buffer, notices []string, all bool) {
	shown := len(notices)
	if !all {
		shown = min(shown, maxNotices)
	}
	for _, n := range notices[:shown] {
		b.WriteString("Note: " + Printable(n) + "\n")
	}
	writeMore(b, len(notices)-shown, " notes")
}

// writeAdvice writes what would repair the findings.
func writeAdvice(b *bytes.Buffer, advice []Advice, all bool) {
	if len(advice) == 0 {
		return
	}
	shown := len(advice)
	if !all {
		shown = min(shown, maxAdvice)
	}
	b.WriteString("\nWhat would repair the findings:\n")
	for i := range advice[:shown] {
		advice[i].write(b, all)
	}
	writeMore(b, len(advice)-shown, " instructions")
	b.WriteString("\n")
}

func (a *Advice) write(b *bytes.Buffer, all bool) {
	if a.Line > 0 || a.Instruction != "" {
		place := strings.TrimSpace(placeOf(a.File, a.Line) + " " + a.Instruction)
		fmt.Fprintf(b, "  %s\n", cut(Printable(place), maxReason))
	}
	fmt.Fprintf(b, "    %s\n", Printable(a.Text))
	switch {
	case a.Command == "":
	case len(a.Command) > maxCommand && !all:
		b.WriteString("    the report has the command, which is long\n")
	default:
		fmt.Fprintf(b, "    %s\n", Printable(a.Command))
	}
}
