package servicetest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/store/sqlite"
	"github.com/example/microscanner-frontend/service/token"
)

// Process is the real program, that serves.
type Process struct {
	URL   string         // "https://127.0.0.1:PORT"
	Roots *x509.CertPool // the authority that signed its certificate

	cmd *exec.Cmd
	log string // the file with its standard error
}

// BuildProgram builds the program into a file.
func BuildProgram(ctx context.Context, file string) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", file, "github.com/example/microscanner-frontend/cmd/scan") //nolint:gosec // G204: the caller's own path.
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w: %s", err, text)
	}
	return nil
}

// StartProcess starts a service whose files are in a directory: the store in
// store.db, the advisory database in db. settings are more arguments.
func StartProcess(ctx context.Context, program, dir string, settings ...string) (*Process, error) {
	roots, err := WriteAuthority(dir)
	if err != nil {
		return nil, fmt.Errorf("make certificates: %w", err)
	}
	p := &Process{Roots: roots, log: filepath.Join(dir, "log")}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := append([]string{
		"serve", "--listen=127.0.0.1:0", "--store=" + filepath.Join(dir, "store.db"), "--db=" + filepath.Join(dir, "db"),
		"--tls-cert=" + filepath.Join(dir, "cert.pem"), "--tls-key=" + filepath.Join(dir, "key.pem"),
	}, settings...)
	p.cmd = exec.Command(program, args...) //nolint:gosec,noctx // G204: the caller's program; Stop and Kill end it.
	p.cmd.Stderr = log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the service: %w", err)
	}
	if err := p.await(ctx); err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	return p, nil
}

// startTime is how long a service may take until it listens.
const startTime = time.Minute

// await waits until the service says where it listens.
func (p *Process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	address := regexp.MustCompile(`"msg":"the service listens","address":"([^"]+)"`)
	for {
		text, err := os.ReadFile(p.log)
		if err != nil {
			return err
		}
		if found := address.FindSubmatch(text); found != nil {
			p.URL = "https://" + string(found[1])
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the service does not listen: %w: %s", ctx.Err(), text)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop stops the service as a signal does, and waits until it has ended.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("the service: %w", err)
	}
	return nil
}

// Kill ends it where it stands.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = p.cmd.Wait() // that it was killed
	return nil
}

// Usage is what a process has taken so far.
type Usage struct {
	CPU time.Duration // in its own code and in the kernel's
	RSS float64       // MiB of memory now
}

// ticksPerSecond is the unit of /proc/PID/stat on every Linux that Go runs on.
const ticksPerSecond = 100

// Usage reads what the service has taken.
func (p *Process) Usage() (Usage, error) {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "stat"))
	if err != nil {
		return Usage{}, fmt.Errorf("the service is gone: %w", err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // behind PID and name
	fields := strings.Fields(rest)
	var numbers [3]int64 // proc_pid_stat(5): utime 14, stime 15, rss 24
	for i, at := range []int{14, 15, 24} {
		if at-3 >= len(fields) {
			return Usage{}, errors.New("/proc/PID/stat has another form")
		}
		if numbers[i], err = strconv.ParseInt(fields[at-3], 10, 64); err != nil {
			return Usage{}, fmt.Errorf("/proc/PID/stat has another form: %w", err)
		}
	}
	return Usage{
		CPU: time.Duration(numbers[0]+numbers[1]) * time.Second / ticksPerSecond,
		RSS: float64(numbers[2]) * float64(os.Getpagesize()) / (1 << 20),
	}, nil
}

// AddToken puts a new token into an SQLite store, which is made if it is not
// there.
func AddToken(ctx context.Context, file string) (string, error) {
	opened, err := sqlite.Open(ctx, file, store.Options{})
	if err != nil {
		return "", err
	}
	made := token.New()
	err = opened.Register(ctx, store.Registration{
		Email: "owner@example.org", TermsVersion: "1", Source: "192.0.2.1", Token: made.Hash(), At: time.Now().UTC(),
	}, store.RegistrationLimits{})
	return made.Reveal(), errors.Join(err, opened.Close())
}
