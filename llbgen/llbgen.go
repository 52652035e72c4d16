// Package llbgen turns values into LLB, and nothing else: the stage that scans
// a rootfs, and the stage that ends a build whose scan did not pass. Every
// function is pure. The same values give the same bytes.
package llbgen

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	srctypes "github.com/moby/buildkit/source/types"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Where things are inside the stages. Only the first two belong to the
// scanner's image; the others are mount points.
const (
	// ScannerPath is the scanner's binary in the scanner's rootfs.
	ScannerPath = "/bin/microscanner"
	// DatabaseDir is the advisory database, in the scanner's rootfs or mounted over it.
	DatabaseDir = "/db"
	// RootfsDir is the rootfs under scan.
	RootfsDir = "/run/microscanner/rootfs"
	// SuppressionsDir holds the list of findings that do not count.
	SuppressionsDir = "/run/microscanner/suppressions"
	// OutDir is the one place that a scan can write to.
	OutDir = "/run/microscanner/out"
	// ReportName is the report's file name below OutDir, and so in the state
	// that Scan.State returns.
	ReportName = "report.json"
	// ReportsDir holds the reports that a gate reads, a folder for each.
	ReportsDir = "/run/microscanner/reports"
)

// suppressionsName is the list's file name below SuppressionsDir.
const suppressionsName = "suppressions.json"

// EnvScanID is the variable that makes every scan's cache key its own. The
// scanner does not read it.
const EnvScanID = "MICROSCANNER_SCAN_ID"

// Scanner is the program that the stages run.
type Scanner struct {
	// Image is the scanner's rootfs, pinned by digest.
	Image llb.State
	// Platform is that of Image: the one the build runs on, whatever the
	// platform of the scanned rootfs.
	Platform ocispecs.Platform
}

// Scan is the stage that reads one rootfs and writes one report.
type Scan struct {
	Scanner Scanner
	// Rootfs is the untrusted file system. It is data: nothing of it runs.
	Rootfs llb.State
	// Database replaces the database in the scanner's image unless nil.
	Database *llb.State
	// Suppressions is a list of findings that do not count, in the scanner's
	// JSON; there is none if it is nil.
	Suppressions []byte
	// Flags are passed to the scanner behind its own.
	Flags []string
	// ID makes the stage's cache key unique, so that it runs in every build.
	// With an empty ID the key is that of the rootfs, the scanner, the database
	// and the flags alone.
	ID string
	// Day is part of the cache key of a stage without an ID, if it is not empty:
	// for an answer that is another one on another day.
	Day string
	// Name is the stage's name in the build's progress.
	Name string
}

// State is a directory that holds nothing but the report, in ReportName.
//
// The stage is caged: no network, no secret, no environment but its own, a
// read-only root, the rootfs and the database read-only.
func (s Scan) State() llb.State {
	args := append([]string{
		ScannerPath, "rootfs", RootfsDir,
		"--db", DatabaseDir,
		"--format", "json",
		"--output", path.Join(OutDir, ReportName),
		"--report-only",
	}, s.Flags...)
	args = append(args, suppressionsFlags(s.Suppressions)...)
	run := s.Scanner.run(args, s.Name, cmp.Or(s.ID, s.Day))
	mountSuppressions(run, s.Suppressions, s.ID)
	run.AddMount(RootfsDir, s.Rootfs, readonly(s.ID)...)
	if s.Database != nil {
		run.AddMount(DatabaseDir, *s.Database, readonly(s.ID)...)
	}
	return run.AddMount(OutDir, llb.Scratch())
}

// suppressionsFlags name the list to the scanner, if there is one.
func suppressionsFlags(list []byte) []string {
	if list == nil {
		return nil
	}
	return []string{"--suppressions", path.Join(SuppressionsDir, suppressionsName)}
}

func mountSuppressions(run llb.ExecState, list []byte, id string) {
	if list == nil {
		return
	}
	file := llb.Scratch().File(llb.Mkfile("/"+suppressionsName, 0o444, list, llb.WithCreatedTime(time.Unix(0, 0))),
		llb.WithCustomName("[microscanner] write the list of what does not count"))
	run.AddMount(SuppressionsDir, file, readonly(id)...)
}

// Gate is the stage that ends a failed build: it prints the findings of the
// reports and exits with their verdict.
type Gate struct {
	Scanner Scanner
	// Reports are states as Scan.State returns them, a report each.
	Reports []llb.State
	// ID makes the stage's cache key unique, as in Scan.
	ID string
	// Name is the stage's name in the build's progress.
	Name string
}

// State is an empty directory, if the gate passes at all.
func (g Gate) State() llb.State {
	args := []string{ScannerPath, "gate"}
	for i := range g.Reports {
		args = append(args, path.Join(reportDir(i), ReportName))
	}
	run := g.Scanner.run(args, g.Name, g.ID)
	for i, report := range g.Reports {
		run.AddMount(reportDir(i), report, readonly(g.ID)...)
	}
	return run.AddMount(OutDir, llb.Scratch())
}

func reportDir(i int) string {
	return path.Join(ReportsDir, strconv.Itoa(i))
}

// readonly are the options of a mount that a stage only reads. BuildKit would
// read every file of it for a checksum, to find an earlier run with the same
// content; a stage with an ID of its own has none.
func readonly(id string) []llb.MountOption {
	if id == "" {
		return []llb.MountOption{llb.Readonly}
	}
	return []llb.MountOption{llb.Readonly, llb.ContentCache(llb.MountContentCacheOff)}
}

// run is the cage that all stages share. The options come last: Remote opens it
// to the network.
func (s Scanner) run(args []string, name, id string, more ...llb.RunOption) llb.ExecState {
	opts := []llb.RunOption{
		llb.Args(args),
		llb.Dir("/"),
		llb.Network(pb.NetMode_NONE),
		llb.ReadonlyRootFS(),
		llb.WithCustomName(name),
		llb.Platform(s.Platform),
	}
	if id != "" {
		opts = append(opts, llb.AddEnv(EnvScanID, id))
	}
	return s.Image.Run(append(opts, more...)...)
}

// HasImage reports whether a definition has an image among its sources, or
// operations that cannot be read, which may have.
func HasImage(def *pb.Definition) bool {
	return slices.ContainsFunc(def.Def, func(dt []byte) bool {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			return true
		}
		scheme, _, _ := strings.Cut(op.GetSource().GetIdentifier(), "://")
		return slices.Contains(imageSchemes(), scheme)
	})
}

func imageSchemes() []string {
	return []string{srctypes.DockerImageScheme, srctypes.OCIScheme, srctypes.DockerImageBlobScheme, srctypes.OCIBlobScheme}
}

// KeepResults takes back, in a definition, every wish of the user to ignore the
// cache (--no-cache). The stages of this package come after the user's own
// steps, which have run by then as the user wished; to wish it again would
// empty their cache mounts once more.
func KeepResults(def *pb.Definition) {
	for _, m := range def.Metadata {
		m.IgnoreCache = false
	}
}
