package e2e

import (
	"fmt"
	"maps"
	"strings"
)

// alpine is the part of an Alpine edge rootfs of summer 2024 that a scanner reads, with
// OpenSSL of the given version.
func alpine(openssl string) map[string]string {
	var db strings.Builder
	for _, p := range [][3]string{
		{"alpine-baselayout", "3.6.5-r0", "alpine-baselayout"},
		{"musl", "1.2.5-r0", "musl"},
		{"libcrypto3", openssl, "openssl"},
		{"libssl3", openssl, "openssl"},
	} {
		fmt.Fprintf(&db, "P:%s\nV:%s\nA:x86_64\nL:Apache-2.0\no:%s\n\n", p[0], p[1], p[2])
	}
	return map[string]string{
		"etc/os-release":       "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.21.0_alpha20240807\nPRETTY_NAME=\"Alpine Linux edge\"\n",
		"etc/alpine-release":   "3.21.0_alpha20240807\n",
		"lib/apk/db/installed": db.String(),
	}
}

// bookworm is the part of a Debian 12 rootfs that a scanner reads, with the given
// packages: name, source, version.
func bookworm(packages ...[3]string) map[string]string {
	var db strings.Builder
	for _, p := range packages {
		fmt.Fprintf(&db, "Package: %s\nStatus: install ok installed\nArchitecture: amd64\nSource: %s\nVersion: %s\nDescription: a package\n\n", p[0], p[1], p[2])
	}
	return map[string]string{
		"etc/os-release":      "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n",
		"etc/debian_version":  "12.7\n",
		"var/lib/dpkg/status": db.String(),
	}
}

// Versions of OpenSSL in Alpine edge in 2024, against testdata/advisories.jsonl.
const (
	opensslHigh   = "3.3.1-r3" // CVE-2024-6119 (high) and CVE-2024-9143 (medium)
	opensslMedium = "3.3.2-r0" // CVE-2024-9143 (medium)
	opensslClean  = "3.3.2-r1"
)

// in puts files below a directory.
func in(dir string, files map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range files {
		out[dir+"/"+name] = text
	}
	return out
}

// merge joins sets of files.
func merge(sets ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, s := range sets {
		maps.Copy(out, s)
	}
	return out
}

// copyRootfs is the Dockerfile of an image that is the directory rootfs.
const copyRootfs = "FROM scratch\nCOPY rootfs/ /\n"
