//go:build !scanonly

package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/example/microscanner-frontend/scanner/cli"
	service "github.com/example/microscanner-frontend/service/cli"
)

// commands are the verbs of other packages than cli.
func commands() []cli.Command {
	serve := service.Serve(os.Environ())
	run := serve.Run
	serve.Run = func(ctx context.Context, env cli.Env, args []string) error {
		// A scan leaves much behind and the service keeps little: it can do with
		// fewer collections. GOMEMLIMIT bounds what that takes.
		debug.SetGCPercent(400)
		return run(ctx, env, args)
	}
	return []cli.Command{serve, service.Backup()}
}
