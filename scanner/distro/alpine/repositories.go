package alpine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/inventory"
)

// pathRepositories lists where apk gets packages from.
const pathRepositories = "etc/apk/repositories"

// maxRepositories is the size of the largest such file that is read, in bytes.
const maxRepositories = 64 << 10

// inspect notes that packages may have come from branches that the advisories
// do not speak of: those of one branch are applied to all packages.
func inspect(fsys fs.FS, os *inventory.OS, _ []inventory.Package) error {
	text, err := readRepositories(fsys)
	if err != nil {
		return fmt.Errorf("%s: %w", pathRepositories, err)
	}
	var others []string
	for line := range strings.Lines(text) {
		if name := repository(line); name != "" && name != os.Release && !slices.Contains(others, name) {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		slices.Sort(others)
		os.Note = fmt.Sprintf("%s also names %s; the advisories of Alpine %s are applied to all packages", pathRepositories, strings.Join(others, ", "), os.Release)
	}
	return nil
}

func readRepositories(fsys fs.FS) (text string, err error) {
	f, err := fsys.Open(pathRepositories)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	content, err := io.ReadAll(io.LimitReader(f, maxRepositories+1))
	if err == nil && len(content) > maxRepositories {
		err = fmt.Errorf("it is larger than %d bytes", maxRepositories)
	}
	return string(content), err
}

// repository is what a line of the file names beside the main and community
// repositories of a branch: "3.20", "edge", or "edge/testing", of which no
// advisories speak. It is empty for a comment, and for an address that names no
// branch. A line may start with a tag: "@testing https://…/alpine/edge/testing".
func repository(line string) string {
	fields := strings.Fields(line)
	if len(fields) == 2 && strings.HasPrefix(fields[0], "@") {
		fields = fields[1:]
	}
	if len(fields) != 1 || strings.HasPrefix(fields[0], "#") {
		return ""
	}
	u, err := url.Parse(fields[0])
	if err != nil {
		return ""
	}
	folder, repo := path.Split(strings.TrimSuffix(u.Path, "/"))
	branch := path.Base(folder)
	if !isBranch(branch) {
		return ""
	}
	if repo == "testing" {
		return branch + "/testing"
	}
	return strings.TrimPrefix(branch, "v")
}

// isBranch tells the folder of a branch, "v3.20" or "edge", from any other.
func isBranch(folder string) bool {
	number, ok := strings.CutPrefix(folder, "v")
	return folder == releaseEdge || ok && number != "" && strings.Trim(number, "0123456789.") == ""
}
