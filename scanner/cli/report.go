package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/example/microscanner-frontend/scanner/report"
)

func runReport(ctx context.Context, env Env, args []string) error {
	return dispatch(ctx, env, Program+" report", []Command{
		{"convert", "write a JSON report in another format", runReportConvert},
	}, args)
}

func runReportConvert(_ context.Context, env Env, args []string) error {
	f := newFlags(env, Program+" report convert", "REPORT.json --format FORMAT [flags]")
	format := f.String("format", formatTable, "format to write: "+strings.Join(formats(), ", "))
	output := f.StringP("output", "o", "", "write to this file instead of standard output")
	rest, err := f.parse(args, 1, 1)
	if err != nil {
		return err
	}
	write, err := writer(*format)
	if err != nil {
		return f.wrong(err.Error())
	}
	r, err := readReport(rest[0])
	if err != nil {
		return err
	}
	return writeOutput(env, *output, func(w io.Writer) error { return write(w, r) })
}

// readReport reads a JSON report from a file.
func readReport(name string) (r *report.Report, err error) {
	f, err := os.Open(name) //nolint:gosec // the user names the file
	if err != nil {
		return nil, fmt.Errorf("cannot read the report %s: %w", name, pathCause(err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if r, err = report.Decode(f); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	return r, nil
}
