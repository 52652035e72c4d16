// Package harness runs a private BuildKit for tests, the demo and benchmarks:
// a buildkitd, a registry and a buildx builder that nothing else on the
// machine sees, that need no fixed port or path, and that leave nothing
// behind, however the program that started them ends.
//
// It needs Linux, root, and the commands that hack/deps installs.
package harness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

const (
	// startTimeout bounds the wait for buildkitd's first answer.
	startTimeout = 60 * time.Second
	// closeTimeout bounds the wait for the supervisor to clean up. What builds
	// left may be many gigabytes to remove.
	closeTimeout = 3 * time.Minute
	// maxSocketPath is the longest path that a unix socket can have on Linux,
	// without the zero byte at its end.
	maxSocketPath = 107
	builderName   = "harness"
)

// Options says how to start an Env. The zero value is good.
type Options struct {
	// Root is the top level of the repository; if empty, it is looked for
	// upwards from the working directory.
	Root string
	// Base is the directory that the private directory is made in; if empty,
	// the system's directory for temporary files. It must be a short path, as
	// sockets lie below it, and on a file system that overlayfs can write to.
	Base string
	// Environ is the environment of the commands that the Env runs, less what
	// would lead them out of the Env; if nil, that of this process.
	Environ []string
	// Docker makes the Docker engine that the docker command reaches the
	// builder, instead of a buildkitd of its own. The build cache is then the
	// engine's, and stays; Buildctl reaches nothing.
	Docker bool
	// Config is more of buildkitd's configuration, in TOML: whole tables that the
	// Env has none of.
	Config string
}

// Env is a running buildkitd with its registry and its clients. Its methods
// may be called from several goroutines. Close it.
type Env struct {
	root     string // top level of the repository
	dir      string // private directory
	tools    string // directory of the tools' binaries
	environ  []string
	buildx   []string // command that buildx's arguments follow
	addr     string   // buildkitd's address
	docker   bool     // the builder is a Docker engine
	config   string   // more of buildkitd's configuration
	daemon   *supervisor
	registry *registryServer

	mu       sync.Mutex
	frontend string // reference of the frontend image, once it is built
	closed   bool
}

// Start builds the tools if they are not there yet, then starts a registry and
// a buildkitd. On an error nothing is left running. The Env ends with Close,
// or when this process ends; ctx bounds the start only.
func Start(ctx context.Context, opts Options) (*Env, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("the build harness must run as root: buildkitd mounts file systems and starts runc")
	}
	root, err := findRoot(opts.Root)
	if err != nil {
		return nil, err
	}
	tools, err := buildTools(ctx, root)
	if err != nil {
		return nil, err
	}
	dir, err := privateDir(opts.Base)
	if err != nil {
		return nil, err
	}
	e := &Env{
		root:   root,
		dir:    dir,
		tools:  tools,
		addr:   "unix://" + filepath.Join(dir, "bk.sock"),
		docker: opts.Docker,
		config: opts.Config,
	}
	environ := opts.Environ
	if environ == nil {
		environ = os.Environ()
	}
	e.environ = e.childEnviron(environ)
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (e *Env) start(ctx context.Context) error {
	var err error
	if e.registry, err = serveRegistry(filepath.Join(e.dir, "registry")); err != nil {
		return err
	}
	if e.docker {
		e.buildx = []string{e.Tool("buildx")}
		return nil
	}
	if err := e.startBuildkitd(ctx); err != nil {
		return err
	}
	return e.createBuilder(ctx)
}

