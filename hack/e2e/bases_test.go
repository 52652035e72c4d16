package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/debian"
	"github.com/example/microscanner-frontend/hack/harness"
)

// The advisories of the tests: those that the demo has on real Debian packages,
// and a few on packages that the tests write themselves.
const (
	demoAdvisories = "../demo/advisories.jsonl"
	ownAdvisories  = "testdata/advisories.jsonl"
)

// bases are the base images of one run, made when they are first needed.
type bases struct {
	mu   sync.Mutex
	refs map[string]string
}

// clean and vulnerable are real Debian images with and without security updates.
func clean() debian.Variant      { return debian.Clean() }
func vulnerable() debian.Variant { return debian.Vulnerable() }

// debianImage returns the reference of a base image in the registry.
func debianImage(t *testing.T, env *harness.Env, variant func() debian.Variant) string {
	t.Helper()
	v := variant()
	made.mu.Lock()
	defer made.mu.Unlock()
	if ref, ok := made.refs[v.Name]; ok {
		return ref
	}
	tar, err := debian.Rootfs(t.Context(), v, debian.Options{Log: os.Stderr})
	require.NoError(t, err)
	img, err := debian.Image(tar)
	require.NoError(t, err)
	ref := env.Ref("base/" + v.Name + ":latest")
	require.NoError(t, env.Push(t.Context(), ref, img))
	made.refs[v.Name] = ref
	return ref
}

// compileScanner builds microscanner for this machine, to run in any image.
func compileScanner(ctx context.Context, env *harness.Env) (string, error) {
	path := filepath.Join(env.Dir(), "microscanner")
	r := env.Run(ctx, env.Root(), nil, "env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./cmd/scan")
	if r.ExitCode != 0 {
		return "", fmt.Errorf("compile the scanner: %s", r.Combined)
	}
	return path, nil
}

// compileDatabase compiles files of records into a directory.
func compileDatabase(ctx context.Context, env *harness.Env, scanner, dir string, records ...string) error {
	argv := []string{scanner, "db", "build", "--output", dir}
	for _, r := range records {
		argv = append(argv, "--feed", "records="+r)
	}
	r := env.Run(ctx, "", nil, argv...)
	if r.ExitCode != 0 {
		return fmt.Errorf("compile the advisory database: %s", r.Combined)
	}
	return nil
}

// buildDatabase compiles a file of records into a directory of the test's.
func buildDatabase(t *testing.T, env *harness.Env, records ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	for i := range records {
		abs, err := filepath.Abs(records[i])
		require.NoError(t, err)
		records[i] = abs
	}
	require.NoError(t, compileDatabase(t.Context(), env, filepath.Join(env.Dir(), "microscanner"), dir, records...))
	return dir
}
