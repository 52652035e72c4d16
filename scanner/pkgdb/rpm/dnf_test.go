package rpm_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
)

const (
	pathDNF4 = "var/lib/dnf/history.sqlite"
	pathDNF5 = "usr/lib/sysimage/libdnf5/transaction_history.sqlite"
)

// dnf4 is a history with the tables of dnf 4 that matter.
func dnf4(t testing.TB, pragmas ...string) *liveSQLite {
	s := newSQLite(t, pragmas...)
	s.exec("CREATE TABLE repo (id INTEGER PRIMARY KEY, repoid TEXT NOT NULL)")
	s.exec("CREATE TABLE item (id INTEGER PRIMARY KEY, item_type INTEGER NOT NULL)")
	s.exec(`CREATE TABLE trans_item (id INTEGER PRIMARY KEY AUTOINCREMENT, trans_id INTEGER REFERENCES trans(id), item_id INTEGER REFERENCES item(id),
		repo_id INTEGER REFERENCES repo(id), action INTEGER NOT NULL, reason INTEGER NOT NULL, state INTEGER NOT NULL)`)
	s.exec(`CREATE TABLE rpm (item_id INTEGER UNIQUE NOT NULL, name TEXT NOT NULL, epoch INTEGER NOT NULL, version TEXT NOT NULL, release TEXT NOT NULL, arch TEXT NOT NULL,
		FOREIGN KEY(item_id) REFERENCES item(id), CONSTRAINT rpm_unique_nevra UNIQUE (name, epoch, version, release, arch))`)
	s.exec("INSERT INTO repo VALUES (1, 'baseos-rpms'), (2, 'appstream-rpms'), (3, 'old-rpms'), (4, '@System'), (700, 'eus-rpms__9_DOT_2'), (701, 'unused-rpms')")
	s.exec(`INSERT INTO rpm VALUES (1, 'bash', 0, '5.1.8', '9.el9', 'x86_64'), (2, 'openssl-libs', 1, '3.0.7', '27.el9', 'x86_64'),
		(300, 'zlib', 0, '1.2.11', '40.el9', 'x86_64'), (4, 'removed', 0, '1', '1', 'noarch'), (5, 'local', 0, '1', '1', 'noarch'), (6, 'zlib', 0, '1.2.11', '39.el9', 'x86_64')`)
	// bash is installed, openssl-libs upgraded, zlib moved to another repository.
	s.exec(`INSERT INTO trans_item(trans_id, item_id, repo_id, action, reason, state) VALUES (1, 1, 1, 1, 2, 1), (1, 2, 2, 6, 1, 1), (1, 300, 3, 1, 2, 1),
		(1, 6, 701, 1, 1, 1), (1, 4, 701, 1, 2, 1), (1, 5, NULL, 1, 2, 1), (2, 300, 701, 7, 2, 1), (2, 300, 700, 9, 2, 1), (2, 300, 4, 11, 2, 1), (3, 4, 4, 8, 2, 1)`)
	return s
}

// dnf5 is the same in the tables of dnf 5.
func dnf5(t testing.TB, pragmas ...string) *liveSQLite {
	s := newSQLite(t, pragmas...)
	s.exec(`CREATE TABLE "repo" ("id" INTEGER, "repoid" TEXT NOT NULL, PRIMARY KEY("id"))`)
	s.exec(`CREATE TABLE "pkg_name" ("id" INTEGER, "name" TEXT NOT NULL UNIQUE, PRIMARY KEY("id"))`)
	s.exec(`CREATE TABLE "arch" ("id" INTEGER, "name" TEXT NOT NULL UNIQUE, PRIMARY KEY("id"))`)
	s.exec(`CREATE TABLE "trans_item" ("id" INTEGER, "trans_id" INTEGER, "item_id" INTEGER, "repo_id" INTEGER, "action_id" INTEGER NOT NULL,
		"reason_id" INTEGER NOT NULL, "state_id" INTEGER NOT NULL, PRIMARY KEY("id" AUTOINCREMENT))`)
	s.exec(`CREATE TABLE "rpm" ("item_id" INTEGER NOT NULL UNIQUE, "name_id" INTEGER NOT NULL, "epoch" INTEGER NOT NULL, "version" TEXT NOT NULL,
		"release" TEXT NOT NULL, "arch_id" INTEGER NOT NULL)`)
	s.exec("INSERT INTO repo VALUES (1, 'baseos-rpms'), (2, 'appstream-rpms'), (3, 'old-rpms'), (4, '@System'), (700, 'eus-rpms__9_DOT_2'), (701, 'unused-rpms')")
	s.exec("INSERT INTO pkg_name VALUES (1, 'bash'), (2, 'openssl-libs'), (3, 'zlib')")
	s.exec("INSERT INTO arch VALUES (1, 'x86_64'), (2, 'i686')")
	s.exec("INSERT INTO rpm VALUES (1, 1, 0, '5.1.8', '9.el9', 1), (2, 2, 1, '3.0.7', '27.el9', 1), (300, 3, 0, '1.2.11', '40.el9', 1), (4, 3, 0, '1.2.11', '40.el9', 2)")
	s.exec(`INSERT INTO trans_item(trans_id, item_id, repo_id, action_id, reason_id, state_id) VALUES (1, 1, 1, 1, 2, 2), (1, 2, 2, 2, 1, 2), (1, 300, 3, 1, 2, 2),
		(1, 4, 701, 1, 2, 2), (2, 300, 700, 4, 2, 2), (2, 300, 701, 6, 2, 2), (3, 300, 4, 7, 2, 2)`)
	return s
}

