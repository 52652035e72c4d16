// Command measure runs a command several times and prints, a line each, its
// wall time in nanoseconds and its peak memory (resident set) in KiB:
//
//	measure COUNT COMMAND [ARGUMENT ...]
//
// It is a program of its own because a child's peak counts what its parent had
// at the fork: measured from a large process, every child looks large.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

func main() {
	if err := measure(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func measure(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: measure COUNT COMMAND [ARGUMENT ...]")
	}
	count, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("count %q is no number", args[0])
	}
	for range count {
		cmd := exec.Command(args[1], args[2:]...)
		cmd.Stderr = os.Stderr
		start := time.Now()
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("run %s: %w", args[1], err)
		}
		wall := time.Since(start)
		usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			return fmt.Errorf("this system does not tell the memory of a process")
		}
		fmt.Println(wall.Nanoseconds(), usage.Maxrss)
	}
	return nil
}
