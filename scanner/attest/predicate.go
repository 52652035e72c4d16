package attest

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	vulns "github.com/in-toto/attestation/go/predicates/vulns/v02"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/example/microscanner-frontend/scanner/report"
)

// Predicate writes what a report says as a predicate. The scanner's version is
// the report's if by has none; suppressions is the digest of the list of findings
// that did not count, and may be empty.
func Predicate(r *report.Report, by Scanner, suppressions string) ([]byte, error) {
	predicate, err := message(r, by)
	if err != nil {
		return nil, err
	}
	text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(predicate) // an empty list is an answer
	if err != nil {
		return nil, fmt.Errorf("write the attestation: %w", err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("write the attestation: %w", err)
	}
	ext := extension(r, by, suppressions)
	if ext.Policy.Digest, err = policyDigest(ext.Policy); err != nil {
		return nil, err
	}
	if fields[ExtensionType], err = json.Marshal(ext); err != nil {
		return nil, fmt.Errorf("write the attestation: %w", err)
	}
	// This sorts the keys and takes out the blanks, which protojson puts where it
	// likes.
	if text, err = json.Marshal(fields); err != nil {
		return nil, fmt.Errorf("write the attestation: %w", err)
	}
	if len(text) > MaxSize {
		return nil, fmt.Errorf("the attestation has %d findings and is larger than %d MiB", len(predicate.GetScanner().GetResult()), MaxSize>>20)
	}
	return report.EscapeInvisible(text), nil
}

// message is the part of the predicate that its specification has fields for.
func message(r *report.Report, by Scanner) (*vulns.Vulns, error) {
	started := time.Unix(r.ScanStarted.Seconds, int64(r.ScanStarted.Nanos))
	_, version, _ := strings.Cut(r.Scanner, " ")
	out := &vulns.Vulns{
		Scanner: &vulns.Scanner{
			Uri: cmp.Or(by.URI, SourceURI), Version: optional(cmp.Or(by.Version, version)),
			Db: &vulns.VulnDatabase{Version: optional(r.Database.Digest)},
		},
		Metadata: &vulns.ScanMetadata{
			ScanStartedOn:  timestamppb.New(started),
			ScanFinishedOn: timestamppb.New(started.Add(time.Duration(r.ScanDuration) * time.Second)),
		},
	}
	if r.DataDate != 0 {
		out.Scanner.Db.LastUpdate = timestamppb.New(time.Unix(r.DataDate, 0))
	}
	for _, f := range r.AllFindings() {
		if f.Group == report.GroupUnderInvestigation {
			continue
		}
		result, err := resultOf(&f)
		if err != nil {
			return nil, err
		}
		out.Scanner.Result = append(out.Scanner.Result, result)
	}
	return out, nil
}

// resultOf is a finding in the terms of the predicate.
func resultOf(f *report.Finding) (*vulns.Result, error) {
	out := &vulns.Result{Id: f.ID, Severity: []*vulns.Result_Severity{{Method: methodGate, Score: f.Severity.String()}}}
	if s := f.Details.NVDSeverityV3; s != "" {
		out.Severity = append(out.Severity, &vulns.Result_Severity{Method: "nvd", Score: s})
	}
	if s := f.Details.Score(); s > 0 {
		out.Severity = append(out.Severity, &vulns.Result_Severity{Method: "cvss_score", Score: strconv.FormatFloat(s, 'f', 1, 64)})
	}
	text, err := json.Marshal(annotationOf(f))
	if err != nil {
		return nil, fmt.Errorf("write the attestation of %s: %w", f.ID, err)
	}
	var annotation structpb.Struct
	if err := protojson.Unmarshal(text, &annotation); err != nil {
		return nil, fmt.Errorf("write the attestation of %s: %w", f.ID, err)
	}
	out.Annotations = []*structpb.Struct{&annotation}
	return out, nil
}

func annotationOf(f *report.Finding) Annotation {
	judged := f.Judged()
	a := Annotation{
		Package: f.Source.Name, PackageVersion: f.Source.Version, Binaries: f.Binaries,
		Status: f.Status, FixedVersion: f.Fixed, Fixable: judged.Fixable, KernelHeaders: judged.Headers,
		SeveritySource: f.Details.SeveritySource, KnownExploited: f.Details.KnownExploited,
		IntroducedBy: f.IntroducedBy,
	}
	switch {
	case judged.Base:
		a.Origin = Base
	case judged.Added:
		a.Origin = Added
	}
	if judged.Suppressed {
		a.Suppressed = f.Suppressed
	}
	return a
}

func extension(r *report.Report, by Scanner, suppressions string) Extension {
	return Extension{
		ScannerDigest: by.Digest, OS: r.OS, Version: r.Version, Image: r.Image, Database: r.Database,
		Policy:  Policy{Settings: r.Policy, Suppressions: suppressions},
		Verdict: r.Verdict, Assessment: r.Assessment, NotAssessed: r.NotAssessed,
	}
}

// policyDigest is what Policy.Digest should be.
func policyDigest(p Policy) (string, error) {
	values := map[string]string{}
	for key, v := range p.Settings {
		values[key] = v.Value
	}
	if p.Suppressions != "" {
		values["suppressions"] = p.Suppressions
	}
	text, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("write the policy's digest: %w", err)
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256(text)), nil
}

// optional is a field that is left out if it is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
