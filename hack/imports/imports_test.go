// Package imports checks which of the project's packages may import what.
package imports

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/example/microscanner-frontend"

// rule says what the packages below a folder may import, and with it what is
// linked into their programs.
type rule struct {
	// below is the folder, relative to the module.
	below string
	// ours are the project's own packages that may be among the dependencies:
	// folders, or single packages if they end in no slash.
	ours []string
	// never are prefixes of import paths that may not be among the dependencies.
	never []string
}

// The frontend knows the scanner's words and its report, which orders versions
// to name the highest fix; it links nothing that reads a rootfs or a database.
var vocabulary = []string{"scanner/severity", "scanner/policy", "scanner/report/", "scanner/settings/", "scanner/vex/", "scanner/advisory", "scanner/version", "scanner/attest"}

var rules = []rule{
	{below: "cmd/frontend", ours: append([]string{"frontend/", "llbgen"}, vocabulary...)},
	{below: "frontend", ours: append([]string{"frontend/", "llbgen"}, vocabulary...)},
	{below: "llbgen", never: []string{"github.com/moby/buildkit/frontend/", "github.com/moby/buildkit/solver/llbsolver"}},
	{below: "cmd/scan", ours: []string{"scanner/", "service/"}, never: []string{"github.com/moby/buildkit"}},
	{below: "service", ours: []string{"scanner/", "service/"}, never: []string{"github.com/moby/buildkit"}},
	{below: "scanner/", ours: []string{"scanner/"}, never: []string{"github.com/moby/buildkit"}},
}

// dependencies lists what a package links, itself left out. Test files count
// as far as go list -deps counts them: not at all.
func dependencies(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", pkg).Output()
	require.NoError(t, err, pkg)
	return slices.DeleteFunc(strings.Fields(string(out)), func(p string) bool { return p == pkg })
}

// packages lists the project's packages below a folder.
func packages(t *testing.T, below string) []string {
	t.Helper()
	pattern := module + "/" + strings.TrimSuffix(below, "/") + "/..."
	out, err := exec.CommandContext(t.Context(), "go", "list", pattern).Output()
	require.NoError(t, err, pattern)
	list := strings.Fields(string(out))
	require.NotEmpty(t, list, "no package below %s: is the rule out of date?", below)
	return list
}

func allowed(list []string, path string) bool {
	return slices.ContainsFunc(list, func(a string) bool {
		if strings.HasSuffix(a, "/") {
			return strings.HasPrefix(path+"/", a)
		}
		return path == a
	})
}

func TestImportDirections(t *testing.T) {
	for _, r := range rules {
		t.Run(strings.ReplaceAll(r.below, "/", "."), func(t *testing.T) {
			for _, pkg := range packages(t, r.below) {
				for _, dep := range dependencies(t, pkg) {
					if own, ok := strings.CutPrefix(dep, module+"/"); ok {
						require.True(t, allowed(r.ours, own), "%s must not depend on %s", pkg, dep)
					}
					for _, never := range r.never {
						require.False(t, strings.HasPrefix(dep, never), "%s must not depend on %s", pkg, dep)
					}
				}
			}
		})
	}
}

// TestDistributionsAreStrangers: a distribution never depends on another one.
// What several have in common is in internal, which depends on none.
func TestDistributionsAreStrangers(t *testing.T) {
	const folder = module + "/scanner/distro/"
	for _, pkg := range packages(t, "scanner/distro") {
		id, ok := strings.CutPrefix(pkg, folder)
		if !ok || id == "all" {
			continue
		}
		for _, dep := range dependencies(t, pkg) {
			other, ok := strings.CutPrefix(dep, folder)
			ok = ok && !strings.HasPrefix(other, "internal/")
			require.False(t, ok && !strings.HasPrefix(other+"/", id+"/"), "%s must not depend on %s", pkg, dep)
		}
	}
}

// TestImageProgram: the scanner of the frontend's image links nothing that
// talks to registries or draws progress bars.
func TestImageProgram(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "scanonly", module+"/cmd/scan").Output()
	require.NoError(t, err)
	for dep := range strings.FieldsSeq(string(out)) {
		for _, never := range []string{"github.com/google/go-containerregistry", "github.com/vbauerster/mpb", "github.com/openvex", module + "/scanner/db/oci", module + "/scanner/db/compile", module + "/service"} {
			require.False(t, strings.HasPrefix(dep, never), "the image's scanner must not depend on %s", dep)
		}
	}
}
