package harness

import (
	"context"
	"os/exec"
	"strings"
	"time"
)

// DockerEngine returns the version of the Docker engine that the docker
// command reaches, and false if there is no such command or engine.
func DockerEngine(ctx context.Context) (version string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", "version", "--format", "{{.Server.Version}}").Output()
	version = strings.TrimSpace(string(out))
	return version, err == nil && version != ""
}
