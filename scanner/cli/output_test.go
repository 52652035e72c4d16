package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOutputAppearsWholeOrNotAtAll fills the disk in the middle of a document.
func TestOutputAppearsWholeOrNotAtAll(t *testing.T) {
	name := filepath.Join(t.TempDir(), "report.json")
	require.NoError(t, os.WriteFile(name, []byte("before"), 0o600))
	err := writeOutput(Env{}, name, func(w io.Writer) error {
		_, err := w.Write(bytes.Repeat([]byte("x"), 1<<20)) // more than any buffer
		require.NoError(t, err)
		return syscall.ENOSPC
	})
	require.EqualError(t, err, "cannot write "+name+": no space left on device")
	dt, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, "before", string(dt))
	entries, err := os.ReadDir(filepath.Dir(name))
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}

func TestOutputReplaces(t *testing.T) {
	name := filepath.Join(t.TempDir(), "report.json")
	require.NoError(t, os.WriteFile(name, []byte("before"), 0o600))
	require.NoError(t, writeOutput(Env{}, name, func(w io.Writer) error {
		_, err := io.WriteString(w, "after")
		return err
	}))
	dt, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, "after", string(dt))
	info, err := os.Stat(name)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o644), info.Mode())
}

// full is a standard output that goes nowhere.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestOutputToStandardOutput(t *testing.T) {
	write := func(w io.Writer) error {
		_, err := io.WriteString(w, "document")
		return err
	}
	var b bytes.Buffer
	for _, name := range []string{"", "-"} {
		b.Reset()
		require.NoError(t, writeOutput(Env{Stdout: &b}, name, write))
		assert.Equal(t, "document", b.String())
	}
	require.EqualError(t, writeOutput(Env{Stdout: full{}}, "", write), "cannot write standard output: broken pipe")
}
