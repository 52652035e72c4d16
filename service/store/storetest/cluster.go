package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Cluster is a PostgreSQL server of one test, which listens on a Unix socket.
type Cluster struct {
	dir  string
	next int
}

// StartCluster starts PostgreSQL as Debian packages it. The test is skipped
// without it.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	bin := postgresBinaries()
	if bin == "" {
		t.Skip("needs PostgreSQL: apt-get install postgresql")
	}
	// A short path: that of a socket has at most 107 bytes.
	dir, err := os.MkdirTemp("/tmp", "pg")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		attr.Credential = nobody(t)
		require.NoError(t, os.Chown(dir, int(attr.Credential.Uid), int(attr.Credential.Gid)))
	}
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(bin, name), args...) //nolint:gosec // the programs of PostgreSQL
		c.Dir, c.SysProcAttr = dir, attr
		c.Env = []string{"LC_ALL=C", "PATH=" + bin + ":/usr/bin:/bin", "HOME=" + dir}
		return c
	}
	out, err := command("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync").CombinedOutput()
	require.NoError(t, err, "%s", out)

	var log bytes.Buffer
	server := command("postgres", "-D", "data", "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=200")
	server.Stdout, server.Stderr = &log, &log
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT)
		_ = server.Wait()
	})
	c := &Cluster{dir: dir}
	db, err := sql.Open("pgx", c.address("postgres"))
	require.NoError(t, err)
	defer db.Close()
	for start := time.Now(); db.PingContext(context.Background()) != nil; time.Sleep(50 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			require.NoError(t, server.Process.Kill())
			_ = server.Wait()
			require.Fail(t, "PostgreSQL does not start", log.String())
		}
	}
	return c
}

func (c *Cluster) address(database string) string {
	return fmt.Sprintf("host=%s user=postgres database=%s", c.dir, database)
}

// New makes an empty database and gives its address.
func (c *Cluster) New(t testing.TB) string {
	t.Helper()
	db, err := sql.Open("pgx", c.address("postgres"))
	require.NoError(t, err)
	defer db.Close()
	c.next++
	name := "test" + strconv.Itoa(c.next)
	_, err = db.ExecContext(context.Background(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	return c.address(name)
}

// postgresBinaries is where the server's programs are: in PATH, or where Debian
// has them, of its newest version.
func postgresBinaries() string {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if initdb, err = filepath.EvalSymlinks(initdb); err == nil {
			return filepath.Dir(initdb)
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is right
	best, dir := 0, ""
	for _, path := range found {
		version := strings.Split(path, "/")[4]
		if n, err := strconv.Atoi(version); err == nil && n > best {
			best, dir = n, filepath.Dir(path)
		}
	}
	return dir
}

func nobody(t testing.TB) *syscall.Credential {
	t.Helper()
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, err := strconv.ParseUint(u.Uid, 10, 32)
			require.NoError(t, err)
			gid, err := strconv.ParseUint(u.Gid, 10, 32)
			require.NoError(t, err)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	require.Fail(t, "there is no user to run PostgreSQL as")
	return nil
}
