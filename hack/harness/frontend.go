package harness

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Frontend says what frontend image to build. The zero value is the image for
// this machine, without a database.
type Frontend struct {
	// Name is the image's name and tag in the Env's registry; if empty,
	// "microscanner-frontend:latest".
	Name string
	// Platforms are the platforms of the image, "linux/arm64"; if empty, the
	// one of this machine.
	Platforms []string
	// Database is the directory of a compiled advisory database to put into
	// the image; if empty, the image has none.
	Database string
	// Archive is the file to write the image to as an OCI layout archive; if
	// empty, the image is pushed to the Env's registry.
	Archive string
	// Source is the top level of the module that the programs are compiled
	// from; if empty, the repository.
	Source string
	// Overlay is a file for go build's -overlay, to compile something other than
	// what is there; if empty, nothing is.
	Overlay string
}

// BuildFrontend compiles the frontend and the scanner with the Go of this
// machine, builds Dockerfile.frontend around them without pulling anything,
// and returns the reference of the image, or the archive's path. A pushed
// image is the one that FrontendRef names from then on.
func (e *Env) BuildFrontend(ctx context.Context, f Frontend) (string, error) {
	platforms := f.Platforms
	if len(platforms) == 0 {
		platforms = []string{"linux/" + runtime.GOARCH}
	}
	build, err := os.MkdirTemp(e.dir, "frontend-")
	if err != nil {
		return "", fmt.Errorf("build the frontend image: %w", err)
	}
	source := f.Source
	if source == "" {
		source = e.root
	}
	for _, platform := range platforms {
		if err := e.compile(ctx, source, f.Overlay, build, platform); err != nil {
			return "", err
		}
	}
	ref := e.Ref("microscanner-frontend:latest")
	if f.Name != "" {
		ref = e.Ref(f.Name)
	}
	output := "type=registry,oci-mediatypes=true,rewrite-timestamp=true,name=" + ref
	if e.docker { // whose older image store knows neither
		output = "type=registry,name=" + ref
	}
	if f.Archive != "" {
		ref = f.Archive
		output = "type=oci,rewrite-timestamp=true,dest=" + f.Archive
	}
	// The build stage's context holds all that is compiled, so the main
	// context may be empty. A fixed time makes the image reproducible.
	empty := filepath.Join(build, "empty")
	if err := os.MkdirAll(empty, 0o755); err != nil {
		return "", fmt.Errorf("build the frontend image: %w", err)
	}
	args := []string{"build", "--file", filepath.Join(e.root, "Dockerfile.frontend"),
		"--build-context", "build=" + build,
		"--build-arg", "SOURCE_DATE_EPOCH=0",
		"--platform", strings.Join(platforms, ","),
		"--provenance=false", "--output", output}
	if f.Database != "" {
		args = append(args, "--build-context", "database="+f.Database)
	}
	if r := e.Buildx(ctx, e.dir, nil, append(args, empty)...); r.ExitCode != 0 {
		return "", fmt.Errorf("build the frontend image: exit code %d:\n%s", r.ExitCode, r.Combined)
	}
	if f.Archive == "" {
		e.mu.Lock()
		e.frontend = ref
		e.mu.Unlock()
	}
	return ref, nil
}

// compile builds the two programs for one platform into the place under dir
// where the build stage of Dockerfile.frontend has them.
func (e *Env) compile(ctx context.Context, source, overlay, dir, platform string) error {
	goos, arch, _ := strings.Cut(platform, "/")
	arch, variant, _ := strings.Cut(arch, "/")
	out := filepath.Join(dir, "out", goos+"_"+arch+variant)
	environ := append([]string{}, e.environ...)
	environ = append(environ, "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch, "GOARM="+strings.TrimPrefix(variant, "v"))
	programs := map[string]string{"microscanner-frontend": "./cmd/frontend", "microscanner": "./cmd/scan"}
	for name, pkg := range programs {
		r := run(ctx, source, environ, nil, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-overlay", overlay,
			"-tags", "scanonly", "-o", filepath.Join(out, name), pkg)
		if r.ExitCode != 0 {
			return fmt.Errorf("compile %s for %s:\n%s", pkg, platform, r.Combined)
		}
	}
	return nil
}

// BuildUpstreamFrontend pushes an image of BuildKit's own Dockerfile frontend,
// of the version in hack/tools/go.mod, and returns its reference: what
// docker/dockerfile is, to compare with.
func (e *Env) BuildUpstreamFrontend(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp(e.dir, "upstream-")
	if err != nil {
		return "", fmt.Errorf("build upstream's frontend image: %w", err)
	}
	if err := copyFile(filepath.Join(dir, "dockerfile-frontend"), e.Tool("dockerfile-frontend")); err != nil {
		return "", fmt.Errorf("build upstream's frontend image: %w", err)
	}
	dockerfile := "FROM scratch\nCOPY dockerfile-frontend /bin/\nENTRYPOINT [\"/bin/dockerfile-frontend\"]\n" +
		"LABEL moby.buildkit.frontend.network.none=true moby.buildkit.frontend.caps=" + frontendCaps + "\n"
	ref := e.Ref("upstream-frontend:latest")
	r := e.Buildx(ctx, dir, strings.NewReader(dockerfile), "build", "--file", "-", "--provenance=false",
		"--output", "type=registry,name="+ref, ".")
	if r.ExitCode != 0 {
		return "", fmt.Errorf("build upstream's frontend image: exit code %d:\n%s", r.ExitCode, r.Combined)
	}
	return ref, nil
}

// frontendCaps is the label of docker/dockerfile that tells BuildKit what a
// frontend image can do without starting it.
const frontendCaps = "moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts," +
	"moby.buildkit.frontend.gitquerystring,moby.buildkit.frontend.contexts.zstd"

// copyFile copies an executable.
func copyFile(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
