// Command microscanner scans root file systems for known vulnerabilities.
package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"golang.org/x/term"

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

		CacheDir:        cacheDir(),
		SourceDateEpoch: os.Getenv("SOURCE_DATE_EPOCH"),
		Terminal:        term.IsTerminal(int(os.Stderr.Fd())),

		BoundMemory: boundMemory,
	}))
}

// cacheDir is the user's place for what can be fetched again; empty for a user
// without one.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, cli.Program)
}

// boundMemory tunes the garbage collector for a scan. That of an ordinary image
// is over before the first collection would pay; the limit holds what a hostile
// image can take.
func boundMemory() {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(160 << 20)
}
