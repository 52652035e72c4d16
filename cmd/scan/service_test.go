package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/service/servicetest"
)

// records are advisories on packages of both root file systems.
const records = `{"id":"CVE-2023-4911","distro":"debian","release":"12","package":"glibc","kind":"source","status":"fixed","fixed":"2.36-9+deb12u3","severity":"high"}
{"id":"CVE-2024-0001","distro":"alpine","release":"3.20","package":"busybox","kind":"source","status":"fixed","fixed":"1.36.1-r30","severity":"critical"}
`

// images are root file systems without certificates.
func images() map[string]map[string]string {
	return map[string]map[string]string{
		"debian": {
			"etc/os-release":      "ID=debian\nVERSION_ID=12\n",
			"var/lib/dpkg/status": "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\nVersion: 2.36-9+deb12u2\n",
		},
		"alpine": {
			"etc/os-release":       "ID=alpine\nVERSION_ID=3.20.3\n",
			"etc/alpine-release":   "3.20.3\n",
			"lib/apk/db/installed": "P:busybox\nV:1.36.1-r29\nA:x86_64\no:busybox\n\n",
		},
	}
}

// image puts the program into a root file system, as ADD and COPY do, and the
// certificate of a service's CA.
func image(t *testing.T, files map[string]string, program, caFile string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	require.NoError(t, os.Link(program, filepath.Join(dir, "microscanner")))
	text, err := os.ReadFile(caFile)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), text, 0o644))
	return dir
}

// outcome is the end of a run.
type outcome struct {
	code           int
	stdout, stderr string
}

// inside runs the program in a root file system as its root.
func inside(t *testing.T, dir, server string, args ...string) outcome {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/microscanner", args...)
	cmd.Dir, cmd.Env = "/", []string{"MICROSCANNER_SERVER=" + server}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// TestClassicUses runs the command lines that Dockerfiles, wrapper scripts and
// the Jenkins plugin have, inside of root file systems without certificates,
// against a real service over TLS.
func TestClassicUses(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to change the root directory")
	}
	work := t.TempDir()
	program := filepath.Join(work, "microscanner")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	feed, database := filepath.Join(work, "records.jsonl"), filepath.Join(work, "db")
	require.NoError(t, os.WriteFile(feed, []byte(records), 0o600))
	out, err = exec.CommandContext(t.Context(), program, "db", "build", "--output", database, "--feed", "records="+feed).CombinedOutput()
	require.NoError(t, err, string(out))

	service := servicetest.Start(t, servicetest.Options{DB: database})
	token := service.Token()
	for name, files := range images() {
		t.Run(name, func(t *testing.T) {
			dir := image(t, files, program, service.CAFile)
			for _, tc := range []struct {
				args []string
				code int
			}{
				{[]string{token, "--ca-file=/ca.pem"}, 4},                              // ADD and RUN in a Dockerfile
				{[]string{"--continue-on-failure", "--no-verify", token}, 0},           // a wrapper around FROM image
				{[]string{"-c", "-n", token}, 0},                                       // the CircleCI orb
				{[]string{token, "--html", "--continue-on-failure", "--no-verify"}, 0}, // the Jenkins plugin
				{[]string{"-n", "--token-file", "/run/secrets/token"}, 4},              // as it should be done
				{[]string{"-n"}, 4}, // the same
				{[]string{"-n", "-c", strings.Replace(token, "mscan_", "mscan_a", 1)}, 1}, // a slip of the pen
				{[]string{"-c", token}, 1}, // no certificate
			} {
				secret := filepath.Join(dir, "run/secrets/token")
				require.NoError(t, os.MkdirAll(filepath.Dir(secret), 0o755))
				require.NoError(t, os.WriteFile(secret, []byte(token+"\n"), 0o600))
				got := inside(t, dir, service.URL, tc.args...)
				line := strings.ReplaceAll(strings.Join(tc.args, " "), token, "TOKEN")
				assert.Equal(t, tc.code, got.code, "%s\n%s", line, got.stderr)
				assert.NotContains(t, got.stdout+got.stderr, token, line)
				switch {
				case tc.code == 1:
					assert.Empty(t, got.stdout, line)
				case strings.Contains(line, "--html"):
					assert.True(t, strings.HasPrefix(got.stdout, "<!DOCTYPE html>"), line)
					assert.True(t, strings.HasSuffix(strings.TrimSpace(got.stdout), "</html>"), line)
					assert.Contains(t, got.stdout, "<h1>Scan Report: </h1>", line)
				default:
					assert.True(t, strings.HasPrefix(got.stdout, "{\n  \"scan_started\": {"), line)
					assert.True(t, json.Valid([]byte(got.stdout)), line)
				}
			}
			got := inside(t, dir, service.URL, "-c", token)
			assert.Contains(t, got.stderr, "the certificate of "+service.URL+" cannot be verified (x509: certificate signed by unknown authority): install ca-certificates")
		})
	}
	assert.NotContains(t, service.Log(), token)
	assert.NotEmpty(t, service.Log())
}
