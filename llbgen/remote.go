package llbgen

import (
	"path"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

// Where things are inside the two stages of a scan by a token service.
const (
	// InventoryDir holds the inventory that the second stage sends.
	InventoryDir = "/run/microscanner/inventory"
	// ErrorName is the file below OutDir, and so in the state that Remote.State
	// returns, that says in one line why there is no report. It is not there if
	// there is one.
	ErrorName = "error.txt"
)

// inventoryName is the inventory's file name in the first stage's result.
const inventoryName = "inventory.json"

// The secrets of the second stage, by their ids in the build, and where they
// are in the stage.
const (
	TokenSecret = "token"           // that the service knows its client by
	CASecret    = "microscanner-ca" // certificates to trust, PEM
	secretsDir  = "/run/secrets"
)

// Inventory is the stage that reads one rootfs and lists what is installed: the
// first of two for a scan by a token service.
type Inventory struct {
	Scanner Scanner
	// Rootfs is the untrusted file system. It is data: nothing of it runs.
	Rootfs llb.State
	// ID makes the stage's cache key unique, as in Scan.
	ID string
	// Name is the stage's name in the build's progress.
	Name string
}

// State is a directory that holds nothing but the inventory. The stage is caged
// as that of Scan.State is.
func (i Inventory) State() llb.State {
	run := i.Scanner.run([]string{
		ScannerPath, "inventory", RootfsDir,
		"--output", path.Join(OutDir, inventoryName),
	}, i.Name, i.ID)
	run.AddMount(RootfsDir, i.Rootfs, readonly(i.ID)...)
	return run.AddMount(OutDir, llb.Scratch())
}

// Remote is the second stage: it has a token service scan an inventory.
type Remote struct {
	Scanner Scanner
	// Inventory is a state as Inventory.State returns it.
	Inventory llb.State
	// Server is the address of the service.
	Server string
	// Suppressions is a list of findings that do not count, as in Scan.
	Suppressions []byte
	// Flags are passed to the scanner behind its own.
	Flags []string
	// ID makes the stage's cache key unique. It must not be empty: nothing of
	// the build tells whether the service would answer as it did before.
	ID string
	// Name is the stage's name in the build's progress.
	Name string
}

// State is a directory that holds the report, in ReportName, or else in ErrorName
// the reason why there is none. The stage that found a reason ends well: only so
// can its reader say it.
//
// The stage has the network that the builder gives its steps, and the secrets.
// It has no rootfs but the scanner's, read-only. The secrets are no part of its
// cache key, nor of its definition; that one is missing is for the scanner to say.
func (r Remote) State() llb.State {
	args := append([]string{
		ScannerPath, "remote", path.Join(InventoryDir, inventoryName),
		"--server", r.Server,
		"--format", "json",
		"--output", path.Join(OutDir, ReportName),
		"--error-file", path.Join(OutDir, ErrorName),
		"--report-only",
	}, r.Flags...)
	args = append(args, suppressionsFlags(r.Suppressions)...)
	run := r.Scanner.run(args, r.Name, r.ID,
		llb.Network(pb.NetMode_UNSET), secret(TokenSecret), secret(CASecret))
	mountSuppressions(run, r.Suppressions, r.ID)
	run.AddMount(InventoryDir, r.Inventory, readonly(r.ID)...)
	return run.AddMount(OutDir, llb.Scratch())
}

// secret mounts a secret of the build, if the build has it.
func secret(id string) llb.RunOption {
	return llb.AddSecret(path.Join(secretsDir, id), llb.SecretID(id), llb.SecretFileOpt(0, 0, 0o400), llb.SecretOptional)
}
