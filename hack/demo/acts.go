package main

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/hack/debian"
	"github.com/example/microscanner-frontend/hack/harness"
)

// gateExit is how the output of a refused build ends.
const gateExit = "exit code: 4"

// refused shows a build that finds vulnerabilities and exports nothing.
func (d demo) refused(ctx context.Context) error {
	d.title("1. Debian 12 from its main archive, without the security updates")
	image := d.env.Ref("demo/vulnerable:1")
	r := d.build(ctx, debian.Vulnerable(), image, d.env.FrontendRef())
	fmt.Fprint(d.out, "\n", indent(shorten(gateOutput(r.Combined), 16)))
	fmt.Fprint(d.out, indent(lastError(r.Combined)))
	switch {
	case r.ExitCode == 0:
		return fmt.Errorf("the build of the vulnerable image succeeded:\n%s", r.Combined)
	case !strings.Contains(r.Combined, gateExit), !strings.Contains(r.Combined, "openssl"):
		return fmt.Errorf("the build failed, but not by the gate:\n%s", r.Combined)
	case d.env.Crane(ctx, "digest", image).ExitCode == 0:
		return fmt.Errorf("the registry has %s, which was refused", image)
	}
	fmt.Fprintf(d.out, "\n=> refused: the build exits with %d, and the registry has no %s.\n", r.ExitCode, image)
	return nil
}

// shipped shows a build that passes, and that its image is the plain one.
func (d demo) shipped(ctx context.Context) error {
	d.title("2. The same Debian 12 with its security updates")
	scanned, plain := d.env.Ref("demo/clean:scanned"), d.env.Ref("demo/clean:plain")
	r := d.build(ctx, debian.Clean(), scanned, d.env.FrontendRef())
	if r.ExitCode != 0 {
		return fmt.Errorf("the build of the clean image failed with %d:\n%s", r.ExitCode, r.Combined)
	}
	if !strings.Contains(r.Combined, "[microscanner] scan") {
		return fmt.Errorf("the build of the clean image did not scan it:\n%s", r.Combined)
	}
	scannedDigest, err := d.digest(ctx, scanned)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\n=> shipped: %s\n", scanned)

	d.title("3. Once more without a scan, to compare")
	if r := d.build(ctx, debian.Clean(), plain, ""); r.ExitCode != 0 {
		return fmt.Errorf("the build without a scan failed with %d:\n%s", r.ExitCode, r.Combined)
	}
	plainDigest, err := d.digest(ctx, plain)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\n   scanned  %s\n   plain    %s\n", scannedDigest, plainDigest)
	if scannedDigest != plainDigest {
		return fmt.Errorf("the images differ")
	}
	fmt.Fprintln(d.out, "\n=> the same image, bit for bit: the scan left nothing in it.")
	return nil
}

// build prints the command line as a user would type it, and runs it. An empty
// frontend is a build without a scan.
func (d demo) build(ctx context.Context, base debian.Variant, image, frontend string) harness.Result {
	args := []string{"build"}
	if frontend != "" {
		args = append(args, "--build-arg", "BUILDKIT_SYNTAX="+frontend)
	}
	args = append(args, "--build-context", "base=docker-image://"+d.env.Ref(base.Name), "--push", "-t", image, ".")
	line := "   $ docker buildx " + strings.Join(args, " ")
	line = strings.NewReplacer(" --b", " \\\n         --b", " --push", " \\\n         --push").Replace(line)
	fmt.Fprintln(d.out, line)
	return d.env.Buildx(ctx, d.context, nil, args...)
}

// digest is the manifest digest of the image for this demo's platform.
func (d demo) digest(ctx context.Context, ref string) (string, error) {
	img, err := d.env.Image(ctx, ref, "linux/"+runtime.GOARCH)
	if err != nil {
		return "", err
	}
	digest, err := img.Digest()
	if err != nil {
		return "", fmt.Errorf("read image %s: %w", ref, err)
	}
	return digest.String(), nil
}

func (d demo) title(text string) {
	fmt.Fprintf(d.out, "\n%s\n%s\n", text, strings.Repeat("-", len(text)))
}

// gateOutput is what the step "gate" printed, without BuildKit's prefixes.
func gateOutput(build string) []string {
	gate := regexp.MustCompile(`(?m)^#(\d+) \[.*\] gate$`).FindStringSubmatch(build)
	if gate == nil {
		return nil
	}
	var lines []string
	for _, m := range regexp.MustCompile(`(?m)^#`+gate[1]+` \d+\.\d+ (.*)$`).FindAllStringSubmatch(build, -1) {
		lines = append(lines, m[1])
	}
	return lines
}

// shorten leaves out lines before the last two if there are more than n.
func shorten(lines []string, n int) string {
	if left := len(lines) - n; left > 0 {
		lines = slices.Concat(lines[:n-2], []string{fmt.Sprintf("… and %d more lines", left)}, lines[len(lines)-2:])
	}
	return strings.Join(lines, "\n") + "\n"
}

// lastError is the last line of the output that tells an error.
func lastError(build string) string {
	for _, line := range slices.Backward(strings.Split(build, "\n")) {
		if strings.HasPrefix(line, "ERROR: ") {
			return line + "\n"
		}
	}
	return ""
}

// indent puts blanks before each line that is not empty.
func indent(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			out.WriteString("   ")
		}
		out.WriteString(line)
	}
	return out.String()
}
