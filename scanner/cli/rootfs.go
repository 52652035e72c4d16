package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
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

// scanFlags are the values of the flags of the verbs that scan on this machine.
type scanFlags struct {
	db                 string
	out                outcome
	policy             policyFlags
	suppressions       string
	fullOutput         bool
	underInvestigation bool
}

func (v *scanFlags) add(f *flagSet) {
	f.StringVar(&v.db, "db", DefaultDB, "directory of the advisory database")
	f.StringVar(&v.out.format, "format", formatJSON, "format of the report: "+strings.Join(formats(), ", "))
	f.StringVarP(&v.out.output, "output", "o", "", "write the report to this file instead of standard output")
	v.policy.add(f)
	f.StringVar(&v.suppressions, "suppressions", "", "JSON file that lists findings that do not count, and why")
	f.BoolVarP(&v.out.continueOnFailure, "continue-on-failure", "c", false, "exit 0 although the gate failed on findings")
	f.BoolVar(&v.out.reportOnly, "report-only", false, "exit 0 whenever a report was written: its reader acts on the verdict")
	f.BoolVar(&v.fullOutput, "full-output", false, "list packages without vulnerabilities too")
	f.BoolVar(&v.underInvestigation, "show-under-investigation", false, "list what the vendor has not decided yet too; it never fails the gate")
}

// options checks the flags, and says how to scan.
func (v *scanFlags) options(f *flagSet) (o scan.Options, err error) {
	o = scan.Options{
		Scanner: Program + " " + f.env.Version, FullOutput: v.fullOutput,
		UnderInvestigation: v.underInvestigation, Distros: all.List(), Now: f.env.Now,
	}
	if o.Policy, err = v.policy.policy(f); err != nil {
		return o, err
	}
	if _, err := findFormat(v.out.format); err != nil {
		return o, f.wrong(err.Error())
	}
	o.Suppressions, err = readSuppressions(v.suppressions)
	return o, err
}

func runRootfs(_ context.Context, env Env, args []string) error {
	f := newFlags(env, Program+" rootfs", "DIR [flags]")
	var v scanFlags
	v.add(f)
	var image report.Image
	f.StringVar(&image.Reference, "image-ref", "", "name of the image, for the report")
	f.StringVar(&image.Platform, "platform", "", "platform of the image, for the report")
	f.StringVar(&image.Target, "target", "", "build stage that the image is, for the report")
	f.StringVar(&image.Stage, "stage", "", "build stage that the root file system is the result of, if it is not that of the image, for the report")
	rest, err := f.parse(args, 1, 1)
	if err != nil {
		return err
	}
	o, err := v.options(f)
	if err != nil {
		return err
	}
	o.Image = image
	r, err := scanDir(rest[0], v.db, o)
	if err != nil {
		return err
	}
	return v.out.deliver(env, r)
}

// readSuppressions reads a list of suppressions from a file; there are none
// without a name.
func readSuppressions(name string) (list []policy.Suppression, err error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name) //nolint:gosec // the user names the file
	if err != nil {
		return nil, fmt.Errorf("cannot read the suppressions %s: %w", name, pathCause(err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if list, err = policy.DecodeSuppressions(f); err != nil {
		return nil, fmt.Errorf("cannot use the suppressions %s: %w", name, err)
	}
	return list, nil
}

func scanDir(dir, databaseDir string, o scan.Options) (r *report.Report, err error) {
	fsys, err := rootfs.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fsys.Close()) }()
	return scanFS(fsys, databaseDir, o)
}

// scanFS scans a root file system with the database in a directory. That there
// is none matters only if there is something to assess.
func scanFS(fsys fs.FS, databaseDir string, o scan.Options) (r *report.Report, err error) {
	database, missing := openDB(databaseDir)
	if missing != nil && !errors.Is(missing, db.ErrNoDatabase) {
		return nil, missing
	}
	if database != nil {
		defer func() { err = errors.Join(err, database.Close()) }()
	}
	r, err = scan.Rootfs(fsys, database, o)
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
