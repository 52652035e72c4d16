//go:build !scanonly

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/report"
)

const formatText = "text"

func runDBInfo(_ context.Context, env Env, args []string) (err error) {
	f := newFlags(env, Program+" db info", "DB [flags]")
	var format string
	f.StringVar(&format, "format", formatText, "format of the output: text, json")
	rest, err := f.parse(args, 1, 1)
	if err != nil {
		return err
	}
	write, ok := map[string]func(io.Writer, db.Meta, time.Time) error{formatText: writeInfo, formatJSON: writeInfoJSON}[format]
	if !ok {
		return f.wrong(fmt.Sprintf("--format %q is none of text, json", format))
	}
	database, err := db.Open(rest[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	if err := database.Verify(); err != nil {
		return err
	}
	return buffered(env.Stdout, "standard output", func(w io.Writer) error { return write(w, database.Meta(), env.Now()) })
}

func writeInfoJSON(w io.Writer, meta db.Meta, _ time.Time) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(meta)
}

func writeInfo(w io.Writer, meta db.Meta, now time.Time) error {
	fmt.Fprintf(w, "Digest:         %s\nSchema version: %d\nBuilt:          %s\n\n", meta.Digest, meta.SchemaVersion, meta.Built.Format(time.RFC3339))
	feeds := [][]string{{"FEED", "DATE", "AGE", "ROWS", "MALFORMED", "FROM", "DIGEST"}}
	for _, f := range meta.Feeds {
		date := f.Modified
		if date.IsZero() {
			date = f.Fetched
		}
		feeds = append(feeds, []string{
			f.Name, date.Format(time.DateOnly), age(now.Sub(date)), strconv.Itoa(f.Rows), strconv.Itoa(f.Malformed), f.URL, f.Digest,
		})
	}
	releases := [][]string{{"DISTRIBUTION", "RELEASE", "ROWS", "BYTES", "FILE", "DIGEST"}}
	for _, r := range meta.Releases {
		releases = append(releases, []string{
			r.Distro, r.Release, strconv.Itoa(r.Rows), strconv.FormatInt(r.Size, 10), r.File, r.Digest,
		})
	}
	for _, lines := range [][][]string{feeds, releases} {
		if err := writeColumns(w, lines); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "Rows: %d, releases: %d\n", rows(meta), len(meta.Releases))
	return err
}

// age tells an age in days, or in hours up to two days.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	if d < 2*day {
		return fmt.Sprintf("%dh", max(0, d/time.Hour))
	}
	return fmt.Sprintf("%dd", d/day)
}

// writeColumns writes lines in columns, and an empty line.
func writeColumns(w io.Writer, lines [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		for i, field := range line {
			line[i] = report.Printable(field)
		}
		fmt.Fprintln(t, strings.Join(line, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
