// Package inventory holds what was found in a rootfs: the distribution and its
// packages. Its JSON form goes from the stage that reads a rootfs to the service
// that knows the advisories.
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
	Distro  string `json:"distro"`
	Release string `json:"release"`
	// Version is the number as the release files state it: "12", "3.20.3"; empty
	// if they state none.
	Version string `json:"version,omitempty"`
	// Pretty is the name for people, as the release files state it, unescaped.
	Pretty string `json:"pretty,omitempty"`
	// Path is the release file that Distro was told from.
	Path string `json:"path,omitempty"`
	// Note is a doubt about the release, in one sentence; mostly empty.
	Note string `json:"note,omitempty"`
	// Unclear says, in one sentence for users, why Release cannot be told: the
	// release files contradict each other, or state none. It also says why a
	// release that can be told has no advisories: CentOS Stream. Mostly empty.
	Unclear string `json:"unclear,omitempty"`
	// CPEs name the products whose advisories apply, in the form of CPE 2.2 URIs
	// ("cpe:/o:redhat:enterprise_linux:9::baseos"). Empty where a distribution's
	// advisories do not tell products apart.
	CPEs []string `json:"cpes,omitempty"`
	// ContentSets are the repositories that the packages came from, as the
	// image's build information states them; the database knows their CPEs.
	ContentSets []string `json:"content_sets,omitempty"`
	// Pro is set if the image gets the updates that its distribution has for
	// those alone who pay for them: those of Ubuntu Pro, or of SUSE's long-term
	// support.
	Pro bool `json:"pro,omitempty"`
}

// Package is one installed package.
type Package struct {
	Format  Format `json:"format"`
	Name    string `json:"name"`
	Version string `json:"version"` // as the package database writes it, with epoch
	Arch    string `json:"arch,omitempty"`
	// SourceName and SourceVersion are those of the source package or origin;
	// they equal Name and Version where the database names no source.
	SourceName    string `json:"source_name"`
	SourceVersion string `json:"source_version"`
	License       string `json:"license,omitempty"`
	// Vendor is who built the package, as the database states it: rpm's Vendor,
	// the maintainer of dpkg and apk.
	Vendor string `json:"vendor,omitempty"`
	// Module is the modularity label of an rpm, "nodejs:18:8090020231019:rhel8",
	// empty for a package that belongs to none.
	Module string `json:"module,omitempty"`
	// InstallTime is when an rpm was installed, in Unix seconds; 0 if not known.
	InstallTime int64 `json:"install_time,omitempty"`
	// Path is the package database's path inside the rootfs, without a leading slash.
	Path string `json:"path,omitempty"`
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
	Path   string `json:"path"`           // inside the rootfs
	Line   int    `json:"line,omitempty"` // 1-based; 0 if the whole file is meant
	Reason string `json:"reason"`         // one sentence for users, unescaped
}

// Ignored is a package database that belongs to another distribution and lists
// no package.
type Ignored struct {
	Path   string `json:"path"`   // inside the rootfs
	Reason string `json:"reason"` // one sentence for users
}

// Inventory is everything that a scan knows of a rootfs.
type Inventory struct {
	OS       OS        `json:"os"`
	Packages []Package `json:"packages"`
	Problems []Problem `json:"problems,omitempty"`
	Ignored  []Ignored `json:"ignored,omitempty"`
	// Unsupported says, in one sentence for users, why packages were not
	// assessed: nothing is known of this operating system, or of its release.
	// Empty if it is supported.
	Unsupported string `json:"unsupported,omitempty"`
	// EndOfLife says, in one sentence for users, that the release gets no
	// security updates any more, and since when. Empty if it does.
	EndOfLife string `json:"end_of_life,omitempty"`
	// Notes are other things that users must know of how the packages were
	// assessed, one sentence each.
	Notes []string `json:"notes,omitempty"`
	// NoPackages is set if the rootfs has neither an os-release nor a package
	// database: a static binary, say. OS is empty, or what OS.Path, a file such
	// as debian_version, names all the same.
	NoPackages bool `json:"no_packages,omitempty"`
}
