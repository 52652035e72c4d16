package main

import (
	"archive/tar"
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/severity"
)

const (
	// The size of Debian 12's part of the security tracker, about.
	otherSources     = 3000
	recordsPerSource = 12
	// The kernel has far more, most of them fixed many at a time.
	kernelRecords  = 5000
	kernelVersions = 300
)

// writeRecords writes advisories for Debian 12 as many as Debian has, for the
// source packages in the root file system and for invented ones. All are fixed
// in versions below any other, so a scan compares each and finds nothing.
func writeRecords(rootfs, to string) (err error) {
	sources, err := sourcePackages(rootfs)
	if err != nil {
		return fmt.Errorf("read the packages of the root file system: %w", err)
	}
	for i := range otherSources {
		sources = append(sources, fmt.Sprintf("invented-%04d", i))
	}
	f, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("write advisories: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewWriter(f)
	encoder := json.NewEncoder(lines)
	id := 0
	for _, source := range sources {
		records, versions := recordsPerSource, recordsPerSource
		if source == "linux" {
			records, versions = kernelRecords, kernelVersions
		}
		for j := range records {
			id++
			err := encoder.Encode(advisory.Record{
				ID: fmt.Sprintf("CVE-2026-%06d", id), Distro: "debian", Release: "12",
				Package: source, Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: fmt.Sprintf("0~%d", j%versions),
				Severity: severity.High, Description: "A made-up advisory for a measurement.",
			})
			if err != nil {
				return fmt.Errorf("write advisories: %w", err)
			}
		}
	}
	if err := lines.Flush(); err != nil {
		return fmt.Errorf("write advisories: %w", err)
	}
	return nil
}

// sourcePackages lists the source packages of the dpkg database in an archive.
func sourcePackages(archive string) ([]string, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	files := tar.NewReader(f)
	for {
		header, err := files.Next()
		if err != nil {
			return nil, err
		}
		if path.Clean(header.Name) != "var/lib/dpkg/status" {
			continue
		}
		status, err := io.ReadAll(files)
		if err != nil {
			return nil, err
		}
		return sourceNames(string(status)), nil
	}
}

// sourceNames reads a dpkg status file that dpkg wrote.
func sourceNames(status string) []string {
	var names []string
	for paragraph := range strings.SplitSeq(status, "\n\n") {
		name := ""
		for line := range strings.Lines(paragraph) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch {
			case key == "Package" && name == "":
				name = value
			case key == "Source":
				name, _, _ = strings.Cut(value, " ")
			}
		}
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
