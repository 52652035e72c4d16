// Package frontend is a BuildKit frontend that builds what BuildKit's own
// Dockerfile frontend builds, scans the result, and returns it only if the
// scan's verdict lets it pass.
package frontend

import (
	"context"

	"github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/gateway/client"
)

// Build is the frontend's entry point. The result that it returns holds the
// references and the metadata that the Dockerfile frontend returned, untouched.
// A bad setting, a scan that found too much and a scan that could not be done
// are errors; their texts are for the user.
func Build(ctx context.Context, c client.Client) (*client.Result, error) {
	cfg, buildOpts, err := readConfig(ctx, c)
	if err != nil {
		return nil, err
	}
	res, err := builder.Build(ctx, &buildClient{Client: c, opts: buildOpts})
	if err != nil {
		return nil, err
	}
	// The answer to somebody else's subrequest holds nothing to scan. A frontend
	// that a # syntax= line led to could answer with an image all the same.
	if cfg.request != requestImage && cfg.request != requestScan && res.IsEmpty() {
		if cfg.request == requestDescribe {
			return withScanDescribed(res)
		}
		return res, nil
	}
	st, err := newStage(ctx, c, cfg)
	if err != nil {
		return nil, err
	}
	scans, err := st.scanAll(ctx, res)
	if err != nil {
		return nil, err
	}
	if cfg.request == requestScan {
		return scans.answer()
	}
	if failing := scans.failing(); failing != nil {
		return nil, failing.refuse(ctx, st)
	}
	scans.warn(ctx, c)
	return res, nil
}
