package cli

import (
	"context"
	"errors"
	"io"

	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/rootfs"
	"github.com/example/microscanner-frontend/scanner/scan"
)

// runPackages is the part of an SBOM generator that reads an untrusted root file
// system. The other part, which knows the formats, is the frontend's program.
func runPackages(_ context.Context, env Env, args []string) error {
	f := newFlags(env, Program+" packages", "DIR [flags]")
	output := f.StringP("output", "o", "", "write the report to this file instead of standard output")
	rest, err := f.parse(args, 1, 1)
	if err != nil {
		return err
	}
	r, err := listPackages(env, rest[0])
	if err != nil {
		return err
	}
	return writeOutput(env, *output, func(w io.Writer) error { return report.WriteJSON(w, r) })
}

func listPackages(env Env, dir string) (r *report.Report, err error) {
	fsys, err := rootfs.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fsys.Close()) }()
	return scan.Packages(fsys, scan.Options{
		Policy: policy.Default(), Scanner: Program + " " + env.Version, Distros: all.List(), Now: env.Now,
	})
}
