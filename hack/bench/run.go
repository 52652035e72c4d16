package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/example/microscanner-frontend/hack/debian"
	"github.com/example/microscanner-frontend/hack/harness"
)

type options struct {
	rounds, runs int
	database     string
}

// bench is one run.
type bench struct {
	options
	env     *harness.Env
	out     io.Writer
	scanner string // the program, built for this machine
	rootfs  string // directory of the fat image's root file system
	tar     string // the same as an archive
}

func run(ctx context.Context, out io.Writer, o options) (err error) {
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
		scanner: filepath.Join(env.Dir(), "microscanner"),
		rootfs:  filepath.Join(env.Dir(), "rootfs"),
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "goos: %s\ngoarch: %s\npkg: github.com/example/microscanner-frontend/hack/bench\n", runtime.GOOS, runtime.GOARCH)
	if err := b.process(ctx); err != nil {
		return err
	}
	if o.rounds == 0 {
		return nil
	}
	return b.builds(ctx)
}

// prepare unpacks the root file system, compiles the scanner, and makes the
// advisory database.
func (b *bench) prepare(ctx context.Context) error {
	if err := os.Mkdir(b.rootfs, 0o755); err != nil {
		return fmt.Errorf("unpack the root file system: %w", err)
	}
	commands := [][]string{
		{"tar", "-xf", b.tar, "-C", b.rootfs},
		{"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.scanner, "./cmd/scan"},
	}
	if b.database == "" {
		b.database = filepath.Join(b.env.Dir(), "database")
		records := filepath.Join(b.env.Dir(), "records.jsonl")
		if err := writeRecords(b.tar, records); err != nil {
			return err
		}
		commands = append(commands, []string{b.scanner, "db", "build", "--output", b.database, "--feed", "records=" + records})
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
	measure := filepath.Join(b.env.Dir(), "measure")
	if r := b.env.Run(ctx, b.env.Root(), nil, "go", "build", "-o", measure, "./hack/bench/measure"); r.ExitCode != 0 {
		return fmt.Errorf("compile hack/bench/measure:\n%s", r.Combined)
	}
	scan := []string{b.scanner, "rootfs", b.rootfs, "--db", b.database, "--format", "json"}
	if r := b.env.Run(ctx, "/", nil, scan...); r.ExitCode != 0 {
		return fmt.Errorf("the scan exits with %d; it should find nothing here:\n%s", r.ExitCode, r.Combined)
	}
	r := b.env.Run(ctx, "/", nil, append([]string{measure, fmt.Sprint(b.runs)}, scan...)...)
	if r.ExitCode != 0 {
		return fmt.Errorf("measure the scanner:\n%s", r.Combined)
	}
	var walls []time.Duration
	var peaks []int64
	for {
		var ns, kib int64
		n, err := fmt.Sscan(r.Stdout, &ns, &kib)
		if n < 2 || err != nil {
			break
		}
		_, r.Stdout = cutLine(r.Stdout)
		walls, peaks = append(walls, time.Duration(ns)), append(peaks, kib)
		fmt.Fprintf(b.out, "BenchmarkScanProcess 1 %d ns/op %d peak-B\n", ns, kib*1024)
	}
	if len(walls) != b.runs {
		return fmt.Errorf("measured %d runs of the scanner, not %d", len(walls), b.runs)
	}
	slices.Sort(peaks)
	fmt.Fprintf(b.out, "# scanner, %d runs, warm: median %.1f ms wall (aim 10, limit 25), %.1f MiB peak (aim 24, limit 40)\n",
		b.runs, ms(median(walls)), float64(peaks[len(peaks)/2])/1024)
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median of an odd or even number of values; the upper one of the middle two.
func median(values []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
