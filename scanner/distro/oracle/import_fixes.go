package oracle

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/example/microscanner-frontend/scanner/feed/oval"
	"github.com/example/microscanner-frontend/scanner/version"
)

// fix is the first version of a package without an advisory's vulnerabilities.
type fix struct {
	build
	fixed  string
	arches []string // sorted; nil for all
}

// build is what a fix is for.
type build struct {
	major, name, module string
	flavour             flavour
}

// fact is what one criterion says. One of its fields is set.
type fact struct {
	major  string // of the release that is installed
	arch   string // of the system
	module string // that is enabled, "name:stream"
	name   string // of a package that is older than fixed
	fixed  string
}

// fixes reads the criteria of an advisory. A criterion that cannot be read is
// reported, and what it stands with is left out.
func (i *importer) fixes(where string, d *oval.Definition) ([]fix, error) {
	branches, err := oval.Branches(d.Criteria, func(c oval.Criterion) (fact, oval.Verdict, error) {
		f, verdict, err := i.fact(c)
		if err != nil {
			i.stats.Report(where, "%v", err)
			verdict = oval.False
		}
		return f, verdict, nil
	})
	if err != nil {
		return nil, err
	}
	arches := map[build]map[string][]string{} // by the fixed version too
	for _, branch := range branches {
		f, arch, err := join(branch)
		if err != nil {
			i.stats.Report(where, "%v", err)
			continue
		}
		if arches[f.build] == nil {
			arches[f.build] = map[string][]string{}
		}
		arches[f.build][f.fixed] = append(arches[f.build][f.fixed], arch)
	}
	return list(arches), nil
}

// join makes one statement of the facts of a branch.
func join(branch []fact) (fix, string, error) {
	var all fact
	for _, f := range branch {
		for _, field := range []struct{ to, from *string }{
			{&all.major, &f.major}, {&all.arch, &f.arch}, {&all.module, &f.module}, {&all.name, &f.name}, {&all.fixed, &f.fixed},
		} {
			if *field.to != "" && *field.from != "" && *field.to != *field.from {
				return fix{}, "", fmt.Errorf("the criteria ask for %q and for %q at once", *field.to, *field.from)
			}
			*field.to = cmp.Or(*field.to, *field.from)
		}
	}
	switch {
	case all.name == "":
		return fix{}, "", errors.New("there are criteria without a package")
	case all.major == "":
		return fix{}, "", fmt.Errorf("it is not said for which release %s is", all.name)
	}
	b := build{major: all.major, name: all.name, module: all.module, flavour: flavourOf(all.fixed)}
	return fix{build: b, fixed: all.fixed}, all.arch, nil
}

// list gives the fixes in an order of their own. The architectures are those of
// systems: one of x86_64 has packages of 32 bits too, of which the advisory says
// the same unless it speaks of systems of 32 bits apart.
func list(arches map[build]map[string][]string) []fix {
	var out []fix
	for _, b := range slices.SortedFunc(maps.Keys(arches), compareBuilds) {
		apart := false
		for _, systems := range arches[b] {
			apart = apart || slices.ContainsFunc(systems, is32)
		}
		for _, fixed := range slices.Sorted(maps.Keys(arches[b])) {
			f := fix{build: b, fixed: fixed}
			systems := arches[b][fixed]
			if !slices.Contains(systems, "") {
				f.arches = packageArches(systems, apart)
			}
			out = append(out, f)
		}
	}
	return out
}

func compareBuilds(a, b build) int {
	return cmp.Or(
		cmp.Compare(a.major, b.major), cmp.Compare(a.name, b.name),
		cmp.Compare(a.module, b.module), cmp.Compare(a.flavour, b.flavour),
	)
}

// packageArches gives the architectures of packages on systems.
func packageArches(systems []string, apart bool) []string {
	var out []string
	for _, system := range systems {
		out = append(out, system)
		if is32(system) || system == "x86_64" && !apart {
			out = append(out, "athlon", "i386", "i486", "i586", "i686")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func is32(arch string) bool { return len(arch) == 4 && arch[0] == 'i' && arch[2:] == "86" }

// The forms of the patterns in tests. They are compiled when they are first
// used: a scan never does.
var (
	majorPattern  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\^(\d{1,3})$`) })
	archPattern   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\w{1,32}$`) })
	streamPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\\nstream\\s\*=\\s\*((?:[\w-]|\\?[.+])+)\\b`)
	})
)

// fact reads what a criterion asks for.
func (i *importer) fact(c oval.Criterion) (fact, oval.Verdict, error) {
	if c.Negate {
		return fact{}, oval.False, fmt.Errorf("the negated criterion of %s cannot be understood", i.doc.Ref(c))
	}
	test, err := i.doc.Test(c)
	if err != nil {
		return fact{}, oval.False, err
	}
	var state oval.Entities
	if len(test.States) == 1 {
		state = test.States[0]
	}
	var f fact
	name := test.Object.Value("name", oval.Equals)
	switch {
	case test.Kind == oval.KindTextfile:
		f.module = moduleOf(test.Object, state)
	case test.Kind == oval.KindRpm && name == "oraclelinux-release":
		if m := majorPattern().FindStringSubmatch(state.Value("version", oval.PatternMatch)); m != nil {
			f.major = m[1]
		}
		f.arch = archPattern().FindString(state.Value("arch", oval.PatternMatch))
	case test.Kind == oval.KindRpm && name != "":
		return packageFact(name, state)
	}
	if f == (fact{}) {
		return f, oval.False, fmt.Errorf("the test %s cannot be understood", i.doc.Ref(c))
	}
	return f, oval.Keep, nil
}

// packageFact reads a test of a package: that it is older than a version, or
// something else that its name and version say already, such as the key that it
// is signed with, and whether it is a build of ksplice.
func packageFact(name string, state oval.Entities) (fact, oval.Verdict, error) {
	evr, ok := state.Get("evr")
	if !ok {
		return fact{}, oval.True, nil
	}
	fixed := state.Value("evr", oval.LessThan)
	if fixed == "" {
		return fact{}, oval.False, fmt.Errorf("it cannot be told from which version on %s is fixed: %q %q", name, evr.Operation, evr.Values)
	}
	fixed = strings.TrimPrefix(fixed, "0:")
	if _, err := version.Rpm.Parse(fixed); err != nil {
		return fact{}, oval.False, fmt.Errorf("%s: %w", name, err)
	}
	return fact{name: name, fixed: fixed}, oval.Keep, nil
}

// moduleOf reads the test whether a module is enabled, in its file below
// /etc/dnf/modules.d; empty if it is another test. The pattern names the stream
// twice, before and after the state: \nstream\s*=\s*2\.4\b…
func moduleOf(object, state oval.Entities) string {
	dir, file := path.Split(object.Value("filepath", oval.Equals))
	name, ok := strings.CutSuffix(file, ".module")
	m := streamPattern().FindStringSubmatch(state.Value("text", oval.PatternMatch))
	if !ok || name == "" || dir != "/etc/dnf/modules.d/" || m == nil {
		return ""
	}
	return name + ":" + strings.ReplaceAll(m[1], `\`, "")
}
