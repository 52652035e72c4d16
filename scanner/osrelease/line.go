package osrelease

import (
	"io/fs"
	"strings"
)

// Line is what a file such as redhat-release states: "CentOS release 5.7
// (Final)".
type Line struct {
	Path string // of the file, inside the root file system
	Text string
	// Name and Version are the parts of Text, Name in lower case: "centos",
	// "5.7". Both are empty if Text is not of that form.
	Name, Version string
}

// linePaths lists the files of one line. A distribution that is made from Red
// Hat's carries redhat-release too, often with Red Hat's name in it.
func linePaths() []string {
	return []string{
		"etc/oracle-release", "etc/enterprise-release", "etc/rocky-release", "etc/almalinux-release",
		"etc/centos-release", "etc/redhat-release", "etc/system-release", pathSuSE,
	}
}

const pathSuSE = "etc/SuSE-release"

func readLines(fsys fs.FS) ([]Line, error) {
	var lines []Line
	for _, path := range linePaths() {
		text, err := read(fsys, path)
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(text) != "" {
			lines = append(lines, parseLine(path, text))
		}
	}
	return lines, nil
}

func parseLine(path, text string) Line {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	l := Line{Path: path, Text: strings.TrimSpace(first)}
	if path == pathSuSE {
		l.parseSuSE(text)
		return l
	}
	name, rest, ok := strings.Cut(strings.ToLower(l.Text), " release ")
	fields := strings.Fields(rest)
	if ok && len(fields) > 0 && isNumber(fields[0]) {
		l.Name, l.Version = strings.TrimSpace(name), fields[0]
	}
	return l
}

// parseSuSE reads the number from the lines below the name: VERSION = 11,
// PATCHLEVEL = 4.
func (l *Line) parseSuSE(text string) {
	v := Parse(text)
	if version := v["VERSION"]; isNumber(version) {
		l.Name, l.Version = nameOf(l.Text), version
		if patch := v["PATCHLEVEL"]; isNumber(patch) && patch != "0" {
			l.Version += "." + patch
		}
	}
}

// isNumber tells a version of numbers with dots: "7.7.1908".
func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.") == "" && s[0] != '.'
}

// nameOf is the text before the number, or before the architecture in
// parentheses: "SUSE Linux Enterprise Server 11 (x86_64)".
func nameOf(text string) string {
	if i := strings.IndexAny(text, "0123456789("); i >= 0 {
		text = text[:i]
	}
	return strings.ToLower(strings.TrimSpace(text))
}
