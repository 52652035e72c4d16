package rhel_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/example/microscanner-frontend/scanner/distro/rhel"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

const history = "var/lib/dnf/history.sqlite"

// historyFile is a history of dnf 4 in which nginx came from a repository that
// no manifest has.
func historyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.sqlite")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	for _, query := range []string{
		"CREATE TABLE repo (id INTEGER PRIMARY KEY, repoid TEXT NOT NULL)",
		"CREATE TABLE trans_item (id INTEGER PRIMARY KEY AUTOINCREMENT, trans_id INTEGER, item_id INTEGER, repo_id INTEGER, action INTEGER, reason INTEGER, state INTEGER)",
		"CREATE TABLE rpm (item_id INTEGER UNIQUE NOT NULL, name TEXT, epoch INTEGER, version TEXT, release TEXT, arch TEXT)",
		"INSERT INTO repo VALUES (1, 'rhel-9-for-x86_64-appstream-rpms__9'), (2, 'gone-rpms')",
		"INSERT INTO rpm VALUES (1, 'nginx', 2, '1.20.1', '16.el9', 'x86_64'), (2, 'gone', 0, '1', '1', 'noarch')",
		"INSERT INTO trans_item VALUES (1, 1, 1, 1, 1, 2, 1), (2, 1, 2, 2, 1, 2, 1)",
	} {
		_, err := db.Exec(query)
		require.NoError(t, err, query)
	}
	require.NoError(t, db.Close())
	dt, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(dt)
}

// TestContentSetsFromDNF: the history counts if a manifest says that its content
// sets were dnf's.
func TestContentSetsFromDNF(t *testing.T) {
	sound := historyFile(t)
	for what, c := range map[string]struct {
		list map[string]string
		want []string
	}{
		"hint": {
			map[string]string{"usr/share/buildinfo/content-sets.json": `{"from_dnf_hint": true, "content_sets": ["baseos-rpms"]}`, history: sound},
			[]string{"baseos-rpms", "rhel-9-for-x86_64-appstream-rpms"},
		},
		"hint of one of two, with a list of components beside it": {
			map[string]string{
				"root/buildinfo/content_manifests/base.json": `{"content_sets": ["baseos-rpms"]}`,
				"root/buildinfo/content_manifests/new.json":  `{"from_dnf_hint": true}`, history: sound,
				"root/buildinfo/content_manifests/sbom-cyclonedx.json": string(make([]byte, 5<<20)),
			},
			[]string{"baseos-rpms", "rhel-9-for-x86_64-appstream-rpms"},
		},
		"no hint": {
			map[string]string{"usr/share/buildinfo/content-sets.json": `{"content_sets": ["baseos-rpms"]}`, history: "broken, and not read"},
			[]string{"baseos-rpms"},
		},
		"no history": {
			map[string]string{"usr/share/buildinfo/content-sets.json": `{"from_dnf_hint": true, "content_sets": ["baseos-rpms"]}`},
			[]string{"baseos-rpms"},
		},
	} {
		got, err := inspectPackages(t, c.list)
		require.NoError(t, err, what)
		assert.Equal(t, c.want, got.ContentSets, what)
	}
	for _, broken := range []string{"", "no history", sound[:4096]} {
		_, err := inspectPackages(t, map[string]string{"usr/share/buildinfo/content-sets.json": `{"from_dnf_hint": true}`, history: broken})
		require.ErrorContains(t, err, "the history of dnf "+history+" cannot be read: ")
	}
}

func inspectPackages(t *testing.T, list map[string]string) (linux inventory.OS, err error) {
	t.Helper()
	fsys, err := rootfs.Open(scantest.Rootfs(t, list))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, fsys.Close()) })
	err = rhel.Distro().Inspect(fsys, &linux, []inventory.Package{{Name: "nginx", Version: "2:1.20.1-16.el9", Arch: "x86_64"}})
	return linux, err
}
