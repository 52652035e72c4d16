// Package osrelease reads the files by which a root file system says what it is.
package osrelease

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// Paths of the release files that only some distributions have, inside a root
// file system.
const (
	PathDebian = "etc/debian_version"
	PathAlpine = "etc/alpine-release"
	// PathSystemCPE has the CPE of Red Hat's family.
	PathSystemCPE = "etc/system-release-cpe"
)

const (
	pathEtc     = "etc/os-release"
	pathUsr     = "usr/lib/os-release"
	pathLSB     = "etc/lsb-release"
	maxFileSize = 64 << 10
)

// Release is what the release files say. The zero value is a root file system
// that says nothing.
type Release struct {
	// ID, VersionID, IDLike, Name and PrettyName are those of os-release(5). ID
	// and IDLike are in lower case.
	ID, VersionID, IDLike, Name, PrettyName string

	// DebianVersion and AlpineRelease are the contents of files that these
	// distributions, but also others that derive from them, carry.
	DebianVersion, AlpineRelease string

	// VariantID and CPEName are those of os-release(5).
	VariantID, CPEName string

	// Lines are the files of one line that Red Hat's family and SUSE have, those
	// first that speak for a distribution which carries the others' files too.
	Lines []Line
	// SystemCPE is the content of system-release-cpe.
	SystemCPE string

	// Path is the file that ID was read from; empty if there is none.
	Path string
}

// Paths lists the release files, inside a root file system.
func Paths() []string {
	return append(linePaths(), pathEtc, pathUsr, pathLSB, PathDebian, PathAlpine, PathSystemCPE)
}

// Read reads the release files. A file that is there and cannot be read is an
// error, because the next best one may speak of another distribution.
func Read(fsys fs.FS) (Release, error) {
	var r Release
	for _, p := range []string{pathEtc, pathUsr} {
		text, err := read(fsys, p)
		if err != nil {
			return Release{}, err
		}
		if v := Parse(text); v["ID"] != "" {
			r = Release{
				ID: strings.ToLower(v["ID"]), IDLike: strings.ToLower(v["ID_LIKE"]),
				VersionID: v["VERSION_ID"], Name: v["NAME"], PrettyName: v["PRETTY_NAME"],
				VariantID: strings.ToLower(v["VARIANT_ID"]), CPEName: v["CPE_NAME"], Path: p,
			}
			break
		}
	}
	if r.ID == "" {
		if err := r.readLSB(fsys); err != nil {
			return Release{}, err
		}
	}
	var err error
	if r.DebianVersion, err = readLine(fsys, PathDebian); err != nil {
		return Release{}, err
	}
	if r.AlpineRelease, err = readLine(fsys, PathAlpine); err != nil {
		return Release{}, err
	}
	if r.SystemCPE, err = readLine(fsys, PathSystemCPE); err != nil {
		return Release{}, err
	}
	r.Lines, err = readLines(fsys)
	return r, err
}

// readLSB reads lsb-release, which says who somebody is if it has a
// DISTRIB_ID: Ubuntu of the time before os-release, and its derivatives. Red
// Hat's file of that name does not.
func (r *Release) readLSB(fsys fs.FS) error {
	text, err := read(fsys, pathLSB)
	if err != nil {
		return err
	}
	v := Parse(text)
	if v["DISTRIB_ID"] == "" {
		return nil
	}
	*r = Release{
		ID: strings.ToLower(v["DISTRIB_ID"]), VersionID: v["DISTRIB_RELEASE"],
		Name: v["DISTRIB_ID"], PrettyName: v["DISTRIB_DESCRIPTION"], Path: pathLSB,
	}
	return nil
}

// Pretty is the name for people, unescaped; "an unknown operating system" if
// the files give none.
func (r Release) Pretty() string {
	switch {
	case r.PrettyName != "":
		return r.PrettyName
	case r.Name != "":
		return strings.TrimSpace(r.Name + " " + r.VersionID)
	case r.ID != "":
		return strings.TrimSpace(r.ID + " " + r.VersionID)
	}
	return "an unknown operating system"
}

// Like lists the distributions that this one derives from, nearest first.
func (r Release) Like() []string { return strings.Fields(r.IDLike) }

// Parse reads KEY=value lines as os-release(5) has them: comments and lines
// without "=" do not count, a value may stand in quotes, the last of several
// assignments to one key wins.
func Parse(text string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		if ok && !strings.HasPrefix(line, "#") {
			values[strings.TrimSpace(key)] = unquote(strings.TrimSpace(value))
		}
	}
	return values
}

// unquote takes the quotes off a value as a shell does. Inside double quotes,
// and without quotes, a backslash makes the next character an ordinary one.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return s[1 : len(s)-1]
	}
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// read returns a file's text, empty if there is no such file.
func read(fsys fs.FS, name string) (string, error) {
	dt, err := rootfs.ReadFile(fsys, name, maxFileSize)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("the image's release file %w", err)
	}
	return string(dt), nil
}

// readLine returns a file's first line.
func readLine(fsys fs.FS, name string) (string, error) {
	text, err := read(fsys, name)
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line), err
}
