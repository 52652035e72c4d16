// Command microscanner scans root file systems for known vulnerabilities.
package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/example/microscanner-frontend/scanner/cli"
)

// version is set when a release is linked.
var version = "dev"

func main() {
	os.Exit(cli.Main(context.Background(), cli.Env{
		Args:    os.Args[1:],
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Now:     time.Now,
		Version: version,

		BoundMemory: boundMemory,
	}))
}

// boundMemory tunes the garbage collector for a scan. That of an ordinary image
// is over before the first collection would pay; the limit holds what a hostile
// image can take.
func boundMemory() {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(160 << 20)
}
