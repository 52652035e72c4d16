package rootfs_test

import (
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/rootfs"
)

const limit = 1 << 10

// open makes a root file system with a file usr/lib/os-release and lets prepare
// add to it.
func open(t *testing.T, prepare func(dir string)) *rootfs.Dir {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "usr/lib/os-release"), "inside")
	prepare(dir)
	fsys, err := rootfs.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, fsys.Close()) })
	return fsys
}

func write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
}

func link(t *testing.T, text, name string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.Symlink(text, name))
}

func TestLinksStayInside(t *testing.T) {
	for name, text := range map[string]string{
		"relative":                   "../usr/lib/os-release",
		"doubled slash":              "..//usr/lib/os-release",
		"absolute means our root":    "/usr/lib/os-release",
		"dots end at our root":       "../../../../../../usr/lib/os-release",
		"absolute with dots":         "/../../usr/./lib/os-release",
		"through a link":             "/lib/os-release",
		"through a missing and back": "/usr/lib/../lib/os-release",
	} {
		t.Run(name, func(t *testing.T) {
			fsys := open(t, func(dir string) {
				link(t, text, filepath.Join(dir, "etc/os-release"))
				link(t, "usr/lib", filepath.Join(dir, "lib"))
			})
			dt, err := rootfs.ReadFile(fsys, "etc/os-release", limit)
			require.NoError(t, err)
			assert.Equal(t, "inside", string(dt))
		})
	}
}

func TestLinksThatLeadNowhere(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	write(t, outside, "outside")
	for name, text := range map[string]string{
		"the host's file":     outside,
		"the scanner itself":  "/proc/self/environ",
		"a secret mount":      "/run/secrets/token",
		"relative to nothing": "nothing",
	} {
		t.Run(name, func(t *testing.T) {
			fsys := open(t, func(dir string) { link(t, text, filepath.Join(dir, "db")) })
			_, err := rootfs.ReadFile(fsys, "db", limit)
			require.EqualError(t, err, "db cannot be read: db is a symbolic link to "+text+", which is not in the image")
			assert.NotErrorIs(t, err, fs.ErrNotExist)
		})
	}
}

func TestMissing(t *testing.T) {
	fsys := open(t, func(dir string) { link(t, "usr/lib", filepath.Join(dir, "lib")) })
	// A file that is not there is not there, be it behind a good link or not.
	for _, name := range []string{"nothing", "no/thing", "usr/nothing", "lib/apk/db/installed"} {
		_, err := rootfs.ReadFile(fsys, name, limit)
		assert.ErrorIs(t, err, fs.ErrNotExist, name)
	}
}

func TestDirectoryLinkThatLeadsNowhere(t *testing.T) {
	fsys := open(t, func(dir string) { link(t, "/elsewhere", filepath.Join(dir, "var")) })
	_, err := rootfs.ReadFile(fsys, "var/lib/dpkg/status", limit)
	require.EqualError(t, err, "var/lib/dpkg/status cannot be read: var is a symbolic link to /elsewhere, which is not in the image")
	assert.NotErrorIs(t, err, fs.ErrNotExist)
}

