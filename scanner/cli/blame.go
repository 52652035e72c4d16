package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/example/microscanner-frontend/scanner/blame"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// runBlame tells of each finding of a report which step of a build brought its
// package, judges the report again, and says what would repair it.
func runBlame(_ context.Context, env Env, args []string) (err error) {
	f := newFlags(env, Program+" blame", "REPORT.json --step JSON... [flags]")
	output := f.StringP("output", "o", "", "write the report to this file instead of standard output")
	texts := f.StringArray("step", nil, "a step on the way to the root file system, the first one first: "+
		`{"before": "DIR", "by": {…}} with the root file system before it, unless that was empty, and introduced_by as in a report`)
	rest, err := f.parse(args, 1, 1)
	if err != nil {
		return err
	}
	r, err := readReport(rest[0])
	if err != nil {
		return err
	}
	steps, closeAll, err := openSteps(f, *texts)
	defer func() { err = errors.Join(err, closeAll()) }()
	if err != nil {
		return err
	}
	problems, err := blame.Annotate(r, all.List(), steps)
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintf(env.Stderr, "%s: the package databases before step %d are taken for empty: %s\n", Program, p.Step+1, report.Printable(p.Err.Error()))
	}
	if err := r.Rejudge(); err != nil {
		return err
	}
	r.Advise(nil)
	return writeOutput(env, *output, func(w io.Writer) error { return report.WriteJSON(w, r) })
}

// openSteps reads the steps and opens their root file systems. What it opened is
// to be closed, also after an error.
func openSteps(f *flagSet, texts []string) (steps []blame.Step, closeAll func() error, err error) {
	var dirs []*rootfs.Dir
	closeAll = func() error {
		var errs []error
		for _, d := range dirs {
			errs = append(errs, d.Close())
		}
		return errors.Join(errs...)
	}
	for i, text := range texts {
		var s report.Step
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return nil, closeAll, f.wrong(fmt.Sprintf("--step %d of %d is not a step in JSON: %v", i+1, len(texts), err))
		}
		step := blame.Step{By: s.By}
		if s.Before != "" {
			dir, err := rootfs.Open(s.Before)
			if err != nil {
				return nil, closeAll, err
			}
			dirs = append(dirs, dir)
			step.Before = dir
		}
		steps = append(steps, step)
	}
	return steps, closeAll, nil
}
