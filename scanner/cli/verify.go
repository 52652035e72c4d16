//go:build !scanonly

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	digest "github.com/opencontainers/go-digest"

	"github.com/example/microscanner-frontend/scanner/image"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/verify"
)

// runVerify decides about an image by the attestation of its build. It exits as
// a scan does: an image without a usable attestation is an error, and never
// clean.
func runVerify(ctx context.Context, env Env, args []string) error {
	f := newFlags(env, Program+" verify", "REF|ARCHIVE|OCI-LAYOUT [flags]")
	o := verify.Options{Now: env.Now()}
	var from image.Options
	var p policyFlags
	maxAge := f.String("max-age", "none", "age of the scan above which nothing passes: none, a number of days such as 7d, a number of hours such as 36h")
	p.add(f)
	f.BoolVar(&o.CountSuppressed, "count-suppressed", false, "findings count although the build's ignore lists or VEX documents say otherwise")
	f.StringArrayVar(&o.ScannerDigests, "scanner-digest", nil, "digest of a frontend image that the scan may have been of; may be given more than once; any without it")
	f.StringArrayVar(&o.PolicyDigests, "policy-digest", nil, "digest of a policy that the build may have been under; may be given more than once; any without it")
	imageFlags(f, &from, "platform to verify, such as linux/arm64; may be given more than once; all of the image's without it")
	rest, err := f.parse(args, 1, 1)
	if err != nil {
		return err
	}
	if o.Policy, err = p.policy(f); err != nil {
		return err
	}
	var ok bool
	if o.MaxAge, ok = policy.ParseAge(*maxAge); !ok {
		return f.wrong(fmt.Sprintf("--max-age cannot be %q; allowed are none, a number of days such as 7d, a number of hours such as 36h", *maxAge))
	}
	if err := requireDigests(f, "scanner-digest", o.ScannerDigests); err != nil {
		return err
	}
	if err := requireDigests(f, "policy-digest", o.PolicyDigests); err != nil {
		return err
	}
	if len(from.Platforms) == 0 {
		from.Platforms = []string{image.AllPlatforms}
	}
	from.Notice = func(text string) { say(env, "%s", text) }
	ctx, stop := untilSignal(ctx)
	defer stop()
	results, err := verifyImage(ctx, rest[0], from, o)
	if err != nil {
		return err
	}
	return concludeVerify(env, results, o.Now)
}

// requireDigests refuses what is no digest, also the empty text of a variable that
// was not set: an attestation may lack a digest.
func requireDigests(f *flagSet, flag string, list []string) error {
	for _, text := range list {
		if d, err := digest.Parse(text); err != nil || d.Algorithm() != digest.SHA256 {
			return f.wrong(fmt.Sprintf("--%s cannot be %q; allowed is a digest such as sha256:9f86d081…, with 64 digits", flag, text))
		}
	}
	return nil
}

func verifyImage(ctx context.Context, ref string, from image.Options, o verify.Options) (_ []verify.Result, err error) {
	source, err := image.Open(ctx, ref, from)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	images, err := source.Images(ctx, from.Platforms)
	if err != nil {
		return nil, err
	}
	return verify.Images(ctx, images, o)
}

// concludeVerify prints a line for each platform, and ends with the worst
// verdict.
func concludeVerify(env Env, results []verify.Result, now time.Time) error {
	var worst *verdictError
	for _, r := range results {
		v, platform := r.Verdict, cmp.Or(r.Platform, "unknown platform")
		word := "pass"
		if !v.Pass {
			word = "fail"
		}
		line := fmt.Sprintf("%s %s %s: %s; scanned %s ago by %s", word, platform, r.Digest, v.Reason,
			policy.AgeText(max(0, now.Sub(r.Scan.Finished))), strings.TrimSpace(Program+" "+r.Scan.Scanner.Version))
		if _, err := fmt.Fprintln(env.Stdout, report.Printable(line)); err != nil {
			return cannotWrite("standard output", err)
		}
		if !v.Pass && (worst == nil || v.ExitCode == policy.ExitError) {
			worst = &verdictError{v.ExitCode, fmt.Sprintf("%s: %s", platform, v.Reason), v.ExitCode != policy.ExitError}
		}
	}
	if worst == nil {
		return nil
	}
	return worst
}
