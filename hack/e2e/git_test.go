package e2e

import (
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
)

// serveGit commits what is in dir and serves the repository by HTTP, until the
// test ends. It returns the address as a build context.
func serveGit(t *testing.T, env *harness.Env, dir string) string {
	t.Helper()
	git := func(args ...string) string {
		r := env.Run(t.Context(), dir, nil, append([]string{"git"}, args...)...)
		require.Zero(t, r.ExitCode, r.Combined)
		return strings.TrimSpace(r.Stdout)
	}
	git("init", "-q", "-b", "main")
	git("add", ".")
	git("-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-q", "-m", "context")
	backend := filepath.Join(git("--exec-path"), "git-http-backend")
	_, err := exec.LookPath(backend)
	require.NoError(t, err)
	server := httptest.NewServer(&cgi.Handler{
		Path:   backend,
		Env:    []string{"GIT_PROJECT_ROOT=" + filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1", "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
		Stderr: os.Stderr,
	})
	t.Cleanup(server.Close)
	return server.URL + "/" + filepath.Base(dir) + "/.git#main"
}
