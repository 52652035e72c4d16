package harness_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
)

// TestVictim is not a test but the process that TestKilled kills: it starts an
// Env, prints its directory, and runs a build that does not end.
func TestVictim(t *testing.T) {
	dir := os.Getenv("HARNESS_VICTIM_CONTEXT")
	if dir == "" {
		t.Skip("started by TestKilled")
	}
	env, err := harness.Start(t.Context(), harness.Options{})
	require.NoError(t, err)
	fmt.Println("DIR " + env.Dir())
	cmd := exec.Command(env.Tool("buildx"), "build", dir)
	cmd.Env = env.Environ()
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	_ = cmd.Run() // killed
}

func TestKilled(t *testing.T) {
	needHarness(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestVictim$")
	cmd.Env = append(os.Environ(), "HARNESS_VICTIM_CONTEXT="+sleeperContext(t))
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	dir, all := "", ""
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		all += lines.Text() + "\n"
		if d, ok := strings.CutPrefix(lines.Text(), "DIR "); ok {
			dir = d
		}
		if strings.Contains(lines.Text(), "the container runs") {
			break
		}
	}
	require.NotEmpty(t, dir, all)
	require.DirExists(t, dir)
	require.NotEmpty(t, leftovers(t, dir), "the check itself sees what runs")
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	assert.Eventually(t, func() bool { return len(leftovers(t, dir)) == 0 }, 20*time.Second, 50*time.Millisecond)
	assert.Empty(t, leftovers(t, dir))
}

func TestTwoAtOnce(t *testing.T) {
	needHarness(t)
	one, err := harness.Start(t.Context(), harness.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, one.Close()) })
	two, err := harness.Start(t.Context(), harness.Options{})
	require.NoError(t, err)
	for _, env := range []*harness.Env{one, two} {
		r := env.Buildx(t.Context(), t.TempDir(), strings.NewReader("FROM scratch\nLABEL a=b\n"), "build",
			"--output", "type=registry,name="+env.Ref("empty"), "-")
		require.Zero(t, r.ExitCode, r.Combined)
	}
	require.NoError(t, two.Close())
	assert.Empty(t, leftovers(t, two.Dir()))
	require.NoError(t, two.Close(), "closing twice")
	r := one.Crane(t.Context(), "manifest", one.Ref("empty"))
	assert.Zero(t, r.ExitCode, "the other one goes on: "+r.Combined)
}

func TestRun(t *testing.T) {
	needHarness(t)
	env, err := harness.Start(t.Context(), harness.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, env.Close()) })
	assert.Equal(t, 3, env.Run(t.Context(), "/", nil, "sh", "-c", "exit 3").ExitCode)
	assert.Equal(t, -1, env.Run(t.Context(), "/", nil, "/nonexistent/command").ExitCode)
	r := env.Run(t.Context(), "/", strings.NewReader("in"), "sh", "-c", "echo out; cat >&2")
	assert.Equal(t, []string{"out\n", "in"}, []string{r.Stdout, r.Stderr})

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	// The grandchild holds the pipe open: it must be killed too.
	r = env.Run(ctx, "/", nil, "sh", "-c", "sleep 600 & wait")
	assert.Equal(t, -1, r.ExitCode)
}

// needHarness skips a test that starts a BuildKit, unless make test runs it.
func needHarness(t *testing.T) {
	t.Helper()
	if os.Getenv("MICROSCANNER_E2E") != "1" {
		t.Skip("needs root and a private BuildKit: run make test")
	}
}

// sleeperContext makes a build context whose RUN step says that it runs, and
// does not end.
func sleeperContext(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "sleeper"), "./testdata/sleeper")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	dockerfile := "FROM scratch\nCOPY sleeper /sleeper\nRUN [\"/sleeper\"]\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600))
	return dir
}

// leftovers lists what there still is of an Env: its directory, its control
// group, and processes that name the directory or are in the control group.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	if _, err := os.Lstat(dir); err == nil {
		found = append(found, dir)
	}
	groups, err := filepath.Glob("/sys/fs/cgroup/*/" + filepath.Base(dir))
	require.NoError(t, err)
	found = append(found, groups...)
	for _, file := range []string{"cmdline", "cgroup", "mountinfo"} {
		processes, err := filepath.Glob("/proc/[0-9]*/" + file)
		require.NoError(t, err)
		for _, p := range processes {
			// A process that has ended meanwhile is no leftover.
			if text, err := os.ReadFile(p); err == nil && strings.Contains(string(text), filepath.Base(dir)) {
				found = append(found, p)
			}
		}
	}
	return found
}
