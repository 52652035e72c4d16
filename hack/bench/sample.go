package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sample is what runs of a program took.
type sample struct {
	walls []time.Duration
	peaks []int64 // bytes of memory
}

func (s *sample) String() string {
	return fmt.Sprintf("minimum %.1f, median %.1f ms wall, %.1f MiB peak",
		ms(slices.Min(s.walls)), ms(median(s.walls)), float64(slices.Max(s.peaks))/(1<<20))
}

// measure runs a program several times, and prints a line for each.
func (b *bench) measure(ctx context.Context, name string, runs int, argv ...string) (*sample, error) {
	r := b.env.Run(ctx, "/", nil, append([]string{b.measurer, fmt.Sprint(runs)}, argv...)...)
	if r.ExitCode != 0 {
		return nil, fmt.Errorf("measure %s:\n%s", filepath.Base(argv[0]), r.Combined)
	}
	s := &sample{}
	for line := range strings.Lines(r.Stdout) {
		var ns, kib int64
		if n, err := fmt.Sscan(line, &ns, &kib); n < 2 || err != nil {
			return nil, fmt.Errorf("measure %s: unexpected output %q", filepath.Base(argv[0]), line)
		}
		s.walls, s.peaks = append(s.walls, time.Duration(ns)), append(s.peaks, kib<<10)
		fmt.Fprintf(b.out, "Benchmark%s 1 %d ns/op %d peak-B\n", name, ns, kib<<10)
	}
	if len(s.walls) != runs {
		return nil, fmt.Errorf("measured %d runs of %s, not %d", len(s.walls), filepath.Base(argv[0]), runs)
	}
	return s, nil
}

// scan is the command line of a scan that exits with 0 whatever it finds.
func (b *bench) scan(rootfs, database string) []string {
	return []string{
		b.scanner, "rootfs", rootfs, "--db", database, "--format", "json", "--report-only",
		"--fail-on", "never", "--on-unsupported", "warn", "--on-partial", "warn",
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median of an odd or even number of values; the upper one of the middle two.
func median(values []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
