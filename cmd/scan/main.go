// Command microscanner scans root file systems for known vulnerabilities.
package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"golang.org/x/term"

	"github.com/example/microscanner-frontend/scanner/cli"
)

// What is set when a release is linked: the version, and the address of the
// token service that is asked unless told (-X main.server=https://…).
var (
	version = "dev"
	server  = ""
)

// Where a build puts the secrets "token" and "microscanner-ca", and where the
// image that a frontend runs from may have CA certificates of an organisation.
const (
	tokenSecret = "/run/secrets/token"
	caSecret    = "/run/secrets/microscanner-ca" //nolint:gosec // a path, no secret
	caFile      = "/etc/microscanner/ca.pem"
)

func main() {
	os.Exit(cli.Main(context.Background(), cli.Env{
		Args:    os.Args[1:],
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Now:     time.Now,
		Version: version,

		Server:    cmp.Or(os.Getenv("MICROSCANNER_SERVER"), server),
		TokenFile: tokenSecret,
		CAFiles:   []string{caFile, caSecret},

		CacheDir:        cacheDir(),
		SourceDateEpoch: os.Getenv("SOURCE_DATE_EPOCH"),
		Terminal:        term.IsTerminal(int(os.Stderr.Fd())),
		Color:           os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(os.Stdout.Fd())), // https://no-color.org

		Commands:    commands(),
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
