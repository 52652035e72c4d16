package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// scans measures a scan of each kind of package database with the database of
// everything, and shows which of its files the scan opens.
func (b *bench) scans(ctx context.Context) error {
	images, err := b.images(ctx)
	if err != nil {
		return err
	}
	for _, i := range images {
		argv := b.scan(i.dir, b.all)
		files, err := opened(b.all, func() error {
			if r := b.env.Run(ctx, "/", nil, argv...); r.ExitCode != 0 {
				return fmt.Errorf("scan %s: exit code %d\n%s", i.name, r.ExitCode, r.Stderr)
			}
			return nil
		})
		if err != nil {
			return err
		}
		s, err := b.measure(ctx, "ScanProcess/"+i.name, b.runs, argv...)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "# %s, %d packages, %d runs: %s (aim 10 ms); opens %s\n", i.name, i.packages, b.runs, s, strings.Join(files, ", "))
	}
	return nil
}

// sizeOfImage measures scans of two images with the same packages, turn by turn:
// one that has nothing else, and one with many files, and large ones.
func (b *bench) sizeOfImage(ctx context.Context) error {
	small, large := filepath.Join(b.env.Dir(), "small"), filepath.Join(b.env.Dir(), "large")
	for _, root := range []string{small, large} {
		for _, name := range []string{"etc/os-release", "var/lib/dpkg/status"} {
			content, err := os.ReadFile(filepath.Join(b.rootfs, name))
			if err != nil {
				return err
			}
			if err := write(filepath.Join(root, name), content); err != nil {
				return err
			}
		}
	}
	const files, bytes = 20_000, 2 << 30
	if err := fill(large, files, bytes); err != nil {
		return err
	}
	var walls [2][]time.Duration
	for range b.runs / 5 {
		for i, root := range []string{small, large} {
			s, err := b.measure(ctx, "ScanImage/"+filepath.Base(root), 5, b.scan(root, b.database)...)
			if err != nil {
				return err
			}
			walls[i] = append(walls[i], s.walls...)
		}
	}
	fmt.Fprintf(b.out, "# the same packages, %d runs, medians: nothing else in the image %.1f ms; %d files and 2 GiB more %.1f ms\n",
		len(walls[0]), ms(median(walls[0])), files, ms(median(walls[1])))
	return nil
}

// fill adds files to a root file system, where programs and packages have
// theirs. Together they are as large as it says, and take no space.
func fill(root string, files int, size int64) error {
	for i := range files {
		dir := filepath.Join(root, []string{"usr/lib", "usr/share/doc", "var/lib/dpkg/info", "etc"}[i%4], fmt.Sprintf("d%d", i/400))
		if i%400 < 4 {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		name := filepath.Join(dir, fmt.Sprintf("f%d", i))
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			return err
		}
		if err := os.Truncate(name, size/int64(files)); err != nil {
			return err
		}
	}
	return nil
}
