// Package inventory holds what was found in a rootfs: the distribution and its
// packages.
package inventory

import "strings"

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
	// release files contradict each other, or state none. It also says why a
	// release that can be told has no advisories: CentOS Stream. Mostly empty.
	Unclear string
	// CPEs name the products whose advisories apply, in the form of CPE 2.2 URIs
	// ("cpe:/o:redhat:enterprise_linux:9::baseos"). Empty where a distribution's
	// advisories do not tell products apart.
	CPEs []string
	// ContentSets are the repositories that the packages came from, as the
	// image's build information states them; the database knows their CPEs.
	ContentSets []string
	// Pro is set if the image gets the updates that its distribution has for
	// those alone who pay for them: those of Ubuntu Pro, or of SUSE's long-term
	// support.
	Pro bool
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
	// Vendor is who built the package, as the database states it: rpm's Vendor,
	// the maintainer of dpkg and apk.
	Vendor string
	// Module is the modularity label of an rpm, "nodejs:18:8090020231019:rhel8",
	// empty for a package that belongs to none.
	Module string
	// InstallTime is when an rpm was installed, in Unix seconds; 0 if not known.
	InstallTime int64
	// Path is the package database's path inside the rootfs, without a leading slash.
	Path string
}

// Stream is the module and stream of the package, "nodejs:18"; empty if it
// belongs to no module.
func (p *Package) Stream() string {
	name, rest, _ := strings.Cut(p.Module, ":")
	stream, _, _ := strings.Cut(rest, ":")
	if name == "" || stream == "" {
		return ""
	}
	return name + ":" + stream
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
	// Unsupported says, in one sentence for users, why packages were not
	// assessed: nothing is known of this operating system, or of its release.
	// Empty if it is supported.
	Unsupported string
	// EndOfLife says, in one sentence for users, that the release gets no
	// security updates any more, and since when. Empty if it does.
	EndOfLife string
	// Notes are other things that users must know of how the packages were
	// assessed, one sentence each.
	Notes []string
	// NoPackages is set if the rootfs has neither an os-release nor a package
	// database: a static binary, say. OS is empty, or what OS.Path, a file such
	// as debian_version, names all the same.
	NoPackages bool
}
