//go:build !scanonly

package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/example/microscanner-frontend/scanner/db/oci"
	"github.com/example/microscanner-frontend/scanner/report"
)

// usagePlainHTTP is the help of a flag of push and pull.
const usagePlainHTTP = "talk HTTP to a registry that has no HTTPS; one on this machine needs no flag"

func runDBPush(ctx context.Context, env Env, args []string) error {
	f := newFlags(env, Program+" db push", "REF [flags]")
	var dir string
	var o oci.Options
	f.StringVar(&dir, "db", DefaultDB, "directory of the advisory database")
	f.BoolVar(&o.PlainHTTP, "plain-http", false, usagePlainHTTP)
	rest, err := f.parse(args, 1, 1)
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	pushed, err := oci.Push(ctx, dir, rest[0], o)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stderr, "%s: layers: %d, bytes: %d, digest of the database: %s\n", rest[0], pushed.Layers, pushed.Bytes, pushed.Meta.Digest)
	_, err = fmt.Fprintln(env.Stdout, report.Printable(pushed.Reference))
	return err
}

// UntilSignal is untilSignal for other packages.
func UntilSignal(ctx context.Context) (context.Context, func()) { return untilSignal(ctx) }

// untilSignal gives a context that ends in an orderly way, without unfinished
// files, when a signal asks for it; a second signal ends the process.
func untilSignal(ctx context.Context) (context.Context, func()) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
