// Package e2e holds the end-to-end tests: they drive docker buildx and buildctl
// as a user does, on a private BuildKit and registry, and look at exit status,
// output, and the image that was pushed.
package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
)

// shared is the one BuildKit of the whole run; nil if the tests are skipped.
// TestMain sets it before the first test. Use start.
var shared *harness.Env

// made holds the base images of shared.
var made = bases{refs: map[string]string{}}

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Getenv("MICROSCANNER_E2E") != "1" {
		return m.Run()
	}
	ctx := context.Background()
	env, err := harness.Start(ctx, harness.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer func() {
		if err := env.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
		}
	}()
	if err := prepare(ctx, env); err != nil {
		fmt.Fprintf(os.Stderr, "e2e: %v\nbuildkitd's log:\n%s", err, env.Log())
		return 1
	}
	shared = env
	code := m.Run()
	if code != 0 {
		fmt.Fprintf(os.Stderr, "buildkitd's log:\n%s", env.Log())
	}
	return code
}

// prepare builds what every test needs: the frontend image with a database.
func prepare(ctx context.Context, env *harness.Env) error {
	scanner, err := compileScanner(ctx, env)
	if err != nil {
		return err
	}
	database := filepath.Join(env.Dir(), "database")
	var records []string
	for _, name := range []string{demoAdvisories, ownAdvisories} {
		abs, err := filepath.Abs(name)
		if err != nil {
			return err
		}
		records = append(records, abs)
	}
	if err := compileDatabase(ctx, env, scanner, database, records...); err != nil {
		return err
	}
	_, err = env.BuildFrontend(ctx, harness.Frontend{Database: database})
	return err
}

// start returns the shared BuildKit, or skips the test.
func start(t *testing.T) *harness.Env {
	t.Helper()
	if shared == nil {
		t.Skip("needs root and a private BuildKit: run make test")
	}
	return shared
}

// startOwn returns a second BuildKit that shares nothing with the first.
func startOwn(t *testing.T) *harness.Env {
	t.Helper()
	env, err := harness.Start(t.Context(), harness.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, env.Close()) })
	return env
}
