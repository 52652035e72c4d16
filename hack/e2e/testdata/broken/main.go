// Command broken takes the scanner's place and fails in the way that it was
// linked for.
package main

import (
	"os"
	"syscall"
)

// way is set by the linker.
var way string

const report = "/run/microscanner/out/report.json"

func main() {
	switch way {
	case "panic":
		panic("broken on purpose")
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "findings": // exits as the gate does, but reports nothing
		os.Exit(4)
	case "silent":
	case "garbage":
		write("{\"scan_started\": tru")
	case "empty":
		write("{}")
	case "lies":
		write(`{"schema_version":"1.0","verdict":{"pass":true,"exit_code":4}}`)
	}
}

func write(text string) {
	if err := os.WriteFile(report, []byte(text), 0o600); err != nil {
		panic(err)
	}
}
