package rootfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// mapFile maps a file of fsys.
func mapFile(t *testing.T, fsys fs.FS, name string, visit func(*rootfs.Section) error) error {
	t.Helper()
	f, err := rootfs.OpenFile(fsys, name, 1<<30)
	require.NoError(t, err)
	defer f.Close()
	return f.Map(visit)
}

// TestSectionBytes: mapped, read in pieces and read into memory, a file has the
// same bytes.
func TestSectionBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, 3<<20+17)
	for i := range text {
		text[i] = byte(random.Uint32())
	}
	dir := open(t, func(dir string) { write(t, filepath.Join(dir, "file"), string(text)) })
	memory := fstest.MapFS{"file": &fstest.MapFile{Data: text}}
	for name, fsys := range map[string]fs.FS{"mapped": dir, "in pieces": memory, "from start to end": streams{memory}} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, mapFile(t, fsys, "file", func(s *rootfs.Section) error {
				at := 0
				for range 3000 {
					n := random.IntN(5000)
					if random.IntN(10) == 0 {
						at = random.IntN(len(text) + 10)
					}
					got, err := s.Bytes(int64(at), n, n*random.IntN(40))
					if at+n > len(text) {
						require.ErrorIs(t, err, io.ErrUnexpectedEOF)
						at = 0
						continue
					}
					require.NoError(t, err)
					require.True(t, bytes.Equal(text[at:at+n], got), "%d bytes at %d", n, at)
					at += n
				}
				_, err := s.Bytes(-1, 1, 1)
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				return nil
			}))
		})
	}
}

// streams has files that can only be read from their start to their end.
type streams struct{ fs.FS }

func (s streams) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	return struct{ fs.File }{f}, err
}

// TestMapCutOff: a file that is cut off while it is mapped is an error, and does
// not end the program.
func TestMapCutOff(t *testing.T) {
	var path string
	fsys := open(t, func(dir string) {
		path = filepath.Join(dir, "file")
		write(t, path, strings.Repeat("x", 1<<20))
	})
	seen := 0
	for range 2 { // the next file after one
		write(t, path, strings.Repeat("x", 1<<20))
		err := mapFile(t, fsys, "file", func(s *rootfs.Section) error {
			part, err := s.Bytes(1<<19, 1<<12, 1<<12)
			require.NoError(t, err)
			seen += bytes.Count(part, []byte("x"))
			require.NoError(t, os.Truncate(path, 1<<12))
			seen += bytes.Count(part, []byte("x"))
			return nil
		})
		require.ErrorIs(t, err, rootfs.ErrCutOff)
		require.EqualError(t, err, "file was cut off, or its disk failed, while it was read")
	}
	assert.Equal(t, 2<<12, seen)
}

// TestMapEnds: errors and panics of visit are its own, and an empty file is no
// error.
func TestMapEnds(t *testing.T) {
	fsys := open(t, func(dir string) { write(t, filepath.Join(dir, "empty"), "") })
	own := errors.New("own")
	require.ErrorIs(t, mapFile(t, fsys, "usr/lib/os-release", func(*rootfs.Section) error { return own }), own)
	assert.PanicsWithValue(t, "own", func() {
		_ = mapFile(t, fsys, "usr/lib/os-release", func(*rootfs.Section) error { panic("own") })
	})
	require.NoError(t, mapFile(t, fsys, "empty", func(s *rootfs.Section) error {
		assert.Zero(t, s.Size())
		return nil
	}))
}

// TestMapMemory: of a large file that is looked at, little counts as memory of
// the process.
func TestMapMemory(t *testing.T) {
	const size, limit = 200 << 20, 24 << 20
	fsys := open(t, func(dir string) {
		write(t, filepath.Join(dir, "file"), "")
		require.NoError(t, os.Truncate(filepath.Join(dir, "file"), size))
	})
	before, highest := residentFile(t), 0
	require.NoError(t, mapFile(t, fsys, "file", func(s *rootfs.Section) error {
		for at := int64(0); at < size; at += 4096 {
			page, err := s.Bytes(at, 4096, 4096)
			require.NoError(t, err)
			require.Zero(t, page[100])
			if at%(1<<20) == 0 {
				highest = max(highest, residentFile(t))
			}
		}
		return nil
	}))
	assert.Less(t, highest-before, limit)
}

// residentFile is how many bytes of mapped files are memory of this process.
func residentFile(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("the system does not tell the memory of a process")
	}
	_, rest, ok := strings.Cut(string(status), "RssFile:")
	require.True(t, ok)
	kib := 0
	_, err = fmt.Sscan(rest, &kib)
	require.NoError(t, err)
	return kib << 10
}
