// Package verify decides about an image by the attestation that a build attached
// to it, without a look at the image's content. What it reads is unsigned: it is
// as trustworthy as everybody who can write to the registry.
package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/attest"
	"github.com/example/microscanner-frontend/scanner/image"
	"github.com/example/microscanner-frontend/scanner/policy"
)

// maxSkew is how far the clock of a build may be ahead of ours. A scan that is
// dated later would never get too old.
const maxSkew = 5 * time.Minute

// Options say what an attestation has to be like.
type Options struct {
	// Policy judges the attested findings, whatever the build's policy was.
	Policy policy.Policy
	// MaxAge is the age of the scan above which nothing passes; 0 if there is none.
	MaxAge time.Duration
	// ScannerDigests are the images, "sha256:…", that the scan may have been of;
	// any if there are none.
	ScannerDigests []string
	// PolicyDigests are the digests that the build's policy may have; any if there
	// are none.
	PolicyDigests []string
	// CountSuppressed counts what the build's ignore lists and VEX documents
	// suppressed.
	CountSuppressed bool
	Now             time.Time
}

// Result is the decision about one platform's image.
type Result struct {
	Platform string // "linux/arm64"; empty if the image does not say
	Digest   string // of its manifest
	Scan     attest.Scan
	Verdict  policy.Verdict
}

// ErrNoAttestation is wrapped by the error for an image without an attestation
// of a scan by this program.
var ErrNoAttestation = errors.New("no scan by this program is attested")

// Images decides about each platform's image. An image whose attestation is
// missing, unreadable, too old or of another scanner is an error: nothing is known
// of it.
func Images(ctx context.Context, images []*image.Image, o Options) ([]Result, error) {
	var out []Result
	for _, i := range images {
		statements, err := i.Statements(ctx, attest.PredicateType, attest.MaxSize)
		if err == nil {
			var r Result
			r, err = decide(statements, i.Digest, o)
			r.Platform = i.Platform
			out = append(out, r)
		}
		if err != nil {
			return nil, fmt.Errorf("the image of %s for %s cannot be verified: %w", i.Reference, platformOr(i.Platform), err)
		}
	}
	return out, nil
}

func platformOr(platform string) string {
	if platform == "" {
		return "an unknown platform"
	}
	return platform
}

// decide reads the statements that are attached to the manifest with the digest.
func decide(statements [][]byte, digest string, o Options) (Result, error) {
	var ours *attest.Statement
	for _, text := range statements {
		s, err := attest.Decode(text)
		switch {
		case errors.Is(err, attest.ErrNotOurs):
			continue
		case err != nil:
			return Result{}, err
		case ours != nil:
			return Result{}, errors.New("it has more than one attestation of a scan by this program")
		}
		ours = s
	}
	if ours == nil {
		return Result{}, fmt.Errorf("%w; build it with attest=true", ErrNoAttestation)
	}
	if len(ours.Subjects) == 0 {
		return Result{}, errors.New("its attestation names no image, as BuildKit leaves that out for an image without a name; build it with --tag or --output …,name=NAME")
	}
	if !slices.Contains(ours.Subjects, digest) {
		return Result{}, fmt.Errorf("its attestation is about another image, and not about %s", digest)
	}
	if err := o.accepts(&ours.Scan); err != nil {
		return Result{}, err
	}
	return Result{Digest: digest, Scan: ours.Scan, Verdict: ours.Scan.Judge(o.Policy, o.Now, !o.CountSuppressed)}, nil
}

// accepts checks everything of a scan but its findings.
func (o *Options) accepts(s *attest.Scan) error {
	age := o.Now.Sub(s.Finished)
	switch {
	case age < -maxSkew:
		return fmt.Errorf("its scan is dated %s, which is in the future", s.Finished.Format(time.RFC3339))
	case o.MaxAge != 0 && age > o.MaxAge:
		return fmt.Errorf("its scan is of %s, which is longer ago than %s; build it again", s.Finished.Format(time.RFC3339), policy.FormatAge(o.MaxAge))
	case !allowed(o.ScannerDigests, s.Scanner.Digest):
		return fmt.Errorf("its scanner was %s, and not %s", orUnknown(s.Scanner.Digest), strings.Join(o.ScannerDigests, " or "))
	case !allowed(o.PolicyDigests, s.Policy.Digest):
		return fmt.Errorf("it was built under the policy %s, and not under %s", orUnknown(s.Policy.Digest), strings.Join(o.PolicyDigests, " or "))
	}
	return nil
}

func allowed(list []string, digest string) bool {
	return len(list) == 0 || slices.Contains(list, digest)
}

func orUnknown(digest string) string {
	if digest == "" {
		return "one of no known digest"
	}
	return digest
}
