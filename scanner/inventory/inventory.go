// Package inventory holds what was found in a rootfs: the distribution and its
// packages.
package inventory

// Format is the kind of package database that a package was read from.
type Format string

// The formats, with the words of MicroScanner's report.
const (
	FormatDpkg Format = "deb"
	FormatApk  Format = "apk"
	FormatRpm  Format = "rpm"
)

// OS is a recognised distribution and release.
type OS struct {
	// Distro and Release are the keys of advisory records: "debian" "12".
	Distro, Release string
	// Version is the number as the release files state it: "12", "3.20.3"; empty
	// if they state none.
	Version string
	// Pretty is the name for people, as the release files state it, unescaped.
	Pretty string
	// Path is the release file that Distro was told from.
	Path string
	// Note is a doubt about the release, in one sentence; mostly empty.
	Note string
	// Unclear says, in one sentence for users, why Release cannot be told: the
	// release files contradict each other, or state none. Mostly empty.
	Unclear string
}

// Package is one installed package.
type Package struct {
	Format  Format
	Name    string
	Version string // as the package database writes it, with epoch
	Arch    string
	// SourceName and SourceVersion are those of the source package or origin;
	// they equal Name and Version where the database names no source.
	SourceName, SourceVersion string
	License                   string
	// Path is the package database's path inside the rootfs, without a leading slash.
	Path string
}

// Problem is a part of a package database that could not be read: it makes the
// result partial.
type Problem struct {
	Path   string // inside the rootfs
	Line   int    // 1-based; 0 if the whole file is meant
	Reason string // one sentence for users, unescaped
}

// Ignored is a package database that belongs to another distribution and lists
// no package.
type Ignored struct {
	Path   string // inside the rootfs
	Reason string // one sentence for users
}

// Inventory is everything that a scan knows of a rootfs.
type Inventory struct {
	OS       OS
	Packages []Package
	Problems []Problem
	Ignored  []Ignored
	// Unsupported says, in one sentence for users, why packages were not read:
	// nothing is known of this operating system. Empty if it is supported.
	Unsupported string
	// NoPackages is set if the rootfs has neither an os-release nor a package
	// database: a static binary, say. OS is empty, or what OS.Path, a file such
	// as debian_version, names all the same.
	NoPackages bool
}
