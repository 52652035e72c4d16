package diff

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// WriteText writes the differences for people: a table of the releases that
// differ, then, unless only a summary is wanted, each advisory that came (+),
// went (-) or changed (~). printable makes a text of a database safe to print.
func WriteText(w io.Writer, from, to *db.DB, summary bool, printable func(string) string) error {
	releases := Releases(from, to)
	counts, err := countAll(releases)
	if err != nil {
		return err
	}
	if err := writeSummary(w, from, to, releases, counts); err != nil || summary {
		return err
	}
	for i, r := range releases {
		if counts[i] == (Counts{}) {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(r.Distro+" "+r.Release)); err != nil {
			return err
		}
		if err := writeChanges(w, r, printable); err != nil {
			return err
		}
	}
	return nil
}

func countAll(releases []Release) ([]Counts, error) {
	counts := make([]Counts, len(releases))
	for i, r := range releases {
		var err error
		if counts[i], err = r.Count(); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

func writeSummary(w io.Writer, from, to *db.DB, releases []Release, counts []Counts) error {
	for _, d := range []struct {
		name string
		meta db.Meta
	}{{"Old", from.Meta()}, {"New", to.Meta()}} {
		if _, err := fmt.Fprintf(w, "%s: %s, built %s\n", d.name, d.meta.Digest, d.meta.Built.Format(time.RFC3339)); err != nil {
			return err
		}
	}
	if len(releases) == 0 {
		_, err := fmt.Fprintln(w, "\nNo advisory differs.")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nDISTRIBUTION\tRELEASE\tADDED\tREMOVED\tCHANGED")
	var all Counts
	for i, r := range releases {
		note := ""
		switch {
		case r.Came():
			note = "\tnew"
		case r.Went():
			note = "\tgone"
		}
		all.Add(counts[i])
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d%s\n", r.Distro, r.Release, counts[i].Added, counts[i].Removed, counts[i].Changed, note)
	}
	fmt.Fprintf(t, "all\t\t%d\t%d\t%d\n", all.Added, all.Removed, all.Changed)
	return t.Flush()
}

func writeChanges(w io.Writer, r Release, printable func(string) string) error {
	last := ""
	for c, err := range r.Changes() {
		if err != nil {
			return err
		}
		if heading := fmt.Sprintf("  %s (%s)\n", printable(c.Package), c.Kind); heading != last {
			last = heading
			if _, err := io.WriteString(w, heading); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(w, "    %s\n", printable(c.String())); err != nil {
			return err
		}
	}
	return nil
}

// String is the change in one line, unescaped, without the package.
func (c *Change) String() string {
	a := c.Advisory()
	line := a.ID
	if a.Module != "" {
		line += " [" + a.Module + "]"
	}
	switch {
	case c.Old == nil:
		return "+ " + line + ": " + state(a)
	case c.New == nil:
		return "- " + line + ": " + state(a)
	}
	return "~ " + line + ": " + state(c.Old) + " -> " + state(c.New)
}

// state says in words what an advisory says.
func state(a *db.Advisory) string {
	words := string(a.Status)
	if a.Fixed != "" {
		words += " in " + a.Fixed
	}
	return words + ", " + a.Severity.String()
}

// The JSON document. Rows are written one by one.
type (
	jsonDatabase struct {
		Digest string    `json:"digest"`
		Built  time.Time `json:"built"`
	}
	jsonRow struct {
		Change  string        `json:"change"` // "added", "removed" or "changed"
		Package string        `json:"package"`
		Kind    advisory.Kind `json:"kind"`
		ID      string        `json:"id"`
		Module  string        `json:"module,omitempty"`
		Arches  []string      `json:"arches,omitempty"`
		CPEs    []string      `json:"cpes,omitempty"`
		Old     *jsonState    `json:"old,omitempty"`
		New     *jsonState    `json:"new,omitempty"`
	}
	jsonState struct {
		Status   advisory.Status   `json:"status"`
		Fixed    string            `json:"fixed,omitempty"`
		Severity severity.Severity `json:"severity"`
	}
)

// WriteJSON writes the differences as one JSON document: {old, new, releases:
// [{distro, release, added, removed, changed, advisories: [...]}]}, a line an
// advisory. Without advisories it is the summary.
func WriteJSON(w io.Writer, from, to *db.DB, summary bool) error {
	b := bufio.NewWriter(w) // It keeps the first error for Flush.
	fmt.Fprint(b, `{"old":`, encode(describe(from)), `,"new":`, encode(describe(to)), `,"releases":[`)
	for i, r := range Releases(from, to) {
		if i > 0 {
			fmt.Fprint(b, ",")
		}
		if err := writeReleaseJSON(b, r, summary); err != nil {
			return err
		}
	}
	fmt.Fprint(b, "\n]}\n")
	return b.Flush()
}

func writeReleaseJSON(b *bufio.Writer, r Release, summary bool) error {
	n, err := r.Count()
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "\n{\"distro\":%s,\"release\":%s,\"added\":%d,\"removed\":%d,\"changed\":%d", encode(r.Distro), encode(r.Release), n.Added, n.Removed, n.Changed)
	if summary {
		return b.WriteByte('}')
	}
	fmt.Fprint(b, `,"advisories":[`)
	separator := "\n "
	for c, err := range r.Changes() {
		if err != nil {
			return err
		}
		if _, err := fmt.Fprint(b, separator, encode(newJSONRow(&c))); err != nil {
			return err
		}
		separator = ",\n "
	}
	_, err = b.WriteString("]}")
	return err
}

func describe(d *db.DB) jsonDatabase { return jsonDatabase{d.Meta().Digest, d.Meta().Built} }

func newJSONRow(c *Change) jsonRow {
	a := c.Advisory()
	row := jsonRow{
		Change: "changed", Package: c.Package, Kind: c.Kind, ID: a.ID, Module: a.Module, Arches: a.Arches, CPEs: a.CPEs,
		Old: newJSONState(c.Old), New: newJSONState(c.New),
	}
	switch {
	case c.Old == nil:
		row.Change = "added"
	case c.New == nil:
		row.Change = "removed"
	}
	return row
}

func newJSONState(a *db.Advisory) *jsonState {
	if a == nil {
		return nil
	}
	return &jsonState{a.Status, a.Fixed, a.Severity}
}

// encode gives the JSON of a value whose kind always has one.
func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(text)
}
