package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// module is the first line of the go.mod that marks the top level.
const module = "module github.com/example/microscanner-frontend\n"

// findRoot returns root, or if that is empty the directory at or above the
// working directory that holds the project's go.mod.
func findRoot(root string) (string, error) {
	if root != "" {
		return filepath.Abs(root)
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), module) {
			return dir, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("find the repository: %w", err)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("run this inside the repository of microscanner-frontend")
		}
		dir = parent
	}
}

// buildTools builds the tools of hack/tools if needed, and returns their
// directory.
func buildTools(ctx context.Context, root string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(root, "hack", "tools", "build"))
	cmd.Stderr = os.Stderr // it says so when it has work to do: that takes minutes
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build the tools with hack/tools/build: %w", err)
	}
	return filepath.Join(root, "bin"), nil
}

// privateDir makes a new directory in base whose sockets' paths are short
// enough.
func privateDir(base string) (string, error) {
	if base == "" {
		base = os.TempDir()
	}
	base, err := filepath.Abs(base)
	if err != nil {
		return "", fmt.Errorf("make a private directory: %w", err)
	}
	dir, err := os.MkdirTemp(base, "microscanner-")
	if err != nil {
		return "", fmt.Errorf("make a private directory: %w", err)
	}
	if n := len(filepath.Join(dir, "bk.sock")); n > maxSocketPath {
		_ = os.Remove(dir)
		return "", fmt.Errorf("the path of a socket in %s would have %d characters, and %d is the limit: set TMPDIR to a shorter path", dir, n, maxSocketPath)
	}
	return dir, nil
}
