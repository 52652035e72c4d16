package harness

import (
	"context"
	"fmt"
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

// removeImages removes from the Docker engine what builds left there: the
// names of images in the Env's registry, which ends with the Env.
func (e *Env) removeImages() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	list := e.Run(ctx, e.dir, nil, "docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
	if list.ExitCode != 0 {
		return fmt.Errorf("list the Docker engine's images: exit code %d:\n%s", list.ExitCode, list.Combined)
	}
	command := []string{"docker", "image", "rm"}
	for ref := range strings.FieldsSeq(list.Stdout) {
		if strings.HasPrefix(ref, e.Registry()+"/") {
			command = append(command, ref)
		}
	}
	if len(command) == 3 {
		return nil
	}
	if r := e.Run(ctx, e.dir, nil, command...); r.ExitCode != 0 {
		return fmt.Errorf("remove the images of %s from the Docker engine: exit code %d:\n%s", e.Registry(), r.ExitCode, r.Combined)
	}
	return nil
}
