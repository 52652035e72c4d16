package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/example/microscanner-frontend/scanner/report"
)

func runReport(ctx context.Context, env Env, args []string) error {
	return dispatch(ctx, env, Program+" report", []Command{
		{"convert", "write JSON reports in another format", runReportConvert},
	}, args)
}

func runReportConvert(_ context.Context, env Env, args []string) error {
	f := newFlags(env, Program+" report convert", "REPORT.json... --format FORMAT [flags]")
	name := f.String("format", formatTable, "format to write: "+strings.Join(formats(), ", "))
	output := f.StringP("output", "o", "", "write to this file instead of standard output")
	rest, err := f.parse(args, 1, -1)
	if err != nil {
		return err
	}
	format, err := findFormat(*name)
	if err != nil {
		return f.wrong(err.Error())
	}
	var reports []*report.Report
	for _, file := range rest {
		list, err := readReports(file)
		if err != nil {
			return err
		}
		reports = append(reports, list...)
	}
	if format.NeedsPackages {
		warnOfMissingPackages(env, reports)
	}
	return writeOutput(env, *output, func(w io.Writer) error { return format.WriteAll(w, reports) })
}

// warnOfMissingPackages says that an inventory will not be one.
func warnOfMissingPackages(env Env, reports []*report.Report) {
	for _, r := range reports {
		if !r.ListsAllPackages() {
			fmt.Fprintf(env.Stderr, "%s: warning: the report lists only packages with vulnerabilities; scan with --full-output for all packages\n", Program)
			return
		}
	}
}

// readReport reads a JSON report from a file.
func readReport(name string) (r *report.Report, err error) {
	f, err := openReport(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if r, err = report.Decode(f); err != nil {
		return nil, cannotRead(name, err)
	}
	return r, nil
}

// readReports reads a file with a JSON report, or with a list of them as
// a build of several platforms prints it.
func readReports(name string) (list []*report.Report, err error) {
	f, err := openReport(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if list, err = decodeReports(f); err != nil {
		return nil, cannotRead(name, err)
	}
	return list, nil
}

func decodeReports(r io.Reader) ([]*report.Report, error) {
	limited := &io.LimitedReader{R: r, N: report.MaxSize + 1}
	in := bufio.NewReader(limited)
	if first, err := in.Peek(1); err != nil || first[0] != '[' {
		one, err := report.Decode(in)
		if err != nil {
			return nil, err
		}
		return []*report.Report{one}, nil
	}
	var texts []json.RawMessage
	dec := json.NewDecoder(in)
	err := dec.Decode(&texts)
	if err == nil {
		if _, end := dec.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows behind its end")
		}
	}
	switch {
	case limited.N <= 0:
		return nil, fmt.Errorf("the list of reports is larger than %d MiB", report.MaxSize>>20)
	case err != nil:
		return nil, fmt.Errorf("the list of reports is not a JSON document of this program: %w", err)
	case len(texts) == 0:
		return nil, errors.New("the list of reports is empty")
	}
	list := make([]*report.Report, len(texts))
	for i, text := range texts {
		one, err := report.Decode(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("report %d: %w", i+1, err)
		}
		list[i] = one
	}
	return list, nil
}

func openReport(name string) (*os.File, error) {
	f, err := os.Open(name) //nolint:gosec // the user names the file
	if err != nil {
		return nil, fmt.Errorf("cannot read the report %s: %w", name, pathCause(err))
	}
	return f, nil
}

func cannotRead(name string, err error) error {
	return fmt.Errorf("cannot read %s: %w", name, err)
}
