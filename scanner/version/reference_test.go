package version_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/version"
)

// TestReferenceTables runs every row of the reference tables, and its mirror.
func TestReferenceTables(t *testing.T) {
	dir := sharedDir(t, "reference/versions")
	for _, s := range []version.Scheme{version.Deb, version.Apk, version.Rpm} {
		t.Run(string(s), func(t *testing.T) {
			table, err := os.ReadFile(filepath.Join(dir, string(s)+".tsv"))
			require.NoError(t, err)
			rows := strings.Split(strings.TrimSuffix(string(table), "\n"), "\n")
			require.Greater(t, len(rows), 200, "the table is cut short")
			for _, row := range rows {
				f := strings.Split(row, "\t")
				require.Len(t, f, 3, row)
				want, err := strconv.Atoi(f[2])
				require.NoError(t, err, row)
				requireOrder(t, s, f[0], f[1], want)
			}
		})
	}
}

// sharedDir returns a folder of the reference data beside the repository, and
// skips the test where that is absent.
func sharedDir(t *testing.T, name string) string {
	t.Helper()
	root, err := filepath.Abs(".")
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		require.NotEqual(t, root, filepath.Dir(root), "no go.mod above the package")
		root = filepath.Dir(root)
	}
	dir := filepath.Join(filepath.Dir(root), "shared", name)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		t.Skipf("needs ../shared/%s", name)
	}
	return dir
}

// TestAgainstDpkg asks dpkg itself, for the table of facts and for random
// versions, which of two is older and which are valid.
func TestAgainstDpkg(t *testing.T) {
	dpkg, err := exec.LookPath("dpkg")
	if err != nil {
		t.Skip("needs dpkg")
	}
	dpkgStatus := func(a, op, b string) int {
		err := exec.CommandContext(t.Context(), dpkg, "--compare-versions", a, op, b).Run()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			return exit.ExitCode()
		}
		require.NoError(t, err)
		return 0
	}
	pairs := randomPairs("019a~+.-_:", 150)
	for _, row := range ascending() {
		if row.scheme == version.Deb {
			pairs = append(pairs, [2]string{row.versions[0], row.versions[1]})
		}
	}
	for _, p := range pairs {
		a, b := p[0], p[1]
		got, err := version.Deb.Compare(a, b)
		if err != nil {
			assert.Equalf(t, 2, dpkgStatus(a, "lt", b), "dpkg accepts %q and %q: %v", a, b, err)
			continue
		}
		op := [...]string{"lt", "eq", "gt"}[got+1]
		assert.Equalf(t, 0, dpkgStatus(a, op, b), "dpkg does not say that %q %s %q", a, op, b)
	}
}

// TestAgainstRpm asks rpm itself, for the table of facts and for random
// versions, which of two is older.
func TestAgainstRpm(t *testing.T) {
	rpm, err := exec.LookPath("rpm")
	if err != nil {
		t.Skip("needs rpm")
	}
	var lines, want []string
	add := func(a, b string) {
		if got, err := version.Rpm.Compare(a, b); err == nil {
			lines = append(lines, a+" "+b)
			want = append(want, fmt.Sprintf("%s %s %d", a, b, got))
		}
	}
	for _, p := range randomPairs("019aB~^+.-_:", 5000) {
		add(p[0], p[1])
	}
	for _, row := range ascending() {
		if row.scheme == version.Rpm {
			add(row.versions[0], row.versions[1])
		}
	}
	file := filepath.Join(t.TempDir(), "pairs")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600))
	script := `%{lua: for line in io.lines("` + file + `") do
		local a, b = string.match(line, "([^ ]+) ([^ ]+)")
		print(line .. " " .. rpm.vercmp(a, b) .. "\n")
	end}`
	out, err := exec.CommandContext(t.Context(), rpm, "--eval", script).CombinedOutput()
	require.NoError(t, err, string(out))
	got := strings.Split(strings.TrimSpace(string(out)), "\n")
	require.Len(t, got, len(want))
	for i := range want {
		assert.Equal(t, got[i], want[i], "expected is what rpm says")
	}
}

// randomPairs returns pairs of versions made of the characters of alphabet, the
// same ones on each call. The second of a pair is the first with one change, so
// that the difference is anywhere in it.
func randomPairs(alphabet string, n int) [][2]string {
	r := rand.New(rand.NewPCG(1, 2))
	char := func() string { return alphabet[r.IntN(len(alphabet)):][:1] }
	pairs := make([][2]string, n)
	for i := range pairs {
		// A digit first: policy wants it, and a command line takes a dash for an option.
		a := strconv.Itoa(r.IntN(10))
		for range r.IntN(10) {
			a += char()
		}
		at := 1 + r.IntN(len(a))
		b := a[:at] + char() + a[min(at+r.IntN(2), len(a)):]
		pairs[i] = [2]string{a, b}
	}
	return pairs
}
