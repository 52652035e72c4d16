// Package rpmexpect works out, without any of the scanner's code, which
// packages of an rpm database are older than a list of fixes says: with the
// comparison of the real rpm, and with the rules in their plainest form. The
// test holds the scanner's findings against it.
package rpmexpect

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Installed is a package as rpm lists it.
type Installed struct {
	Name, EVR, Arch string
	Stream          string // "nodejs:18"; empty without a module
	// Unknown is set for the build of a module that states no module.
	Unknown bool
}

// Fix is a package that an advisory says is fixed.
type Fix struct {
	CVE, Name, EVR string
	Arch           string // empty for all
	Stream         string // "nodejs:18"; empty without a module
}

// Finding is an installed package that is older than the highest fix for a CVE.
type Finding struct{ Name, EVR, Arch, CVE, Fixed string }

// String is the finding in one line.
func (f Finding) String() string {
	return strings.Join([]string{f.Name, f.EVR, f.Arch, f.CVE, f.Fixed}, "\t")
}

// ReadInstalled reads a list that rpm printed, compressed with gzip: name, epoch,
// version, release, arch, source rpm, modularity label, vendor. The first line
// names the columns.
func ReadInstalled(path string) (list []Installed, err error) {
	err = lines(path, func(n int, line string) error {
		f := strings.Split(line, "\t")
		if len(f) < 7 {
			return fmt.Errorf("%s:%d: %d columns", path, n, len(f))
		}
		if n == 1 || f[0] == "gpg-pubkey" {
			return nil
		}
		p := Installed{Name: f[0], EVR: evr(f[1], f[2], f[3]), Arch: f[4]}
		if label := strings.Split(f[6], ":"); len(label) >= 2 {
			p.Stream = label[0] + ":" + label[1]
		}
		p.Unknown = p.Stream == "" && isModular(f[3])
		list = append(list, p)
		return nil
	})
	return list, err
}

func evr(epoch, version, release string) string {
	if epoch == "" || epoch == "0" || epoch == "(none)" {
		return version + "-" + release
	}
	return epoch + ":" + version + "-" + release
}

// isModular tells from a release, or what ends in one, a build of a module.
func isModular(release string) bool {
	return strings.Contains(release, ".module_el") || strings.Contains(release, ".module+el")
}

// lines gives each line of a file that is compressed with gzip.
func lines(path string, line func(n int, text string) error) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(nil, 16<<20)
	for n := 1; s.Scan(); n++ {
		if err := line(n, s.Text()); err != nil {
			return err
		}
	}
	return s.Err()
}

// Find gives the findings, sorted. order is of Order, for all versions that
// Versions lists.
func Find(installed []Installed, fixes []Fix, order map[string]int) []Finding {
	byName := map[string][]Fix{}
	for _, f := range fixes {
		byName[f.Name] = append(byName[f.Name], f)
	}
	var out []Finding
	for _, p := range installed {
		highest := map[string]string{}
		for _, f := range byName[p.Name] {
			if applies(p, f) && (highest[f.CVE] == "" || order[f.EVR] > order[highest[f.CVE]]) {
				highest[f.CVE] = f.EVR
			}
		}
		for cve, fixed := range highest {
			if order[p.EVR] < order[fixed] {
				out = append(out, Finding{p.Name, p.EVR, p.Arch, cve, fixed})
			}
		}
	}
	slices.SortFunc(out, func(a, b Finding) int { return cmp.Compare(a.String(), b.String()) })
	return slices.Compact(out)
}

func applies(p Installed, f Fix) bool {
	return !p.Unknown && p.Stream == f.Stream && (f.Arch == "" || p.Arch == "noarch" || p.Arch == f.Arch)
}

// Versions lists what has to be compared: of the names that both lists have.
func Versions(installed []Installed, fixes []Fix) []string {
	names := map[string]bool{}
	var out []string
	for _, p := range installed {
		names[p.Name] = true
		out = append(out, p.EVR)
	}
	for _, f := range fixes {
		if names[f.Name] {
			out = append(out, f.EVR)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// script sorts the versions of a file by rpm's own comparison. It prints each
// behind its rank; equal ones have the same.
const script = `%%{lua:
local list = {}
for line in io.lines("%s") do list[#list+1] = line end
table.sort(list, function(a, b) return rpm.vercmp(a, b) < 0 end)
local rank = 0
for i, v in ipairs(list) do
  if i > 1 and rpm.vercmp(list[i-1], v) < 0 then rank = rank + 1 end
  print(rank .. "\t" .. v .. "\n")
end
}`

// Order asks the real rpm (4.16 or later) for the order of versions: the rank
// of each, equal for equal ones.
func Order(ctx context.Context, versions []string) (map[string]int, error) {
	f, err := os.CreateTemp("", "versions-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = io.WriteString(f, strings.Join(versions, "\n")+"\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "rpm", "--eval", fmt.Sprintf(script, f.Name()))
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ask rpm for the order of versions: %w", err)
	}
	order := make(map[string]int, len(versions))
	for line := range strings.Lines(string(out)) {
		var rank int
		var v string
		if n, _ := fmt.Sscanf(line, "%d\t%s", &rank, &v); n == 2 {
			order[v] = rank
		}
	}
	if len(order) != len(versions) {
		return nil, fmt.Errorf("rpm ordered %d of %d versions", len(order), len(versions))
	}
	return order, nil
}
