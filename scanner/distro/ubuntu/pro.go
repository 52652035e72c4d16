package ubuntu

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// Where an image says that it gets the updates of Ubuntu Pro.
const (
	pathStatus     = "var/lib/ubuntu-advantage/status.json"
	pathSources    = "etc/apt/sources.list"
	pathSourcesDir = "etc/apt/sources.list.d"
)

// Limits of those files; real ones are some kilobytes.
const (
	maxStatus  = 1 << 20
	maxSources = 256 << 10
	maxFiles   = 1000
)

// inspect tells whether the image gets the updates of Expanded Security
// Maintenance, of the packages in main (infra) or in universe (apps): the
// subscription's client says so, or apt is told of their archive, or a package
// came from there. Other services of Ubuntu Pro, such as FIPS, bring none.
//
// What the client or apt wrote in another form than theirs says nothing: without
// a subscription the fixes are still reported, as ones that need it.
func inspect(fsys fs.FS, os *inventory.OS, packages []inventory.Package) error {
	for i := range packages {
		if expandedVersion().MatchString(packages[i].Version) {
			os.Pro = true
			return nil
		}
	}
	attached, err := isAttached(fsys)
	if err != nil {
		return err
	}
	if !attached {
		attached, err = hasArchive(fsys)
	}
	os.Pro = attached
	return err
}

// expandedVersion finds a version of Expanded Security Maintenance.
var expandedVersion = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[+~]esm[0-9]+$`) })

// isAttached reads what the client of Ubuntu Pro writes down.
func isAttached(fsys fs.FS) (bool, error) {
	text, err := readFile(fsys, pathStatus, maxStatus)
	if err != nil {
		return false, err
	}
	var status struct {
		Services []struct {
			Name   string `json:"name"`
			Status string `json:"status"`
		} `json:"services"`
	}
	if json.Unmarshal(text, &status) != nil {
		return false, nil
	}
	for _, s := range status.Services {
		if (s.Name == "esm-infra" || s.Name == "esm-apps") && s.Status == "enabled" {
			return true, nil
		}
	}
	return false, nil
}

// hasArchive looks for the archive of Expanded Security Maintenance in the
// sources of apt (sources.list(5)).
func hasArchive(fsys fs.FS) (bool, error) {
	entries, err := rootfs.ReadDir(fsys, pathSourcesDir, maxFiles)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("the sources of apt: %w", err)
	}
	paths := []string{pathSources}
	for _, e := range entries {
		if !e.IsDir() {
			paths = append(paths, path.Join(pathSourcesDir, e.Name()))
		}
	}
	for _, p := range paths {
		found := listsArchive
		switch path.Ext(p) {
		case ".list":
		case ".sources":
			found = describesArchive
		default:
			continue
		}
		text, err := readFile(fsys, p, maxSources)
		if err != nil {
			return false, err
		}
		if found(string(text)) {
			return true, nil
		}
	}
	return false, nil
}

// isArchive tells the addresses of Expanded Security Maintenance:
// https://esm.ubuntu.com/infra/ubuntu.
func isArchive(uri string) bool {
	_, host, ok := strings.Cut(uri, "://")
	if _, after, user := strings.Cut(host, "@"); user {
		host = after
	}
	return ok && (strings.HasPrefix(host, "esm.ubuntu.com/infra/") || strings.HasPrefix(host, "esm.ubuntu.com/apps/"))
}

// listsArchive reads one source a line: "deb [options] uri suite component…".
func listsArchive(text string) bool {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) > 0 && words[0] == "deb" && slices.ContainsFunc(words, isArchive) {
			return true
		}
	}
	return false
}

// describesArchive reads one source a paragraph, in the form of deb822(5).
func describesArchive(text string) bool {
	for paragraph := range strings.SplitSeq(strings.ReplaceAll(text, "\r", ""), "\n\n") {
		fields := deb822(paragraph)
		if slices.Contains(fields["types"], "deb") && !slices.Contains(fields["enabled"], "no") && slices.ContainsFunc(fields["uris"], isArchive) {
			return true
		}
	}
	return false
}

// deb822 gives the words of each field of a paragraph, the names in lower case.
func deb822(paragraph string) map[string][]string {
	fields := map[string][]string{}
	key := ""
	for line := range strings.Lines(paragraph) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		value := line
		if !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			key, value, _ = strings.Cut(line, ":")
			key = strings.ToLower(key)
		}
		fields[key] = append(fields[key], strings.Fields(value)...)
	}
	return fields
}

// readFile gives a file's text, none if there is no such file.
func readFile(fsys fs.FS, name string, most int64) ([]byte, error) {
	text, err := rootfs.ReadFile(fsys, name, most)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("whether the image gets the updates of Ubuntu Pro: %w", err)
	}
	return text, nil
}
