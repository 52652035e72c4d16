package frontend

import (
	"context"
	"maps"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/gateway/client"
)

// gatewayFrontend is BuildKit's name for frontends that are images.
const gatewayFrontend = "gateway.v0"

// buildClient is the client that the Dockerfile frontend sees: the same build
// without our own options.
type buildClient struct {
	client.Client
	opts map[string]string
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
		return builder.Build(ctx, &buildClient{Client: c.Client, opts: req.FrontendOpt})
	}
	return c.Client.Solve(ctx, req)
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
