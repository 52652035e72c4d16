package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// image is a root file system with about 500 packages.
type image struct {
	name, dir string
	packages  int
}

// images makes a root file system with each kind of package database. Those of
// rpm hold the same packages, of a real CentOS 8: rpm itself converts them to
// SQLite; to NDB, which Debian's rpm is built without, writeNDB does.
func (b *bench) images(ctx context.Context) ([]image, error) {
	dir := filepath.Join(b.env.Dir(), "images")
	real := filepath.Join(b.data, "rootfs", "centos-8-modular")
	release, err := os.ReadFile(filepath.Join(real, "usr/lib/os-release"))
	if err != nil {
		return nil, err
	}
	bdb, sqlite, ndb := filepath.Join(dir, "rpm-bdb"), filepath.Join(dir, "rpm-sqlite"), filepath.Join(dir, "rpm-ndb")
	for _, root := range []string{bdb, sqlite, ndb} {
		if err := write(filepath.Join(root, "usr/lib/os-release"), release); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Join(root, "var/lib/rpm"), 0o755); err != nil {
			return nil, err
		}
	}
	if err := gunzip(filepath.Join(real, "var/lib/rpm/Packages.gz"), filepath.Join(bdb, "var/lib/rpm/Packages")); err != nil {
		return nil, err
	}
	headers := b.env.Run(ctx, "/", nil, "rpmdb", "--dbpath", filepath.Join(bdb, "var/lib/rpm"), "--define", "_db_backend bdb_ro", "--exportdb")
	if headers.ExitCode != 0 {
		return nil, fmt.Errorf("export the packages with rpm:\n%s", headers.Stderr)
	}
	r := b.env.Run(ctx, "/", strings.NewReader(headers.Stdout),
		"rpmdb", "--dbpath", filepath.Join(sqlite, "var/lib/rpm"), "--define", "_db_backend sqlite", "--importdb")
	if r.ExitCode != 0 {
		return nil, fmt.Errorf("import the packages with rpm:\n%s", r.Combined)
	}
	packages, err := writeNDB(filepath.Join(ndb, "var/lib/rpm/Packages.db"), []byte(headers.Stdout))
	if err != nil {
		return nil, err
	}
	apk := filepath.Join(dir, "apk")
	const ofAlpine = 500
	if err := b.alpine(apk, ofAlpine); err != nil {
		return nil, err
	}
	return []image{
		{"apk", apk, ofAlpine}, {"rpm-bdb", bdb, packages}, {"rpm-ndb", ndb, packages}, {"rpm-sqlite", sqlite, packages},
	}, nil
}

// alpine makes an image of Alpine 3.10: no real one has so many packages, so
// that each is there several times, under other names of the same origin.
func (b *bench) alpine(root string, packages int) error {
	real := filepath.Join(b.data, "rootfs", "alpine-3.10.2")
	release, err := os.ReadFile(filepath.Join(real, "etc/os-release"))
	if err != nil {
		return err
	}
	installed, err := os.ReadFile(filepath.Join(real, "lib/apk/db/installed"))
	if err != nil {
		return err
	}
	paragraphs := bytes.Split(bytes.TrimSpace(installed), []byte("\n\n"))
	var out bytes.Buffer
	for i := range packages {
		name := fmt.Appendf(nil, "\nP:n%d-", i)
		paragraph := append([]byte("\n"), paragraphs[i%len(paragraphs)]...)
		out.Write(bytes.TrimPrefix(bytes.Replace(paragraph, []byte("\nP:"), name, 1), []byte("\n")))
		out.WriteString("\n\n")
	}
	if err := write(filepath.Join(root, "etc/os-release"), release); err != nil {
		return err
	}
	return write(filepath.Join(root, "lib/apk/db/installed"), out.Bytes())
}

func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

func gunzip(from, to string) (err error) {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return write(to, content)
}