func TestNoRegularFile(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(t *testing.T, name string)
		want    string
	}{
		"named pipe": {func(t *testing.T, name string) {
			require.NoError(t, syscall.Mkfifo(name, 0o600))
		}, "db is a named pipe, not a regular file"},
		"link to a named pipe": {func(t *testing.T, name string) {
			require.NoError(t, syscall.Mkfifo(name+".pipe", 0o600))
			link(t, "/db.pipe", name)
		}, "db is a named pipe, not a regular file"},
		"device": {func(t *testing.T, name string) {
			if err := syscall.Mknod(name, syscall.S_IFCHR|0o666, 1<<8|5); err != nil { // /dev/zero
				t.Skipf("needs the right to make device nodes: %v", err)
			}
		}, "db is a device, not a regular file"},
		"directory": {func(t *testing.T, name string) {
			require.NoError(t, os.Mkdir(name, 0o755))
		}, "db is a directory, not a regular file"},
		"socket": {func(t *testing.T, name string) {
			// A socket's name may not be long, so it is made elsewhere.
			dir, err := os.MkdirTemp("", "s")
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
			l, err := net.Listen("unix", filepath.Join(dir, "s"))
			require.NoError(t, err)
			t.Cleanup(func() { _ = l.Close() })
			require.NoError(t, os.Link(filepath.Join(dir, "s"), name))
		}, "db is a socket, not a regular file"},
		"link to itself": {func(t *testing.T, name string) {
			link(t, "db", name)
		}, "db leads through too many symbolic links"},
		"too large": {func(t *testing.T, name string) {
			write(t, name, "")
			require.NoError(t, os.Truncate(name, 5<<30)) // sparse
		}, "db is larger than the limit of 1 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := open(t, func(dir string) { tc.prepare(t, filepath.Join(dir, "db")) })
			_, err := rootfs.ReadFile(fsys, "db", limit)
			require.EqualError(t, err, tc.want)
			assert.NotErrorIs(t, err, fs.ErrNotExist)
		})
	}
}

func TestFileInPlaceOfDirectory(t *testing.T) {
	fsys := open(t, func(dir string) { write(t, filepath.Join(dir, "var"), "") })
	_, err := rootfs.ReadFile(fsys, "var/lib/dpkg/status", limit)
	require.EqualError(t, err, "var/lib/dpkg/status cannot be read: var is a regular file, not a directory")
	assert.NotErrorIs(t, err, fs.ErrNotExist)
}

func TestUnreadableMode(t *testing.T) {
	fsys := open(t, func(dir string) {
		write(t, filepath.Join(dir, "db"), "text")
		require.NoError(t, os.Chmod(filepath.Join(dir, "db"), 0))
	})
	dt, err := rootfs.ReadFile(fsys, "db", limit)
	if os.Geteuid() == 0 {
		require.NoError(t, err)
		assert.Equal(t, "text", string(dt))
		return
	}
	require.EqualError(t, err, "db cannot be read: permission denied; run the scan as root")
}

// growing is a file that tells a smaller size than it has, as files of /proc do.
type growing struct{ fs.File }

func (growing) Read(p []byte) (int, error) { return len(p), nil }

type growingFS struct{ fs.FS }

func (g growingFS) Open(name string) (fs.File, error) {
	f, err := g.FS.Open(name)
	return growing{f}, err
}

func TestSizeIsCountedNotBelieved(t *testing.T) {
	fsys := growingFS{open(t, func(string) {})}
	f, err := rootfs.OpenFile(fsys, "usr/lib/os-release", limit)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, f)
	require.EqualError(t, err, "usr/lib/os-release is larger than the limit of 1 KiB")
	assert.LessOrEqual(t, n, int64(limit+1))
	require.NoError(t, f.Close())
}

func TestExactlyTheLimit(t *testing.T) {
	fsys := open(t, func(dir string) { write(t, filepath.Join(dir, "db"), string(make([]byte, limit))) })
	dt, err := rootfs.ReadFile(fsys, "db", limit)
	require.NoError(t, err)
	assert.Len(t, dt, limit)
}

func TestReadDir(t *testing.T) {
	fsys := open(t, func(dir string) {
		for _, name := range []string{"b", "c", "a"} {
			write(t, filepath.Join(dir, "d", name), "")
		}
	})
	entries, err := rootfs.ReadDir(fsys, "d", 3)
	require.NoError(t, err)
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	assert.Equal(t, []string{"a", "b", "c"}, names)

	_, err = rootfs.ReadDir(fsys, "d", 2)
	require.EqualError(t, err, "d holds more than the limit of 2 files")
	_, err = rootfs.ReadDir(fsys, "d/a", 2)
	require.EqualError(t, err, "d/a cannot be read: not a directory")
	_, err = rootfs.ReadDir(fsys, "e", 2)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestInvalidNames(t *testing.T) {
	fsys := open(t, func(string) {})
	for _, name := range []string{"/etc", "../etc", "etc/../etc", ""} {
		_, err := fsys.Open(name)
		assert.ErrorIs(t, err, fs.ErrInvalid, name)
	}
}