// startBuildkitd starts buildkitd and waits until it answers.
func (e *Env) startBuildkitd(ctx context.Context) error {
	config := filepath.Join(e.dir, "buildkitd.toml")
	if err := os.WriteFile(config, []byte(e.buildkitdConfig()), 0o600); err != nil {
		return fmt.Errorf("write buildkitd's configuration: %w", err)
	}
	var err error
	e.daemon, err = supervise(e.dir, e.cgroup(), e.environ,
		filepath.Join(e.tools, "buildkitd"),
		"--config", config,
		"--root", filepath.Join(e.dir, "root"),
		"--addr", e.addr,
		"--oci-worker=true", "--containerd-worker=false")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if e.Buildctl(ctx, e.dir, nil, "debug", "workers").ExitCode == 0 {
			return nil
		}
		select {
		case <-e.daemon.done:
			return fmt.Errorf("buildkitd ended at its start; its log:\n%s", e.Log())
		case <-ctx.Done():
			return fmt.Errorf("buildkitd does not answer: %w; its log:\n%s", ctx.Err(), e.Log())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// buildkitdConfig is the TOML file. Garbage collection is off: the cache goes
// away with the directory. RUN steps use the host's network, as there may be
// no CNI plugin here; steps without network get a namespace of their own.
func (e *Env) buildkitdConfig() string {
	return fmt.Sprintf(`[worker.oci]
  enabled = true
  snapshotter = "overlayfs"
  gc = false
  networkMode = "host"
  defaultCgroupParent = %q

[worker.containerd]
  enabled = false

[registry.%q]
  http = true

%s`, e.cgroup(), e.Registry(), e.config)
}

// cgroup is the name of the control group that the Env's containers are in.
func (e *Env) cgroup() string { return filepath.Base(e.dir) }

// createBuilder makes the private buildkitd the builder that buildx uses,
// through the docker command where there is one, as a user would.
func (e *Env) createBuilder(ctx context.Context) error {
	e.buildx = []string{filepath.Join(e.tools, "buildx")}
	if docker, err := exec.LookPath("docker"); err == nil {
		plugins := filepath.Join(e.dir, "docker", "cli-plugins")
		if err := os.MkdirAll(plugins, 0o755); err != nil {
			return fmt.Errorf("make the private docker configuration: %w", err)
		}
		if err := os.Symlink(filepath.Join(e.tools, "buildx"), filepath.Join(plugins, "docker-buildx")); err != nil {
			return fmt.Errorf("make the private docker configuration: %w", err)
		}
		e.buildx = []string{docker, "buildx"}
	}
	r := e.Buildx(ctx, e.dir, nil, "create", "--name", builderName, "--driver", "remote", e.addr)
	if r.ExitCode != 0 {
		return fmt.Errorf("create the buildx builder: exit code %d:\n%s", r.ExitCode, r.Combined)
	}
	return nil
}

// Dir is the private directory of the Env; it is removed by Close. Tests may
// put files into a subdirectory of their own.
func (e *Env) Dir() string { return e.dir }

// Root is the top level of the repository.
func (e *Env) Root() string { return e.root }

// Tool is the path of one of the tools of hack/tools, for example "buildctl".
func (e *Env) Tool(name string) string { return filepath.Join(e.tools, name) }

// Registry is the address of the registry, host:port on loopback, plain HTTP.
func (e *Env) Registry() string { return e.registry.addr }

// Ref is the reference of an image in the registry: Ref("base:1").
func (e *Env) Ref(name string) string { return e.Registry() + "/" + name }

// FrontendRef is the reference of the frontend image that BuildFrontend built,
// or empty.
func (e *Env) FrontendRef() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.frontend
}

// Log is the log of buildkitd so far, for a test that fails.
func (e *Env) Log() string {
	if e.daemon == nil {
		return ""
	}
	return e.daemon.log()
}

// Close ends buildkitd with every container in it, closes the registry, and
// removes the private directory. It is safe to call twice.
func (e *Env) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	var errs []error
	if e.docker && e.registry != nil {
		errs = append(errs, e.removeImages())
	}
	if e.registry != nil {
		if err := e.registry.server.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, fmt.Errorf("close the registry: %w", err))
		}
	}
	if e.daemon != nil { // whose supervisor removes the directory
		errs = append(errs, e.daemon.close())
	} else if err := os.RemoveAll(e.dir); err != nil {
		errs = append(errs, fmt.Errorf("remove the private directory: %w", err))
	}
	return errors.Join(errs...)
}
