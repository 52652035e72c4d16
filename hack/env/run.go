package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"github.com/example/microscanner-frontend/hack/debian"
	"github.com/example/microscanner-frontend/hack/harness"
)

// run returns the exit code of command, or 1 and an error.
func run(ctx context.Context, db string, base bool, command []string) (code int, err error) {
	env, err := harness.Start(ctx, harness.Options{})
	if err != nil {
		return 1, err
	}
	defer func() {
		if closeErr := env.Close(); closeErr != nil {
			code, err = 1, errors.Join(err, closeErr)
		}
	}()
	ref, err := env.BuildFrontend(ctx, harness.Frontend{Database: db})
	if err != nil {
		return 1, err
	}
	fmt.Fprintf(os.Stderr, "FRONTEND=%s\nREGISTRY=%s\n", ref, env.Registry())
	if base {
		for _, variant := range []debian.Variant{debian.Vulnerable(), debian.Clean()} {
			ref, err := debian.Push(ctx, env, variant, debian.Options{Log: os.Stderr})
			if err != nil {
				return 1, err
			}
			fmt.Fprintln(os.Stderr, "base image", ref)
		}
	}
	// Ctrl-C is for the command, which has the same terminal. Not ignored but
	// swallowed, as a child inherits an ignored signal.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = env.Environ()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, fmt.Errorf("run %s: %w", command[0], err)
	}
	return 0, nil
}
