// Command demo shows what the frontend does, on real Debian images: one with
// known vulnerabilities is refused, one without ships, and the image that
// ships is the one that a build without a scan gives. It fails if any of this
// is not so.
//
//	go run ./hack/demo [--engine auto|docker|private]
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
	engine := flag.String("engine", "auto", "`what` builds: docker, a private BuildKit, or auto: docker if there is an engine")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, *engine)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		os.Exit(1)
	}
}
