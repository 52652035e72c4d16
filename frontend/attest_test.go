package frontend

import (
	"testing"

	"github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/result"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/attest"
)

// TestRefuseStatements: nobody else says what our scan found, whatever platform it
// is said of. BuildKit takes a bundle with a type only if all in it is of that type.
func TestRefuseStatements(t *testing.T) {
	const (
		single = gatewaypb.AttestationKind_InToto
		bundle = gatewaypb.AttestationKind_Bundle
		sbom   = "https://spdx.dev/Document"
	)
	for name, tc := range map[string]struct {
		kind      gatewaypb.AttestationKind
		predicate string
		refused   bool
	}{
		"of our type":            {single, attest.PredicateType, true},
		"a bundle of our type":   {bundle, attest.PredicateType, true},
		"a bundle of any type":   {bundle, "", true},
		"an SBOM":                {single, sbom, false},
		"a bundle of SBOMs":      {bundle, sbom, false},
		"another scanner's, say": {single, "https://cosign.sigstore.dev/attestation/vuln/v1", false},
		"one that is of no type": {single, "", false},
		"of an older version":    {single, "https://in-toto.io/attestation/vulns/v0.1", false},
	} {
		t.Run(name, func(t *testing.T) {
			res := client.NewResult()
			require.NoError(t, refuseStatements(res))
			res.AddAttestation("linux/amd64", client.Attestation{Kind: bundle, InToto: result.InTotoAttestation{PredicateType: sbom}})
			res.AddAttestation("another/platform", client.Attestation{Kind: tc.kind, InToto: result.InTotoAttestation{PredicateType: tc.predicate}})
			err := refuseStatements(res)
			if !tc.refused {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "would pass for one of this scan, so the image is not exported")
		})
	}
}
