package debian

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// aptSources are lines for sources.list: Debian 12's main component, with or
// without its security updates, at the mirrors that this machine uses.
func aptSources(ctx context.Context, withSecurity bool) ([]string, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets",
		"--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Identifier: Packages").Output()
	if err != nil {
		return nil, fmt.Errorf("ask apt for its mirrors: %w", err)
	}
	sources, err := selectSources(string(out), withSecurity)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(keyring); err != nil {
		return nil, fmt.Errorf("read the keys of the Debian archive (install debian-archive-keyring): %w", err)
	}
	return sources, nil
}

// selectSources picks from apt's "URI SUITE COMPONENT" lines.
func selectSources(targets string, withSecurity bool) ([]string, error) {
	suites := []string{release}
	if withSecurity {
		suites = append(suites, security)
	}
	var sources []string
	for _, suite := range suites {
		found := false
		for line := range strings.Lines(targets) {
			fields := strings.Fields(line)
			if len(fields) != 3 || fields[1] != suite || fields[2] != "main" {
				continue
			}
			found = true
			sources = append(sources, fmt.Sprintf("deb [signed-by=%s] %s %s main", keyring, fields[0], suite))
		}
		if !found {
			return nil, errors.New("this machine's apt has no source for the suite " + suite +
				" of Debian 12, component main: add it to /etc/apt/sources.list.d, then run apt-get update")
		}
	}
	slices.Sort(sources)
	return slices.Compact(sources), nil
}

// writeAptOptions writes those settings of this machine's apt that reaching its
// mirrors may need: proxies, and how strict it is about dates and certificates.
func writeAptOptions(ctx context.Context, path string) error {
	out, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err != nil {
		return fmt.Errorf("ask apt for its settings: %w", err)
	}
	var options strings.Builder
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(line, " ")
		if strings.HasPrefix(name, "Acquire::http") || strings.HasPrefix(name, "Acquire::Check-") ||
			strings.HasPrefix(name, "Acquire::Retries") {
			options.WriteString(line)
		}
	}
	if err := os.WriteFile(path, []byte(options.String()), 0o600); err != nil {
		return fmt.Errorf("write apt's settings: %w", err)
	}
	return nil
}
