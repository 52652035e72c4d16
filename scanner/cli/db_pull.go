//go:build !scanonly

package cli

import (
	"context"
	"fmt"

	"github.com/example/microscanner-frontend/scanner/db/oci"
	"github.com/example/microscanner-frontend/scanner/report"
)

func runDBPull(ctx context.Context, env Env, args []string) error {
	f := newFlags(env, Program+" db pull", "REF [flags]")
	var output string
	var o oci.Options
	f.StringVarP(&output, "output", "o", defaultOutput, "directory of the database; one that is there is replaced")
	f.BoolVar(&o.PlainHTTP, "plain-http", false, usagePlainHTTP)
	rest, err := f.parse(args, 1, 1)
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	pulled, err := oci.Pull(ctx, rest[0], output, o)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stderr, "%s: rows: %d, releases: %d, digest: %s, from %s\n",
		report.Printable(output), rows(pulled.Meta), len(pulled.Meta.Releases), pulled.Meta.Digest, report.Printable(pulled.Reference))
	return err
}
