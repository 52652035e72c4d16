package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/example/microscanner-frontend/scanner/db"
)

// everything builds a database from all of the shared data, measured, and says
// how large it is.
func (b *bench) everything(ctx context.Context) error {
	feeds, err := layOut(localFeeds(), b.data, filepath.Join(b.env.Dir(), "feeds"))
	if err != nil {
		return err
	}
	b.all = filepath.Join(b.env.Dir(), "all")
	s, err := b.measure(ctx, "BuildEverything", 1, append([]string{b.maker, "db", "build", "--output", b.all}, feeds...)...)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "# db build from local copies of %d feeds: %s (limit 60 s, 1 GiB)\n", len(feeds)/2, s)
	return b.sizes()
}

// sizes prints how large the files of the database of everything are.
func (b *bench) sizes() (err error) {
	database, err := db.Open(b.all)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	meta := database.Meta()
	fmt.Fprintf(b.out, "# %-24s %8s %9s %9s %5s %5s\n", "release", "rows", "bytes", "zstd", "B/row", "zstd")
	var rows int
	var plain, compressed int64
	for _, r := range meta.Releases {
		small, err := b.compressed(r.File)
		if err != nil {
			return err
		}
		b.size(r.Distro+" "+r.Release, r.Rows, r.Size, small)
		rows, plain, compressed = rows+r.Rows, plain+r.Size, compressed+small
	}
	b.size("all releases", rows, plain, compressed)
	for name, file := range map[string]db.FileMeta{"descriptions": meta.Details, "repositories": meta.Repositories} {
		if file.File == "" {
			continue
		}
		small, err := b.compressed(file.File)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "# %-24s %8s %9d %9d\n", name, "", file.Size, small)
	}
	fmt.Fprintf(b.out, "# %.2f bytes a row, compressed, descriptions apart (aim 8)\n", float64(compressed)/float64(rows))
	return nil
}

func (b *bench) size(name string, rows int, plain, compressed int64) {
	fmt.Fprintf(b.out, "# %-24s %8d %9d %9d %5.1f %5.1f\n", name, rows, plain, compressed,
		float64(plain)/float64(rows), float64(compressed)/float64(rows))
}

// compressed is the size of a file of that database as zstd compresses it at its
// best level.
func (b *bench) compressed(file string) (int64, error) {
	content, err := os.ReadFile(filepath.Join(b.all, file))
	if err != nil {
		return 0, err
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return 0, err
	}
	return int64(len(encoder.EncodeAll(content, nil))), encoder.Close()
}
