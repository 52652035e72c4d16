package cli

import (
	"context"
	"io"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

// runGate ends a build: it prints the findings that fail the gate, of one or
// more reports, and exits with the worst verdict.
func runGate(_ context.Context, env Env, args []string) error {
	f := newFlags(env, Program+" gate", "REPORT.json...")
	rest, err := f.parse(args, 1, -1)
	if err != nil {
		return err
	}
	var worst *verdictError
	for _, name := range rest {
		r, err := readReport(name)
		if err != nil {
			return err
		}
		if err := writeOutput(env, "", func(w io.Writer) error { return report.WriteFailing(w, r) }); err != nil {
			return err
		}
		if v := r.Verdict; !v.Pass && (worst == nil || v.ExitCode == policy.ExitError && worst.code != policy.ExitError) {
			worst = &verdictError{v.ExitCode, v.Reason, true}
		}
	}
	if worst == nil {
		return nil
	}
	return worst
}
