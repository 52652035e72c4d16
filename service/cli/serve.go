//go:build !scanonly

// Package cli is the verbs of the command line that run the service and look
// after what it keeps.
package cli

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/example/microscanner-frontend/scanner/cli"
	"github.com/example/microscanner-frontend/service/config"
	"github.com/example/microscanner-frontend/service/server"
)

const command = cli.Program + " serve"

// Serve is the verb serve. environ has the form of os.Environ.
func Serve(environ []string) cli.Command {
	return cli.Command{
		Name:    "serve",
		Summary: "run the token service",
		Run: func(ctx context.Context, env cli.Env, args []string) error {
			return serve(ctx, env, args, environ)
		},
	}
}

func serve(ctx context.Context, env cli.Env, args, environ []string) error {
	c, err := config.Load(args, environ, env.Stdout)
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	if err != nil {
		return cli.WrongUse(command, err.Error())
	}
	ctx, stop := cli.UntilSignal(ctx)
	defer stop()
	// Without the path, clients for this platform are those of the folder alone.
	executable, _ := os.Executable()
	s, err := server.New(ctx, server.Options{
		Config: c, Log: env.Stderr, Now: env.Now, Version: cli.Program + " " + env.Version, Executable: executable,
		Update: func(ctx context.Context, log io.Writer) error { return update(ctx, env, c, log) },
	})
	if err != nil {
		return err
	}
	return s.Serve(ctx)
}

// update builds the database as the command "db build" does. A feed of which
// there is only an older copy is no reason to do without the others.
func update(ctx context.Context, env cli.Env, c *config.Config, log io.Writer) error {
	env.Stdout, env.Stderr, env.Terminal = log, log, false
	args := []string{"--output", c.DB, "--allow-stale"}
	if c.DBCache != "" {
		args = append(args, "--cache", c.DBCache)
	}
	for flag, values := range map[string][]string{"--feed": c.DBFeeds, "--mirror": c.DBMirrors, "--distro": c.DBDistros} {
		for _, v := range values {
			args = append(args, flag, v)
		}
	}
	return cli.BuildDatabase(ctx, env, args)
}
