//go:build !scanonly

package cli

import (
	"context"
	"errors"

	"github.com/dustin/go-humanize"

	"github.com/example/microscanner-frontend/scanner/image"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/scan"
)

// imageCommands are those on images that exist.
func imageCommands() []Command {
	return []Command{
		{"image", "scan an image in a registry, an archive or an OCI layout", runImage},
		{"verify", "decide about an image by the attestation of its build", runVerify},
	}
}

// runImage scans an image for each platform that was asked for. Its memory is
// bounded by the package image: what it keeps may be more than BoundMemory gives.
func runImage(ctx context.Context, env Env, args []string) error {
	f := newFlags(env, Program+" image", "REF|ARCHIVE|OCI-LAYOUT [flags]")
	var v scanFlags
	var from image.Options
	v.add(f)
	imageFlags(f, &from, "platform to scan, such as linux/arm64, or "+image.AllPlatforms+"; may be given more than once; without it Linux on this machine's architecture")
	rest, err := f.parse(args, 1, 1)
	if err != nil {
		return err
	}
	o, err := v.options(f)
	if err != nil {
		return err
	}
	from.Notice = func(text string) { say(env, "%s", text) }
	ctx, stop := untilSignal(ctx)
	defer stop()
	reports, err := scanImages(ctx, env, rest[0], from, v.db, o)
	if err != nil {
		return err
	}
	return v.out.deliverAll(env, reports)
}

// imageFlags are those that name an image and say where it is.
func imageFlags(f *flagSet, from *image.Options, platform string) {
	f.StringArrayVar(&from.Platforms, "platform", nil, platform)
	f.StringVar(&from.Name, "name", "", "name of the image, in an archive or layout of several")
	f.StringArrayVar(&from.Mirrors, "mirror", nil, "HOST[/PATH] to ask for images of Docker Hub, or REGISTRY=HOST[/PATH], before the registry itself; may be given more than once")
	f.StringVar(&from.CAFile, "ca-file", "", "PEM file of CA certificates to trust besides the system's")
	f.StringArrayVar(&from.PlainHTTP, "plain-http", nil, "HOST[:PORT] of a registry that has no HTTPS; one on this machine needs no flag; may be given more than once")
}

func scanImages(ctx context.Context, env Env, ref string, from image.Options, database string, o scan.Options) (reports []*report.Report, err error) {
	source, err := image.Open(ctx, ref, from)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	images, err := source.Images(ctx, from.Platforms)
	if err != nil {
		return nil, err
	}
	paths := scan.Paths(o.Distros)
	size := int64(0)
	for _, i := range images {
		fsys, err := i.Rootfs(ctx, paths)
		if err != nil {
			return nil, err
		}
		o.Image = report.Image{Reference: i.Reference, Platform: i.Platform, Digest: i.Digest}
		r, err := scanFS(fsys, database, o)
		if err != nil {
			return nil, err
		}
		r.Digest = i.Digest
		reports = append(reports, r)
		size += i.Size()
	}
	say(env, "read %s of %s of layers", humanize.Bytes(uint64(max(0, source.Read()))), humanize.Bytes(uint64(max(0, size))))
	return reports, nil
}
