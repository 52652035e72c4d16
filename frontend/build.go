// Package frontend is a BuildKit frontend that builds what BuildKit's own
// Dockerfile frontend builds, scans the result, and returns it only if the
// scan's verdict lets it pass.
package frontend

import (
	"context"
	"time"

	"github.com/moby/buildkit/frontend/gateway/client"

	"github.com/example/microscanner-frontend/scanner/settings"
)

// Build is the frontend's entry point. The result that it returns holds the
// references and the metadata that the Dockerfile frontend returned, untouched;
// if that is asked for, an attestation of the scan stands beside them, or the
// scan's reports stand in their place.
// A bad setting, a scan that found too much and a scan that could not be done
// are errors; their texts are for the user.
func Build(ctx context.Context, c client.Client) (*client.Result, error) {
	cfg, buildOpts, err := readConfig(ctx, c)
	if err != nil {
		return nil, err
	}
	res, err := (&buildClient{Client: c, opts: buildOpts}).build(ctx, cfg.Frontend)
	if err != nil {
		return nil, err
	}
	if err := refuseStatements(res); err != nil {
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
	st, err := newStage(ctx, c, cfg, buildOpts)
	if err != nil {
		return nil, err
	}
	scans, err := st.scanAll(ctx, res)
	if err != nil {
		return nil, err
	}
	switch {
	case cfg.request == requestScan:
		return scans.answer(cfg)
	case cfg.Result == settings.ResultReport:
		return st.reports(ctx, res, scans)
	}
	if failing := scans.deciding(cfg.GateStages).failing(); failing != nil {
		return nil, failing.refuse(ctx, st)
	}
	if cfg.Attest {
		if err := st.attest(ctx, res, scans); err != nil {
			return nil, err
		}
	}
	scans.warn(ctx, c, cfg.notices(time.Now()))
	return res, nil
}
