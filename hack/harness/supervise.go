package harness

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// superviseScript runs the daemon; see its own comments.
//
//go:embed supervise.sh
var superviseScript string

// supervisor is the shell process between this process and the daemon. It
// outlives this process by the moment that cleaning up takes, also when this
// process is killed or a test's time limit ends it: its sign is the end of
// the pipe that only this process holds open.
type supervisor struct {
	cmd     *exec.Cmd
	pipe    io.Closer
	logFile *os.File
	done    chan struct{} // closed when the shell has ended
}

// supervise runs command with its mounts and processes in namespaces of their
// own. When it ends, all of them are gone, and so is dir.
func supervise(dir, cgroup string, environ []string, command ...string) (*supervisor, error) {
	logFile, err := os.OpenFile(dir+"/buildkitd.log", os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make buildkitd's log: %w", err)
	}
	cmd := exec.Command("bash", append([]string{"-c", superviseScript, "supervise", dir, cgroup}, command...)...)
	cmd.Env = environ
	cmd.Stdout, cmd.Stderr = logFile, logFile
	// A session of its own: Ctrl-C in a terminal must not end the cleaner.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start buildkitd: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start buildkitd: %w", err)
	}
	s := &supervisor{cmd: cmd, pipe: pipe, logFile: logFile, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		_ = cmd.Wait() // the shell's status says nothing: the daemon is always killed
	}()
	return s, nil
}

// close ends the daemon and waits until everything of it is gone.
func (s *supervisor) close() error {
	defer s.logFile.Close()
	_ = s.pipe.Close() // already closed if the shell ended before
	select {
	case <-s.done:
		return nil
	case <-time.After(closeTimeout):
		return fmt.Errorf("cleaning up after buildkitd takes more than %s; it goes on in the background", closeTimeout)
	}
}

// log reads what the daemon wrote so far, also when its file is removed.
func (s *supervisor) log() string {
	info, err := s.logFile.Stat()
	if err != nil {
		return ""
	}
	text, err := io.ReadAll(io.NewSectionReader(s.logFile, 0, info.Size()))
	if err != nil {
		return ""
	}
	return string(text)
}
