// Command env starts a private BuildKit and registry, builds the frontend
// image into it, and runs a command, or a shell, that uses them:
//
//	go run ./hack/env [--db DIR] [--base] [-- COMMAND ...]
//
// The command finds docker buildx, buildx, buildctl and crane set up to use
// them, and the variables REGISTRY (host:port) and FRONTEND (reference). All
// is gone when it ends. Its exit code is the command's.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	db := flag.String("db", "", "`directory` of a compiled advisory database for the frontend image")
	base := flag.Bool("base", false, "also make the base images debian-vulnerable and debian-clean")
	flag.Parse()
	command := flag.Args()
	if len(command) == 0 {
		command = []string{"bash", "--norc"}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	code, err := run(ctx, *db, *base, command)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "env:", err)
	}
	os.Exit(code)
}
