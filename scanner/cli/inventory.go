package cli

import (
	"context"
	"errors"
	"io"

	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/rootfs"
	"github.com/example/microscanner-frontend/scanner/scan"
)

// runInventory is the first of the two steps of a build with a token service:
// it sees the root file system, and has neither the token nor a network.
func runInventory(_ context.Context, env Env, args []string) error {
	f := newFlags(env, Program+" inventory", "DIR [flags]")
	output := f.StringP("output", "o", "", "write the inventory to this file instead of standard output")
	rest, err := f.parse(args, 1, 1)
	if err != nil {
		return err
	}
	inv, err := takeInventory(rest[0])
	if err != nil {
		return err
	}
	return writeOutput(env, *output, func(w io.Writer) error { return inventory.Write(w, inv) })
}

// takeInventory reads what is installed below a directory.
func takeInventory(dir string) (_ *inventory.Inventory, err error) {
	fsys, err := rootfs.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fsys.Close()) }()
	inv, err := scan.Inventory(fsys, all.List())
	return &inv, err
}
