package cli_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// maxMemory is what the scanner may take of memory, whatever it reads: 256 MiB
// in the kilobytes of getrusage(2).
const maxMemory = 256 << 10

// TestMemoryIsBounded runs the program on package databases that are made to
// take memory, and looks at the most that it took.
func TestMemoryIsBounded(t *testing.T) {
	program := filepath.Join(t.TempDir(), "microscanner")
	build := exec.Command("go", "build", "-o", program, "../../cmd/scan")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	database := scantest.Database(t, manyAdvisories()...)

	const large = 127 << 20 // just below the limit of what is read at all
	for name, tc := range map[string]struct {
		piece func(n int) string // of the package database
		size  int
		code  int
	}{
		"packages":   {func(n int) string { return fmt.Sprintf("Package: p%d\nVersion: 1\n\n", n) }, 8 << 20, policy.ExitError},
		"long names": {func(n int) string { return fmt.Sprintf("Package: p%d%04000d\nVersion: 1\n\n", n, n) }, 64 << 20, policy.ExitError},
		"not installed": {func(n int) string {
			return fmt.Sprintf("Package: p\nStatus: purge ok not-installed\nMaintainer: m%d\n\n", n)
		}, large, policy.ExitError},
		"broken":           {func(int) string { return "Version: 1\nnonsense\n\n" }, large / 8, policy.ExitError},
		"one line":         {oneLine, large, policy.ExitPass},
		"findings":         {func(n int) string { return fmt.Sprintf("Package: p%d\nSource: linux\nVersion: 1\n\n", n) }, 1 << 20, policy.ExitError},
		"rows of a report": {func(n int) string { return fmt.Sprintf("Package: p%d\nSource: linux\nVersion: 1\n\n", n) }, 4 << 10, policy.ExitGate},
	} {
		t.Run(name, func(t *testing.T) {
			dir := scantest.Rootfs(t, map[string]string{"etc/os-release": "ID=debian\nVERSION_ID=12\n", "var/lib/dpkg/status": ""})
			fill(t, filepath.Join(dir, "var/lib/dpkg/status"), tc.piece, tc.size)
			cmd := exec.Command(program, "rootfs", dir, "--db", database)
			cmd.Stdout = io.Discard
			runBounded(t, cmd, tc.code)
		})
	}
	t.Run("sparse", func(t *testing.T) {
		dir := scantest.Rootfs(t, map[string]string{"etc/os-release": "ID=debian\nVERSION_ID=12\n", "var/lib/dpkg/status": ""})
		require.NoError(t, os.Truncate(filepath.Join(dir, "var/lib/dpkg/status"), 5<<30))
		runBounded(t, exec.Command(program, "rootfs", dir, "--db", database), policy.ExitError)
	})
}

// fill writes a file piece by piece. What a child took of memory includes what
// its parent had when it was started, so the test stays small itself.
func fill(t *testing.T, name string, piece func(int) string, size int) {
	t.Helper()
	f, err := os.Create(name)
	require.NoError(t, err)
	w := bufio.NewWriter(f)
	for n, written := 0, 0; written < size; n++ {
		m, err := w.WriteString(piece(n))
		require.NoError(t, err)
		written += m
	}
	require.NoError(t, w.Flush())
	require.NoError(t, f.Close())
}

func oneLine(n int) string {
	if n == 0 {
		return "Package: a\nVersion: 1\nDepends: "
	}
	return string(bytes.Repeat([]byte("x"), 1<<20))
}

func runBounded(t *testing.T, cmd *exec.Cmd, code int) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	assert.Equal(t, code, cmd.ProcessState.ExitCode(), stderr.String())
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	require.True(t, ok)
	assert.Less(t, usage.Maxrss, int64(maxMemory))
}

// manyAdvisories are on one package, so that findings multiply.
func manyAdvisories() []advisory.Record {
	var out []advisory.Record
	for i := range 1000 {
		out = append(out, advisory.Record{
			ID: fmt.Sprintf("CVE-2024-%d", 10000+i), Distro: "debian", Release: "12", Package: "linux",
			Kind: advisory.Source, Status: advisory.StatusAffected, Severity: severity.Critical, Description: "A hole in the kernel.",
		})
	}
	return out
}
