package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/example/microscanner-frontend/scanner/cli"
)

// TestScripts runs the transcripts in testdata/script. "exitN ARGS..." runs the
// command and wants the exit code N.
func TestScripts(t *testing.T) {
	commands := map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"mkfifo": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(syscall.Mkfifo(ts.MkAbs(args[0]), 0o600))
		},
		"sparse": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.Truncate(ts.MkAbs(args[0]), 5<<30))
		},
		// empty checks that a folder holds nothing but the files named.
		"only": func(ts *testscript.TestScript, _ bool, args []string) {
			entries, err := os.ReadDir(ts.MkAbs(args[0]))
			ts.Check(err)
			got := []string{}
			for _, e := range entries {
				got = append(got, e.Name())
			}
			if fmt.Sprint(got) != fmt.Sprint(args[1:]) {
				ts.Fatalf("%s holds %v, not %v", args[0], got, args[1:])
			}
		},
	}
	for _, code := range []int{0, 1, 2, 4} {
		commands[fmt.Sprintf("exit%d", code)] = func(ts *testscript.TestScript, _ bool, args []string) {
			if got := run(ts, args); got != code {
				ts.Fatalf("the exit code is %d, not %d", got, code)
			}
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		Cmds:                commands,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func run(ts *testscript.TestScript, args []string) int {
	dir := ts.Getenv("WORK")
	for i, a := range args {
		if _, err := os.Lstat(ts.MkAbs(a)); err == nil && !filepath.IsAbs(a) {
			args[i] = filepath.Join(dir, a) // a script does not change the process's own folder
		}
	}
	return cli.Main(context.Background(), cli.Env{
		Args: args, Stdout: ts.Stdout(), Stderr: ts.Stderr(), Version: "v0-test",
		Now: func() time.Time { return time.Unix(1700000000, 0).UTC() },
	})
}
