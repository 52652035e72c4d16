package cli_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"

	"github.com/example/microscanner-frontend/scanner/cli"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// TestMain makes a command of the test's binary: "exits N ARGS..." runs
// microscanner and succeeds if its exit code is N.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"exits": exits})
}

func exits() {
	want, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	got := cli.Main(context.Background(), cli.Env{
		Args: os.Args[2:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Version: "v0-test",
		Now:             func() time.Time { return time.Unix(1700000000, 0).UTC() },
		SourceDateEpoch: os.Getenv("SOURCE_DATE_EPOCH"), Terminal: os.Getenv("TERMINAL") != "",
		Fetch:  feed.Options{Pause: time.Millisecond},
		Server: os.Getenv("MICROSCANNER_SERVER"), TokenFile: os.Getenv("SECRET"),
	})
	if got != want {
		fmt.Fprintf(os.Stderr, "the exit code is %d, not %d\n", got, want)
		os.Exit(1)
	}
}

// TestScripts runs the transcripts in testdata/script. UPDATE_SCRIPTS=1 writes
// the output that they compare with.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"mkfifo": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(syscall.Mkfifo(ts.MkAbs(args[0]), 0o600))
			},
			"sparse": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.Truncate(ts.MkAbs(args[0]), 5<<30))
			},
			"only":    only,
			"serve":   serve,
			"service": service,
			"silent":  silent,
			"damage":  damage,
		},
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// only checks that a folder holds these files and no others.
func only(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, args[1:]) {
		ts.Fatalf("%s holds %q, not %q", args[0], got, args[1:])
	}
}

// A memory limit would make a build of a large database slow, and a scan
// without one could take all there is.
func TestBoundsMemoryOfWhatReadsImages(t *testing.T) {
	for _, tc := range []struct {
		args    []string
		bounded bool
	}{
		{[]string{"rootfs", "--help"}, true},
		{[]string{"report", "--help"}, true},
		{[]string{"gate", "--help"}, true},
		{[]string{"inventory", "--help"}, true},
		{[]string{"remote", "--help"}, true},
		{[]string{"register", "--help"}, false},
		{[]string{"--help"}, false},
		{[]string{"db", "build", "--help"}, false},
		{[]string{"--version"}, false},
	} {
		bounded := false
		code := cli.Main(t.Context(), cli.Env{
			Args: tc.args, Stdout: io.Discard, Stderr: io.Discard, Now: time.Now,
			BoundMemory: func() { bounded = true },
		})
		assert.Zero(t, code, tc.args)
		assert.Equal(t, tc.bounded, bounded, tc.args)
	}
}
