package attest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	vulns "github.com/in-toto/attestation/go/predicates/vulns/v02"
	in_toto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// maxDepth is how deep the objects of a predicate may be inside each other.
const maxDepth = 32

// ErrNotOurs is wrapped by the error for a statement that is whole but does not
// say what a scan of this program found: that of another scanner, say.
var ErrNotOurs = errors.New("it is not of a scan by this program")

// Statement is a predicate and what it is about.
type Statement struct {
	// Subjects are the digests, "sha256:…", of the manifests that the statement is
	// about.
	Subjects []string
	Scan     Scan
}

// olderType is the type of a statement that older versions of BuildKit write. It
// differs in nothing that is read here.
const olderType = "https://in-toto.io/Statement/v0.1"

// Decode reads a statement. The text is untrusted: one that is too large, that
// contradicts itself, or lacks what a decision needs is an error.
func Decode(text []byte) (*Statement, error) {
	// The subjects come on top of the predicate.
	if len(text) > MaxSize+1<<20 {
		return nil, fmt.Errorf("the statement is larger than %d MiB", MaxSize>>20)
	}
	header, predicate, err := split(text)
	if err != nil {
		return nil, err
	}
	switch {
	case header.GetType() != in_toto.StatementTypeUri && header.GetType() != olderType:
		return nil, fmt.Errorf("%q is not the type of an in-toto statement", header.GetType())
	case header.GetPredicateType() != PredicateType:
		return nil, fmt.Errorf("the statement's predicate is %q: %w", header.GetPredicateType(), ErrNotOurs)
	}
	scan, err := decodePredicate(predicate)
	if err != nil {
		return nil, err
	}
	out := &Statement{Scan: *scan}
	for _, s := range header.GetSubject() {
		for algorithm, value := range s.GetDigest() {
			out.Subjects = append(out.Subjects, algorithm+":"+value)
		}
	}
	return out, nil
}

// split parts a statement from its predicate, of which it is not known yet
// whether it can be read.
func split(text []byte) (*in_toto.Statement, json.RawMessage, error) {
	var fields map[string]json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&fields); err != nil {
		return nil, nil, fmt.Errorf("the statement is not the JSON of one: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("something follows behind the statement")
	}
	predicate := fields["predicate"]
	delete(fields, "predicate")
	rest, err := json.Marshal(fields)
	if err != nil {
		return nil, nil, fmt.Errorf("the statement is not the JSON of one: %w", err)
	}
	var header in_toto.Statement
	if err := unmarshal().Unmarshal(rest, &header); err != nil {
		return nil, nil, fmt.Errorf("the statement is not the JSON of one: %w", err)
	}
	return &header, predicate, nil
}

// unmarshal says how messages are read: readers have to ignore the fields that
// they do not know.
func unmarshal() protojson.UnmarshalOptions {
	return protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}
}

// decodePredicate reads what Predicate wrote.
func decodePredicate(text []byte) (*Scan, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("the predicate is not a JSON object: %w", err)
	}
	ext, ok := fields[ExtensionType]
	if !ok {
		return nil, fmt.Errorf("the predicate has no field %s: %w", ExtensionType, ErrNotOurs)
	}
	var out Scan
	if err := decodeExtension(ext, &out.Extension); err != nil {
		return nil, fmt.Errorf("the predicate's field %s cannot be read: %w", ExtensionType, err)
	}
	var in vulns.Vulns
	if err := unmarshal().Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf("the predicate is not one of vulnerabilities: %w", err)
	}
	if err := out.fill(&in); err != nil {
		return nil, err
	}
	return &out, out.validate()
}

// decodeExtension reads the extension field. What a verdict rests on has to be
// there: without it, nothing would speak against an image.
func decodeExtension(text []byte, into *Extension) error {
	var fields struct {
		Assessment *json.RawMessage `json:"assessment"`
	}
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	if fields.Assessment == nil {
		return errors.New("it does not say what could be assessed")
	}
	return json.Unmarshal(text, into)
}

