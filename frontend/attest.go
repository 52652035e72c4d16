package frontend

import (
	"context"
	"fmt"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/result"
	"github.com/moby/buildkit/util/purl"
	digest "github.com/opencontainers/go-digest"
	packageurl "github.com/package-url/packageurl-go"

	"github.com/example/microscanner-frontend/llbgen"
	"github.com/example/microscanner-frontend/scanner/attest"
)

// attest adds to the result what the scans found, for each platform's image: an
// exporter makes an in-toto statement of it, which is about the image's manifest
// and leaves that as it is.
func (s *stage) attest(ctx context.Context, res *client.Result, scans outcomes) error {
	caps := s.client.BuildOpts().Caps
	if err := caps.Supports(gatewaypb.CapAttestations); err != nil {
		return attestError("this BuildKit cannot attach attestations; use a newer one, or set attest=false", err)
	}
	by, err := s.identity(ctx)
	if err != nil {
		return err
	}
	suppressions := ""
	if s.cfg.suppressions != nil {
		suppressions = digest.FromBytes(s.cfg.suppressions).String()
	}
	for _, o := range scans {
		if o.stage != "" {
			continue // of a stage that is not exported
		}
		predicate, err := attest.Predicate(o.report, by, suppressions)
		if err != nil {
			return attestError("platform "+o.platform, err)
		}
		ref, _, err := solve(ctx, s.client, llbgen.Attestation(predicate, "[microscanner] attest the scan of "+o.platform))
		if err != nil {
			return attestError("platform "+o.platform, err)
		}
		res.AddAttestation(o.platform, client.Attestation{
			Kind: gatewaypb.AttestationKind_InToto,
			Ref:  ref,
			Path: llbgen.AttestationName,
			InToto: result.InTotoAttestation{
				PredicateType: attest.PredicateType,
				Subjects:      []result.InTotoSubject{{Kind: gatewaypb.InTotoSubjectKind_Self}},
			},
		})
	}
	return nil
}

// refuseStatements refuses a result of another frontend that brings a statement of
// the type that ours have, or a bundle of statements that may be of any type:
// "microscanner verify" would believe a statement that the build's frontend made
// up.
func refuseStatements(res *client.Result) error {
	for _, attestations := range res.Attestations {
		for _, a := range attestations {
			kind := a.InToto.PredicateType
			if kind == attest.PredicateType || kind == "" && a.Kind == gatewaypb.AttestationKind_Bundle {
				return fmt.Errorf("microscanner: error: the frontend that built the image attaches statements of its own that can be of the type %s; "+
					"such a statement would pass for one of this scan, so the image is not exported. Build with a frontend that attaches none", attest.PredicateType)
			}
		}
	}
	return nil
}

// identity names the image that the scans ran from. Its digest is that of the
// reference that the build was given, which BuildKit pinned.
func (s *stage) identity(ctx context.Context) (attest.Scanner, error) {
	def, err := s.scanner.Image.Marshal(ctx, llb.WithCaps(s.client.BuildOpts().LLBCaps))
	if err != nil {
		return attest.Scanner{}, fmt.Errorf("read the definition of the frontend's own image: %w", err)
	}
	image := llbgen.PinnedImage(def.ToPB())
	if image == nil {
		return attest.Scanner{}, nil
	}
	uri, err := purl.RefToPURL(packageurl.TypeDocker, image.String(), &s.scanner.Platform)
	if err != nil {
		return attest.Scanner{}, fmt.Errorf("name the frontend's own image: %w", err)
	}
	return attest.Scanner{URI: uri, Digest: image.Digest().String()}, nil
}

// attestError says that the image passed and all the same cannot be exported as
// it was asked for.
func attestError(about string, err error) error {
	return &buildError{"microscanner: error: the scan passed but cannot be attested, so the image is not exported: " + about, err}
}
