package cli_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/servicetest"
)

// TestBackup copies the store of a service that runs, and starts another one
// from the copy.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	storeFile, copied := filepath.Join(dir, "store.db"), filepath.Join(t.TempDir(), "store.db")
	token, err := servicetest.AddToken(t.Context(), storeFile)
	require.NoError(t, err)
	servicetest.Install(t, filepath.Join(dir, "db"), servicetest.Record("CVE-2024-0001", 1))
	first := start(t, dir)
	defer func() { require.NoError(t, first.Stop()) }()
	status, text, err := first.post(t.Context(), remote.PathScan, token, servicetest.Request("", 5))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, string(text))

	backup(t, 0, storeFile, copied)
	servicetest.Install(t, filepath.Join(filepath.Dir(copied), "db"), servicetest.Record("CVE-2024-0001", 1))
	second := start(t, filepath.Dir(copied), "--daily-limit=2")
	defer func() { require.NoError(t, second.Stop()) }()
	for _, want := range []int{http.StatusOK, http.StatusTooManyRequests} { // one of two was used before
		status, text, err = second.post(t.Context(), remote.PathScan, token, servicetest.Request("", 5))
		require.NoError(t, err)
		assert.Equal(t, want, status, string(text))
	}
	assert.True(t, json.Valid(text))
}

// TestBackupRefuses has the wrong uses: nothing is made, nothing is replaced.
func TestBackupRefuses(t *testing.T) {
	dir := t.TempDir()
	storeFile, other := filepath.Join(dir, "store.db"), filepath.Join(dir, "other")
	assert.Contains(t, backup(t, 1, storeFile, other), "there is no store to back up")
	assert.NoFileExists(t, storeFile)
	_, err := servicetest.AddToken(t.Context(), storeFile)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(other, []byte("mine"), 0o600))
	backup(t, 1, storeFile, other)
	text, err := os.ReadFile(other)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(text))
	assert.Contains(t, backup(t, 2, storeFile), "wrong number of arguments")
}

// backup runs the verb and checks its exit code.
func backup(t *testing.T, code int, args ...string) (output string) {
	t.Helper()
	file, err := program()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), file, append([]string{"backup"}, args...)...)
	text, _ := cmd.CombinedOutput() // the code says it
	require.Equal(t, code, cmd.ProcessState.ExitCode(), string(text))
	return string(text)
}