// fill takes what stands in the fields of the specification.
func (s *Scan) fill(in *vulns.Vulns) (err error) {
	s.Scanner = Scanner{URI: in.GetScanner().GetUri(), Version: in.GetScanner().GetVersion(), Digest: s.ScannerDigest}
	if s.Started, err = timeOf(in.GetMetadata().GetScanStartedOn(), "when the scan started"); err != nil {
		return err
	}
	if s.Finished, err = timeOf(in.GetMetadata().GetScanFinishedOn(), "when the scan finished"); err != nil {
		return err
	}
	if update := in.GetScanner().GetDb().GetLastUpdate(); update != nil {
		if s.Data, err = timeOf(update, "of when its advisories are"); err != nil {
			return err
		}
	}
	s.Findings = make([]Finding, 0, len(in.GetScanner().GetResult()))
	for _, result := range in.GetScanner().GetResult() {
		f, err := findingOf(result)
		if err != nil {
			return err
		}
		s.Findings = append(s.Findings, f)
	}
	return nil
}

func timeOf(t *timestamppb.Timestamp, what string) (time.Time, error) {
	if err := t.CheckValid(); err != nil {
		return time.Time{}, fmt.Errorf("the predicate does not say %s", what)
	}
	return t.AsTime(), nil
}

// findingOf reads a finding. One without what the gate needs is an error: it
// must not count for less than it is.
func findingOf(in *vulns.Result) (Finding, error) {
	f := Finding{ID: in.GetId()}
	rated := false
	for _, s := range in.GetSeverity() {
		if s.GetMethod() != methodGate {
			continue
		}
		var err error
		if f.Severity, err = severity.Parse(s.GetScore()); err != nil || rated || s.GetScore() == "" {
			return f, fmt.Errorf("the severity of %q cannot be told", f.ID)
		}
		rated = true
	}
	if !rated || f.ID == "" || len(in.GetAnnotations()) != 1 {
		return f, fmt.Errorf("the finding %q has no severity of this program's scale, or no annotation", f.ID)
	}
	err := f.annotate(in.GetAnnotations()[0])
	return f, err
}

// annotate reads a finding's annotation.
func (f *Finding) annotate(in *structpb.Struct) error {
	if _, ok := in.GetFields()["fixable"].GetKind().(*structpb.Value_BoolValue); !ok {
		return fmt.Errorf("the finding %q does not say whether it can be fixed", f.ID)
	}
	text, err := in.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(text, &f.Annotation)
	}
	if err != nil {
		return fmt.Errorf("the annotation of %q cannot be read: %w", f.ID, err)
	}
	if f.Origin != "" && f.Origin != Base && f.Origin != Added {
		return fmt.Errorf("the finding %q has the origin %q, which has no meaning", f.ID, f.Origin)
	}
	if s := f.Suppressed; s != nil && s.Expires != "" {
		if _, err := time.Parse(time.DateOnly, s.Expires); err != nil {
			return fmt.Errorf("the finding %q is suppressed by what expires on %q, which is no day", f.ID, s.Expires)
		}
	}
	return nil
}

// validate checks what a decision relies on.
func (s *Scan) validate() error {
	v := s.Verdict
	if v.Pass != (v.ExitCode == policy.ExitPass) {
		return fmt.Errorf("the attestation contradicts itself: pass is %t, exit_code is %d", v.Pass, v.ExitCode)
	}
	if n := v.Counts.Total() + v.KernelHeaders.Total() + v.Suppressed.Total(); n != len(s.Findings) {
		return fmt.Errorf("the attestation contradicts itself: it lists %d findings, its verdict counts %d", len(s.Findings), n)
	}
	if s.Finished.Before(s.Started) {
		return errors.New("the attestation contradicts itself: the scan finished before it started")
	}
	if got, err := policyDigest(s.Policy); err != nil || got != s.Policy.Digest {
		return errors.New("the attestation contradicts itself: its policy does not have the digest that it states")
	}
	return nil
}
