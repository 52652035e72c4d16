package llbgen

import (
	"path"
	"strconv"

	"github.com/moby/buildkit/client/llb"
)

// StepsDir holds the root file systems that a blame compares, a folder for each.
const StepsDir = "/run/microscanner/steps"

// StepDir is where a blame has the n-th of its root file systems.
func StepDir(n int) string { return path.Join(StepsDir, strconv.Itoa(n)) }

// Blame is the stage that finds out which step brought each package of a report.
type Blame struct {
	Scanner Scanner
	// Report is a state as Scan.State returns it.
	Report llb.State
	// Rootfs are the root file systems to compare, in StepDir.
	Rootfs []llb.State
	// Flags are passed to the scanner behind its own.
	Flags []string
	// ID makes the stage's cache key unique, as in Scan.
	ID string
	// Name is the stage's name in the build's progress.
	Name string
}

// State is a directory that holds nothing but the report with its findings
// blamed, in ReportName. The stage is caged as that of Scan.State is.
func (b Blame) State() llb.State {
	args := append([]string{
		ScannerPath, "blame", path.Join(reportDir(0), ReportName),
		"--output", path.Join(OutDir, ReportName),
	}, b.Flags...)
	run := b.Scanner.run(args, b.Name, b.ID)
	run.AddMount(reportDir(0), b.Report, readonly(b.ID)...)
	for i, rootfs := range b.Rootfs {
		// Never a checksum of it: there are many, and the key is good without.
		run.AddMount(StepDir(i), rootfs, llb.Readonly, llb.ContentCache(llb.MountContentCacheOff))
	}
	return run.AddMount(OutDir, llb.Scratch())
}
