package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain makes the test's binary the command, if its arguments are not a
// test's.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		main()
	}
	os.Exit(m.Run())
}

func start(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	require.NoError(t, cmd.Start())
	return cmd
}

// TestASignalEndsACommand stops one that waits for somebody to write to a pipe.
func TestASignalEndsACommand(t *testing.T) {
	input := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(input, 0o600))
	cmd := start(t, "report", "convert", input)
	pipe, err := os.OpenFile(input, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer pipe.Close()
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_ = cmd.Wait()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	assert.Equal(t, syscall.SIGTERM, status.Signal())
}

// TestASignalEndsABuild stops one that waits for a server.
func TestASignalEndsABuild(t *testing.T) {
	asked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	defer server.Close()
	dir := t.TempDir()
	cmd := start(t, "db", "build", "--output", filepath.Join(dir, "db"), "--feed", "records="+server.URL)
	<-asked
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_ = cmd.Wait()
	assert.Equal(t, 1, cmd.ProcessState.ExitCode())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// TestServer asks the service that was linked in, unless the environment names
// another one.
func TestServer(t *testing.T) {
	refuse := func(asked *atomic.Int32) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			w.WriteHeader(http.StatusUnauthorized)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	var linked, named atomic.Int32
	program := filepath.Join(t.TempDir(), "microscanner")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.server="+refuse(&linked), "-o", program, ".")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, tc := range []struct {
		server        string
		linked, named int32
	}{{"", 1, 0}, {refuse(&named), 1, 1}} {
		cmd := exec.CommandContext(t.Context(), program, "mscan_x", "-d", t.TempDir())
		cmd.Env = append(os.Environ(), "MICROSCANNER_SERVER="+tc.server)
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		assert.Contains(t, string(out), "refuses the token, 401 Unauthorized")
		assert.Equal(t, 1, cmd.ProcessState.ExitCode())
		assert.Equal(t, tc.linked, linked.Load())
		assert.Equal(t, tc.named, named.Load())
	}
}