func installedPackages() []inventory.Package {
	return []inventory.Package{
		{Name: "bash", Version: "5.1.8-9.el9", Arch: "x86_64"}, {Name: "openssl-libs", Version: "1:3.0.7-27.el9", Arch: "x86_64"},
		{Name: "zlib", Version: "1.2.11-40.el9", Arch: "x86_64"}, {Name: "local", Version: "1-1", Arch: "noarch"},
		{Name: "elsewhere", Version: "1-1", Arch: "noarch"},
	}
}

func TestRepositories(t *testing.T) {
	want := []string{"appstream-rpms", "baseos-rpms", "eus-rpms__9_DOT_2"}
	for path, s := range map[string]*liveSQLite{pathDNF4: dnf4(t, "PRAGMA journal_mode=DELETE"), pathDNF5: dnf5(t, "PRAGMA journal_mode=DELETE")} {
		got, err := rpm.Repositories(files(map[string][]byte{path: s.file("")}), installedPackages())
		require.NoError(t, err)
		assert.Equal(t, want, got, path)
		got, err = rpm.Repositories(files(map[string][]byte{path: s.file("")}), installedPackages()[1:2])
		require.NoError(t, err)
		assert.Equal(t, []string{"appstream-rpms"}, got, "with its epoch")
	}

	// Both, and in the write-ahead logs.
	log := []string{"PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0"}
	s4, s5 := dnf4(t, log...), dnf5(t, log...)
	s5.exec("UPDATE repo SET repoid = 'z-rpms' WHERE id = 1")
	got, err := rpm.Repositories(files(map[string][]byte{
		pathDNF4: s4.file(""), pathDNF4 + "-wal": s4.file("-wal"), pathDNF5: s5.file(""), pathDNF5 + "-wal": s5.file("-wal"),
	}), installedPackages())
	require.NoError(t, err)
	assert.Equal(t, append(want, "z-rpms"), got)

	got, err = rpm.Repositories(files(nil), installedPackages())
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestBrokenHistory(t *testing.T) {
	sound := dnf4(t, "PRAGMA page_size=512", "PRAGMA journal_mode=DELETE").file("")
	for want, dt := range map[string][]byte{
		"it is empty":                    nil,
		"no table trans_item":            nil,
		"the end of the file is missing": sound[:len(sound)-512],
		"is not that of a database":      append(make([]byte, 512), sound[512:]...),
	} {
		switch want {
		case "no table trans_item":
			s := dnf4(t, "PRAGMA journal_mode=DELETE")
			s.exec("DROP TABLE trans_item")
			dt = s.file("")
		case "is not that of a database":
			binary.BigEndian.PutUint16(dt[16:], 512)
		}
		_, err := rpm.Repositories(files(map[string][]byte{pathDNF4: dt}), installedPackages())
		require.ErrorContains(t, err, "the history of dnf "+pathDNF4+" cannot be read: ", want)
		require.ErrorContains(t, err, want)
	}
}

func FuzzRepositories(f *testing.F) {
	for _, s := range []*liveSQLite{dnf4(f, "PRAGMA page_size=512", "PRAGMA journal_mode=WAL"), dnf5(f, "PRAGMA page_size=512", "PRAGMA journal_mode=WAL")} {
		f.Add(s.file(""), s.file("-wal"))
		s.exec("PRAGMA wal_checkpoint(TRUNCATE)")
		f.Add(s.file(""), []byte{})
	}
	f.Fuzz(func(t *testing.T, dt, log []byte) {
		ids, err := rpm.Repositories(files(map[string][]byte{pathDNF4: dt, pathDNF4 + "-wal": log}), installedPackages())
		if err != nil {
			require.ErrorContains(t, err, "history of dnf")
		}
		require.LessOrEqual(t, len(ids), len(installedPackages()))
	})
}
