package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/example/microscanner-frontend/hack/debian"
	"github.com/example/microscanner-frontend/hack/harness"
)

const (
	advisories = "hack/demo/advisories.jsonl"
	// dockerfile is what is built; "base" is a named context, so that the same
	// file is built on both base images.
	dockerfile = "FROM base\nRUN echo \"hello from $(cat /etc/debian_version)\" >/srv/hello\nCMD [\"cat\", \"/srv/hello\"]\n"
)

// demo is one run.
type demo struct {
	env *harness.Env
	out io.Writer
	// context is the build context: the Dockerfile.
	context string
}

func run(ctx context.Context, out io.Writer, engine string) (err error) {
	docker, err := chooseEngine(ctx, out, engine)
	if err != nil {
		return err
	}
	env, err := harness.Start(ctx, harness.Options{Docker: docker})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, env.Close()) }()
	d := demo{env: env, out: out, context: filepath.Join(env.Dir(), "context")}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	if err := d.refused(ctx); err != nil {
		return err
	}
	return d.shipped(ctx)
}

// chooseEngine says whether the Docker engine is used.
func chooseEngine(ctx context.Context, out io.Writer, engine string) (docker bool, err error) {
	version, found := harness.DockerEngine(ctx)
	switch {
	case engine == "docker" && !found:
		return false, errors.New("the docker command reaches no engine; use --engine private")
	case engine == "private", engine == "auto" && !found:
		fmt.Fprintln(out, "builder     a private BuildKit, on a registry of its own")
		return false, nil
	case engine == "docker", engine == "auto":
		fmt.Fprintf(out, "builder     the Docker engine here, version %s\n", version)
		return true, nil
	}
	return false, fmt.Errorf("--engine is %q; it may be auto, docker or private", engine)
}

// prepare builds the frontend image with its database, and the base images.
func (d demo) prepare(ctx context.Context) error {
	database := filepath.Join(d.env.Dir(), "database")
	scanner := filepath.Join(d.env.Dir(), "microscanner")
	for _, argv := range [][]string{
		{"go", "build", "-o", scanner, "./cmd/scan"},
		{scanner, "db", "build", "--output", database, "--feed", "records=" + advisories},
	} {
		if r := d.env.Run(ctx, d.env.Root(), nil, argv...); r.ExitCode != 0 {
			return fmt.Errorf("%s: exit code %d\n%s", strings.Join(argv, " "), r.ExitCode, r.Combined)
		}
	}
	facts, err := os.ReadFile(filepath.Join(d.env.Root(), advisories))
	if err != nil {
		return fmt.Errorf("read the demo's advisories: %w", err)
	}
	fmt.Fprintf(d.out, "advisories  %d, from the changelogs of Debian's security updates (hack/demo/README.md)\n",
		strings.Count(string(facts), "\n"))
	ref, err := d.env.BuildFrontend(ctx, harness.Frontend{Database: database})
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "frontend    %s\n", ref)
	for _, variant := range []debian.Variant{debian.Vulnerable(), debian.Clean()} {
		ref, err := debian.Push(ctx, d.env, variant, debian.Options{Log: d.out})
		if err != nil {
			return err
		}
		fmt.Fprintf(d.out, "base image  %s\n", ref)
	}
	if err := os.Mkdir(d.context, 0o755); err != nil {
		return fmt.Errorf("make the build context: %w", err)
	}
	if err := os.WriteFile(filepath.Join(d.context, "Dockerfile"), []byte(dockerfile), 0o644); err != nil {
		return fmt.Errorf("make the build context: %w", err)
	}
	fmt.Fprintf(d.out, "\nDockerfile, used for every build:\n%s", indent(dockerfile))
	return nil
}
