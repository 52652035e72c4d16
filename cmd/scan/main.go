// Command microscanner scans root file systems for known vulnerabilities.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/example/microscanner-frontend/scanner/cli"
)

// version is set when a release is linked.
var version = "dev"

func main() {
	// A scan of an ordinary image is over before the first collection of
	// garbage would pay. The limit holds what a hostile image can take.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(160 << 20)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.Env{
		Args:    os.Args[1:],
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Now:     time.Now,
		Version: version,
	})
	stop()
	os.Exit(code)
}
