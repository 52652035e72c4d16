package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/example/microscanner-frontend/hack/debian"
	"github.com/example/microscanner-frontend/hack/harness"
)

type options struct {
	rounds, runs   int
	database, data string
}

// bench is one run.
type bench struct {
	options
	env     *harness.Env
	out     io.Writer
	scanner string // the program of the frontend's image, built for this machine
	maker   string // the program with all commands
	rootfs  string // directory of the fat image's root file system
	tar     string // the same as an archive

	measurer string // the program of hack/bench/measure
	all      string // directory of the database of everything
}

func run(ctx context.Context, out io.Writer, o options) (err error) {
	if o.data, err = filepath.Abs(o.data); err != nil {
		return err
	}
	tar, err := debian.Rootfs(ctx, debian.Fat(), debian.Options{Log: os.Stderr})
	if err != nil {
		return err
	}
	env, err := harness.Start(ctx, harness.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, env.Close()) }()
	b := bench{
		options: o, env: env, out: out, tar: tar,
		scanner: filepath.Join(env.Dir(), "microscanner-scanonly"),
		maker:   filepath.Join(env.Dir(), "microscanner"),
		rootfs:  filepath.Join(env.Dir(), "rootfs"), measurer: filepath.Join(env.Dir(), "measure"),
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "goos: %s\ngoarch: %s\npkg: github.com/example/microscanner-frontend/hack/bench\n", runtime.GOOS, runtime.GOARCH)
	if err := b.process(ctx); err != nil {
		return err
	}
	if _, err := os.Stat(o.data); err != nil {
		fmt.Fprintf(out, "# no feeds: %v\n", err)
	} else if err := b.shared(ctx); err != nil {
		return err
	}
	if o.rounds == 0 {
		return nil
	}
	return b.builds(ctx)
}

// shared measures what needs the shared data.
func (b *bench) shared(ctx context.Context) error {
	if err := b.everything(ctx); err != nil {
		return err
	}
	return b.scans(ctx)
}

// prepare unpacks the root file system, compiles the scanner, and makes the
// advisory database.
func (b *bench) prepare(ctx context.Context) error {
	if err := os.Mkdir(b.rootfs, 0o755); err != nil {
		return fmt.Errorf("unpack the root file system: %w", err)
	}
	commands := [][]string{
		{"tar", "-xf", b.tar, "-C", b.rootfs},
		// As Dockerfile.frontend: with cgo it takes longer to start.
		{"env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", "scanonly", "-o", b.scanner, "./cmd/scan"},
		{"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.maker, "./cmd/scan"},
		{"go", "build", "-o", b.measurer, "./hack/bench/measure"},
	}
	if b.database == "" {
		b.database = filepath.Join(b.env.Dir(), "database")
		records := filepath.Join(b.env.Dir(), "records.jsonl")
		if err := writeRecords(b.tar, records); err != nil {
			return err
		}
		commands = append(commands, []string{b.maker, "db", "build", "--output", b.database, "--feed", "records=" + records})
	}
	for _, argv := range commands {
		if r := b.env.Run(ctx, b.env.Root(), nil, argv...); r.ExitCode != 0 {
			return fmt.Errorf("%s: exit code %d\n%s", filepath.Base(argv[0]), r.ExitCode, r.Combined)
		}
	}
	return nil
}

// process measures the scanner on its own, with a warm page cache.
func (b *bench) process(ctx context.Context) error {
	if _, err := b.measure(ctx, "Start", b.runs, b.scanner, "--version"); err != nil {
		return err
	}
	scan := []string{b.scanner, "rootfs", b.rootfs, "--db", b.database, "--format", "json"}
	if r := b.env.Run(ctx, "/", nil, scan...); r.ExitCode != 0 {
		return fmt.Errorf("the scan exits with %d; it should find nothing here:\n%s", r.ExitCode, r.Combined)
	}
	s, err := b.measure(ctx, "ScanProcess/dpkg", b.runs, scan...)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "# dpkg, 522 packages, %d runs: %s (aim 10 ms and 24 MiB, limit 25 ms and 40 MiB)\n", b.runs, s)
	return b.sizeOfImage(ctx)
}
