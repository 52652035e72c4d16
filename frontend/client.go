package frontend

import (
	"context"
	"fmt"
	"maps"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// gatewayFrontend is BuildKit's name for frontends that are images.
const gatewayFrontend = "gateway.v0"

// Options by which a frontend is told how it was chosen.
const (
	optCmdline = "cmdline"
	optSyntax  = optBuildArg + "BUILDKIT_SYNTAX"
)

// buildClient is the client that the Dockerfile frontend sees: the same build
// without our own options.
type buildClient struct {
	client.Client
	opts map[string]string
	// quiet says that the build's warnings have been shown already.
	quiet bool
}

// BuildOpts returns a copy, because the Dockerfile frontend writes to the map.
func (c *buildClient) BuildOpts() client.BuildOpts {
	opts := c.Client.BuildOpts()
	opts.Opts = maps.Clone(c.opts)
	return opts
}

// Solve lets a Dockerfile's # syntax= line lead to another frontend, whose
// result is scanned like any other. A line that leads back to this image would
// start a second scan inside the first: it builds right here instead.
func (c *buildClient) Solve(ctx context.Context, req client.SolveRequest) (*client.Result, error) {
	if req.Frontend == gatewayFrontend && sameImage(req.FrontendOpt[optSource], c.opts[optSource]) {
		return builder.Build(ctx, &buildClient{Client: c.Client, opts: req.FrontendOpt, quiet: c.quiet})
	}
	return c.Client.Solve(ctx, req)
}

// Warn shows a warning, unless the build is a quiet one.
func (c *buildClient) Warn(ctx context.Context, dgst digest.Digest, msg string, opts client.WarnOpts) error {
	if c.quiet {
		return nil
	}
	return c.Client.Warn(ctx, dgst, msg, opts)
}

// build builds with the frontend that is an image, or with the built-in one for
// Dockerfiles if image is empty.
func (c *buildClient) build(ctx context.Context, image string) (*client.Result, error) {
	if image == "" {
		return builder.Build(ctx, c)
	}
	opts := c.BuildOpts().Opts
	opts[optSource] = image
	// By this the Dockerfile frontend knows that it was chosen: it builds, and
	// does not look for another one in BUILDKIT_SYNTAX or the # syntax= line.
	opts[optCmdline] = image
	if _, ok := opts[optSyntax]; ok {
		opts[optSyntax] = image
	}
	inputs, err := c.inputs(ctx)
	if err != nil {
		return nil, otherFrontendError(image, err)
	}
	res, err := c.Solve(ctx, client.SolveRequest{Frontend: gatewayFrontend, FrontendOpt: opts, FrontendInputs: inputs})
	if err != nil {
		return nil, otherFrontendError(image, err)
	}
	return res, nil
}

// inputs are what the client gave to the frontend in place of contexts, such as
// the targets of a bake file that this one is built from.
func (c *buildClient) inputs(ctx context.Context) (map[string]*pb.Definition, error) {
	caps := c.BuildOpts().Caps
	if caps.Supports(gatewaypb.CapFrontendInputs) != nil {
		return nil, nil
	}
	states, err := c.Inputs(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the inputs of the build: %w", err)
	}
	inputs := make(map[string]*pb.Definition, len(states))
	for name, st := range states {
		def, err := st.Marshal(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the input %s of the build: %w", name, err)
		}
		inputs[name] = def.ToPB()
	}
	return inputs, nil
}

// sameImage reports whether two references name one image, however each is
// written: "name" is "docker.io/library/name:latest".
func sameImage(a, b string) bool {
	refA, errA := imageReference(a)
	refB, errB := imageReference(b)
	return errA == nil && errB == nil && refA == refB
}

// CurrentFrontend passes through what the embedded interface hides.
func (c *buildClient) CurrentFrontend() (*llb.State, error) {
	if f, ok := c.Client.(currentFrontender); ok {
		return f.CurrentFrontend()
	}
	return nil, nil
}
