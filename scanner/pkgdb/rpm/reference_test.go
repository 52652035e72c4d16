package rpm_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	rpmdb "github.com/anchore/go-rpmdb/pkg"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testdata is the folder of real databases that come with go-rpmdb.
func testdata(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/anchore/go-rpmdb").Output()
	require.NoError(t, err)
	return filepath.Join(strings.TrimSpace(string(out)), "pkg", "testdata")
}

// TestReference compares with go-rpmdb on all databases that come with it, among
// them those of Oracle Linux 9 and Rocky Linux 9.
func TestReference(t *testing.T) {
	databases, err := filepath.Glob(filepath.Join(testdata(t), "*", "*"))
	require.NoError(t, err)
	require.Len(t, databases, 18)
	for _, path := range databases {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			db, err := rpmdb.Open(path)
			require.NoError(t, err)
			list, err := db.ListPackages()
			require.NoError(t, err)
			want := []string{}
			for _, p := range list {
				if p.Name == "gpg-pubkey" {
					continue
				}
				epoch := "0"
				if p.Epoch != nil {
					epoch = strconv.Itoa(*p.Epoch)
				}
				want = append(want, strings.Join([]string{p.Name, epoch, p.Version, p.Release, p.Arch, p.SourceRpm, p.Modularitylabel, p.Vendor}, "\t"))
			}
			slices.Sort(want)
			c := read(t, fstest.MapFS{pathBDB: &fstest.MapFile{Data: content(t, path)}})
			assert.Empty(t, c.Problems())
			assert.Equal(t, want, rows(c.Packages()))
		})
	}
}
