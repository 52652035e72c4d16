package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/rootfs"
	"github.com/example/microscanner-frontend/scanner/scan"
)

// overriding is what MicroScanner says when a failed gate does not count.
const overriding = "Overriding non-zero error code due to --continue-on-failure setting"

// rootfsFlags are the values of the flags of the verb rootfs.
type rootfsFlags struct {
	db, format, output string
	policy             policyFlags
	continueOnFailure  bool
	reportOnly         bool
	fullOutput         bool
	underInvestigation bool
	image              report.Image
}

func runRootfs(_ context.Context, env Env, args []string) error {
	f := newFlags(env, Program+" rootfs", "DIR [flags]")
	var v rootfsFlags
	f.StringVar(&v.db, "db", DefaultDB, "directory of the advisory database")
	f.StringVar(&v.format, "format", formatJSON, "format of the report: "+strings.Join(formats(), ", "))
	f.StringVarP(&v.output, "output", "o", "", "write the report to this file instead of standard output")
	v.policy.add(f)
	f.BoolVarP(&v.continueOnFailure, "continue-on-failure", "c", false, "exit 0 although the gate failed on findings")
	f.BoolVar(&v.reportOnly, "report-only", false, "exit 0 whenever a report was written: its reader acts on the verdict")
	f.BoolVar(&v.fullOutput, "full-output", false, "list packages without vulnerabilities too")
	f.BoolVar(&v.underInvestigation, "show-under-investigation", false, "list what the vendor has not decided yet too; it never fails the gate")
	f.StringVar(&v.image.Reference, "image-ref", "", "name of the image, for the report")
	f.StringVar(&v.image.Platform, "platform", "", "platform of the image, for the report")
	f.StringVar(&v.image.Target, "target", "", "build stage that the image is, for the report")
	rest, err := f.parse(args, 1, 1)
	if err != nil {
		return err
	}
	p, err := v.policy.policy(f)
	if err != nil {
		return err
	}
	write, err := writer(v.format)
	if err != nil {
		return f.wrong(err.Error())
	}
	r, err := scanDir(env, rest[0], v, p)
	if err != nil {
		return err
	}
	if err := writeOutput(env, v.output, func(w io.Writer) error { return write(w, r) }); err != nil {
		return err
	}
	// A table says it itself; a pass goes without saying, but for a report that
	// goes to a file.
	said := v.output == "" && (v.format == formatTable || r.Verdict.Pass)
	verdict := &verdictError{r.Verdict.ExitCode, r.Verdict.Reason, said}
	if v.reportOnly {
		verdict.print(env.Stderr)
		return nil
	}
	return conclude(env, verdict, v.continueOnFailure)
}

func scanDir(env Env, dir string, v rootfsFlags, p policy.Policy) (r *report.Report, err error) {
	database, missing := openDB(v.db)
	if missing != nil && !errors.Is(missing, db.ErrNoDatabase) {
		return nil, missing
	}
	if database != nil {
		defer func() { err = errors.Join(err, database.Close()) }()
	}
	fsys, err := rootfs.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fsys.Close()) }()
	r, err = scan.Rootfs(fsys, database, scan.Options{
		Policy: p, Image: v.image, Scanner: Program + " " + env.Version, FullOutput: v.fullOutput,
		UnderInvestigation: v.underInvestigation, Distros: all.List(), Now: env.Now,
	})
	if errors.Is(err, scan.ErrNeedsDatabase) {
		return nil, missing
	}
	return r, err
}

// openDB opens an advisory database for a scan. The error wraps
// db.ErrNoDatabase where there is none.
func openDB(dir string) (*db.DB, error) {
	database, err := db.Open(dir)
	if errors.Is(err, db.ErrNoDatabase) {
		return nil, &noDatabaseError{dir}
	}
	return database, err
}

// noDatabaseError says where there is no database, and what to do.
type noDatabaseError struct{ dir string }

func (e *noDatabaseError) Error() string {
	return fmt.Sprintf("there is no advisory database in %s; name one with --db, or make one with %q", e.dir, Program+" db build")
}

func (e *noDatabaseError) Unwrap() error { return db.ErrNoDatabase }

// conclude ends a scan whose report is written.
func conclude(env Env, verdict *verdictError, continueOnFailure bool) error {
	switch {
	case verdict.code == policy.ExitPass:
		verdict.print(env.Stderr)
		return nil
	// Only findings can be overridden: an error says that nobody knows.
	case continueOnFailure && verdict.code == policy.ExitGate:
		verdict.print(env.Stderr)
		_, err := fmt.Fprintln(env.Stderr, overriding)
		return err
	}
	return verdict
}
