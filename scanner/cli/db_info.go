package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	write, ok := map[string]func(io.Writer, db.Meta) error{formatText: writeInfo, formatJSON: writeInfoJSON}[format]
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
	return buffered(env.Stdout, "standard output", func(w io.Writer) error { return write(w, database.Meta()) })
}

func writeInfoJSON(w io.Writer, meta db.Meta) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(meta)
}

func writeInfo(w io.Writer, meta db.Meta) error {
	fmt.Fprintf(w, "Digest:         %s\nSchema version: %d\nBuilt:          %s\n\n", meta.Digest, meta.SchemaVersion, meta.Built.Format(time.RFC3339))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FEED\tDATE\tROWS\tMALFORMED\tFROM\tDIGEST")
	for _, f := range meta.Feeds {
		date := f.Modified
		if date.IsZero() {
			date = f.Fetched
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s\n", report.Printable(f.Name), date.Format(time.DateOnly), f.Rows, f.Malformed, report.Printable(f.URL), report.Printable(f.Digest))
	}
	fmt.Fprintln(t, "\t\t\t\t\t")
	fmt.Fprintln(t, "DISTRIBUTION\tRELEASE\tROWS\tBYTES\tFILE\tDIGEST")
	for _, r := range meta.Releases {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s\n", report.Printable(r.Distro), report.Printable(r.Release), r.Rows, r.Size, report.Printable(r.File), report.Printable(r.Digest))
	}
	fmt.Fprintf(t, "\t\t\t\t\t\n%d rows of %d releases\n", rows(meta), len(meta.Releases))
	return t.Flush()
}
