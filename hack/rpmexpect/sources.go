package rpmexpect

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Cyberwatch reads advisories of Red Hat or CentOS as the collection
// Cyberwatch/cbw-security-fixes has them: fixed packages as [name.arch,
// version-release], without epochs and modules.
func Cyberwatch(path string) (fixes []Fix, err error) {
	type advisory struct {
		Fixed [][2]string `json:"fixed"`
		CVEs  []string    `json:"cves"`
	}
	err = lines(path, func(n int, line string) error {
		var a advisory
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
		for _, p := range a.Fixed {
			if p[1] == "" {
				return fmt.Errorf("%s:%d: %q has no version", path, n, p[0])
			}
			name, arch := splitArch(p[0])
			for _, cve := range a.CVEs {
				fixes = append(fixes, Fix{CVE: cve, Name: name, Arch: arch, EVR: p[1]})
			}
		}
		return nil
	})
	return fixes, err
}

// splitArch takes the architecture off a name that has one.
func splitArch(name string) (string, string) {
	for _, arch := range []string{"noarch", "x86_64", "i386", "i586", "i686", "ia64", "ppc", "ppc64", "s390", "s390x", "src"} {
		if short, ok := strings.CutSuffix(name, "."+arch); ok {
			return short, arch
		}
	}
	return name, ""
}

// CIQ reads the condensed advisories of CIQ for Rocky Linux, and gives the
// fixes by major release. The title of an advisory names the module.
func CIQ(path string) (map[string][]Fix, error) {
	type advisory struct {
		Title string           `json:"title"`
		CVEs  [][]any          `json:"cves"`
		Fixed map[string][]any `json:"fixed"`
	}
	fixes := map[string][]Fix{}
	err := lines(path, func(n int, line string) error {
		var a advisory
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
		stream := streamOf(a.Title)
		for product, list := range a.Fixed {
			major, _, _ := strings.Cut(strings.TrimPrefix(product, "rlc-"), ".")
			for _, entry := range list {
				f, err := ciqFix(entry, stream)
				if err != nil {
					return fmt.Errorf("%s:%d: %w", path, n, err)
				}
				for _, cve := range a.CVEs {
					f.CVE, _ = cve[0].(string)
					fixes[major] = append(fixes[major], f)
				}
			}
		}
		return nil
	})
	return fixes, err
}

func ciqFix(entry any, stream string) (Fix, error) {
	e, _ := entry.([]any)
	if len(e) != 5 {
		return Fix{}, fmt.Errorf("%v is not name, epoch, version, release, arch", entry)
	}
	text := make([]string, len(e))
	for i, v := range e {
		switch v := v.(type) {
		case string:
			text[i] = v
		case float64:
			text[i] = strconv.Itoa(int(v))
		}
	}
	f := Fix{Name: text[0], EVR: evr(text[1], text[2], text[3]), Arch: text[4]}
	if isModular(text[3]) {
		f.Stream = stream
		if stream == "" {
			f.Stream = "?"
		}
	}
	return f, nil
}

// module finds "nodejs:18" in a title.
var module = regexp.MustCompile(`(?:^|\s)([A-Za-z][\w.+-]*:[\w.+-]+)(?:\s|$|,)`)

func streamOf(title string) string {
	if m := module.FindStringSubmatch(title); m != nil {
		return m[1]
	}
	return ""
}

// Alma reads AlmaLinux's advisories, a zip archive of records in OSV, and gives
// the fixes by major release.
func Alma(path string) (fixes map[string][]Fix, err error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	fixes = map[string][]Fix{}
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		if err := almaRecord(f, fixes); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return fixes, nil
}

func almaRecord(f *zip.File, fixes map[string][]Fix) (err error) {
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var rec struct {
		Summary  string   `json:"summary"`
		Related  []string `json:"related"`
		Affected []struct {
			Package struct{ Ecosystem, Name string } `json:"package"`
			Ranges  []struct {
				Events []struct{ Fixed string } `json:"events"`
			} `json:"ranges"`
		} `json:"affected"`
	}
	if err := json.NewDecoder(r).Decode(&rec); err != nil {
		return err
	}
	for _, a := range rec.Affected {
		major := strings.TrimPrefix(a.Package.Ecosystem, "AlmaLinux:")
		for _, g := range a.Ranges {
			for _, e := range g.Events {
				if e.Fixed == "" {
					continue
				}
				fix := Fix{Name: a.Package.Name, EVR: e.Fixed}
				if isModular(e.Fixed) {
					if fix.Stream = streamOf(rec.Summary); fix.Stream == "" {
						fix.Stream = "?"
					}
				}
				for _, id := range rec.Related {
					if fix.CVE = id; strings.HasPrefix(id, "CVE-") {
						fixes[major] = append(fixes[major], fix)
					}
				}
			}
		}
	}
	return nil
}
