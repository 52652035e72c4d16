package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Result is what a command left.
type Result struct {
	// ExitCode is the command's exit status; -1 if it was not started or a
	// signal ended it, for example because the context was cancelled.
	ExitCode int
	Stdout   string
	Stderr   string
	// Combined is standard output and error in the order written; for a
	// command that was not started, the reason.
	Combined string
	// Duration is the wall time from start to end.
	Duration time.Duration
}

// Buildx runs docker buildx, or buildx where there is no docker command, in
// dir on the Env's builder. stdin may be nil.
func (e *Env) Buildx(ctx context.Context, dir string, stdin io.Reader, args ...string) Result {
	return e.Run(ctx, dir, stdin, append(append([]string{}, e.buildx...), args...)...)
}

// Buildctl runs buildctl in dir on the Env's buildkitd. stdin may be nil.
func (e *Env) Buildctl(ctx context.Context, dir string, stdin io.Reader, args ...string) Result {
	return e.Run(ctx, dir, stdin, append([]string{e.Tool("buildctl")}, args...)...)
}

// Crane runs crane, to look into the registry.
func (e *Env) Crane(ctx context.Context, args ...string) Result {
	return e.Run(ctx, e.dir, nil, append([]string{e.Tool("crane")}, args...)...)
}

// Run runs any command in dir with the Env's environment. When ctx ends, the
// command and all that it started are killed.
func (e *Env) Run(ctx context.Context, dir string, stdin io.Reader, argv ...string) Result {
	return run(ctx, dir, e.environ, stdin, argv...)
}

func run(ctx context.Context, dir string, environ []string, stdin io.Reader, argv ...string) Result {
	var stdout, stderr, combined bytes.Buffer
	both := &lockedWriter{w: &combined}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = environ
	cmd.Stdin = stdin
	cmd.Stdout = io.MultiWriter(&stdout, both)
	cmd.Stderr = io.MultiWriter(&stderr, both)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second // for a grandchild that holds the pipes open

	start := time.Now()
	err := cmd.Run()
	r := Result{
		ExitCode: cmd.ProcessState.ExitCode(), // -1 if there is no state
		Stdout:   stdout.String(),
		Stderr:   stderr.String(),
		Combined: combined.String(),
		Duration: time.Since(start),
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		r.ExitCode = -1
		r.Combined += fmt.Sprintf("%s: %v\n", filepath.Base(argv[0]), err)
	}
	return r
}

// lockedWriter lets the two streams of a command share one buffer.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// Environ is the environment that leads docker, buildx, buildctl and crane to
// the Env: for a shell, or a program that runs them itself.
func (e *Env) Environ() []string {
	env := append([]string{}, e.environ...)
	env = append(env, "REGISTRY="+e.Registry())
	if ref := e.FrontendRef(); ref != "" {
		env = append(env, "FRONTEND="+ref)
	}
	return env
}

// childEnviron is environ less the variables that would lead a client to
// another engine, builder or configuration, plus those that lead it here.
func (e *Env) childEnviron(environ []string) []string {
	var env []string
	path := ""
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		switch {
		case name == "PATH":
			path = value
		case strings.HasPrefix(name, "DOCKER_") && !e.docker, strings.HasPrefix(name, "BUILDX_"),
			strings.HasPrefix(name, "BUILDKIT_"), strings.HasPrefix(name, "MICROSCANNER_"),
			strings.HasPrefix(name, "OTEL_"), name == "SOURCE_DATE_EPOCH":
		default:
			env = append(env, kv)
		}
	}
	env = append(env,
		"PATH="+e.tools+":"+path+":/usr/sbin:/sbin",
		"BUILDKIT_PROGRESS=plain",
		"BUILDX_CONFIG="+filepath.Join(e.dir, "buildx"),
		"DOCKER_CLI_HINTS=false",
	)
	if e.docker {
		return append(env, "BUILDX_BUILDER=default")
	}
	return append(env,
		"BUILDKIT_HOST="+e.addr,
		"BUILDX_BUILDER="+builderName,
		"DOCKER_CONFIG="+filepath.Join(e.dir, "docker"),
	)
}
