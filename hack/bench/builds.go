package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/hack/debian"
	"github.com/example/microscanner-frontend/hack/harness"
)

// kind is one of the three builds that are compared.
type kind struct {
	name     string
	frontend string
	options  func(round int) []string
	walls    []time.Duration
}

// builds measures, turn by turn and fully cached: a build with upstream's
// frontend image; the same with a stage that runs a program which does nothing,
// with the final root file system mounted read-only and without network; and a
// build with this project's frontend, which scans.
func (b *bench) builds(ctx context.Context) error {
	base, err := debian.Push(ctx, b.env, debian.Fat(), debian.Options{Log: os.Stderr})
	if err != nil {
		return err
	}
	upstream, err := b.env.BuildUpstreamFrontend(ctx)
	if err != nil {
		return err
	}
	ours, err := b.env.BuildFrontend(ctx, harness.Frontend{Database: b.database})
	if err != nil {
		return err
	}
	dir, err := b.buildContext(ctx, base)
	if err != nil {
		return err
	}
	kinds := []*kind{
		{name: "plain", frontend: upstream, options: func(int) []string {
			return []string{"--opt", "target=final"}
		}},
		{name: "true", frontend: upstream, options: func(round int) []string {
			return []string{"--opt", "target=true", "--opt", fmt.Sprintf("build-arg:ROUND=%d", round)}
		}},
		{name: "scan", frontend: ours, options: func(int) []string {
			return []string{"--opt", "target=final"}
		}},
	}
	if err := b.turns(ctx, dir, "Build", kinds); err != nil {
		return err
	}
	plain, nothing, scan := median(kinds[0].walls), median(kinds[1].walls), median(kinds[2].walls)
	fmt.Fprintf(b.out, "# cached builds, %d rounds, medians: plain %.0f ms, with a step that runs true %.0f ms, with the scan %.0f ms\n",
		b.rounds, ms(plain), ms(nothing), ms(scan))
	fmt.Fprintf(b.out, "# added: true %.0f ms, scan %.0f ms; scan/true = %.2f (limit 1.3)\n",
		ms(nothing-plain), ms(scan-plain), float64(scan-plain)/float64(nothing-plain))
	return b.blames(ctx, dir, base, upstream, ours)
}

// turns runs the builds of all kinds, turn by turn.
func (b *bench) turns(ctx context.Context, dir, name string, kinds []*kind) error {
	const warmUp = 2 // pulls the images and fills the cache
	for round := range b.rounds + warmUp {
		for _, k := range kinds {
			r := b.build(ctx, dir, k, round)
			if r.ExitCode != 0 {
				return fmt.Errorf("build %s: exit code %d\n%s", k.name, r.ExitCode, r.Combined)
			}
			if round >= warmUp {
				k.walls = append(k.walls, r.Duration)
				fmt.Fprintf(b.out, "Benchmark%s/%s 1 %d ns/op\n", name, k.name, r.Duration.Nanoseconds())
			}
		}
	}
	return nil
}

// build runs one build, through buildctl, whose own time is the smaller part.
func (b *bench) build(ctx context.Context, dir string, k *kind, round int) harness.Result {
	args := append([]string{
		"build", "--progress", "plain", "--frontend", "gateway.v0", "--opt", "source=" + k.frontend,
		"--local", "context=" + dir, "--local", "dockerfile=" + dir,
	}, k.options(round)...)
	return b.env.Buildctl(ctx, dir, nil, args...)
}

// buildContext writes the Dockerfile and the program that does nothing.
func (b *bench) buildContext(ctx context.Context, base string) (string, error) {
	dir := filepath.Join(b.env.Dir(), "context")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the build context: %w", err)
	}
	source := filepath.Join(dir, "true.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		return "", fmt.Errorf("make the build context: %w", err)
	}
	r := b.env.Run(ctx, dir, nil, "env", "CGO_ENABLED=0", "go", "build", "-o", filepath.Join(dir, "true"), source)
	if r.ExitCode != 0 {
		return "", fmt.Errorf("compile the program that does nothing:\n%s", r.Combined)
	}
	dockerfile := strings.Join([]string{
		"FROM " + base + " AS final",
		"RUN echo hello >/srv/hello",
		"FROM scratch AS runner",
		"COPY true /true",
		"FROM runner AS true",
		"ARG ROUND",
		`RUN --network=none --mount=type=bind,from=final,target=/rootfs ["/true"]`,
		"",
	}, "\n")
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600); err != nil {
		return "", fmt.Errorf("make the build context: %w", err)
	}
	return dir, nil
}
