// Package sbom makes the frontend's image an SBOM generator of BuildKit's
// (https://github.com/moby/buildkit/blob/master/docs/attestations/sbom-protocol.md):
//
//	docker buildx build --attest type=sbom,generator=IMAGE-OF-THIS-FRONTEND .
//
// The scanner reads the root file systems; this package writes what it found as
// in-toto statements with SPDX documents, and never looks into one itself.
package sbom

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	in_toto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/spdx"
)

// The variables of the protocol.
const (
	envSource      = "BUILDKIT_SCAN_SOURCE"
	envExtras      = "BUILDKIT_SCAN_SOURCE_EXTRAS"
	envDestination = "BUILDKIT_SCAN_DESTINATION"
)

// extension is that of the documents' file names, as the protocol has it.
const extension = ".spdx.json"

// predicateSPDX is the type that BuildKit asks for.
const predicateSPDX = "https://spdx.dev/Document"

// Request is what BuildKit asks of a generator.
type Request struct {
	Source      string // the root file system of the build's result
	Extras      string // a directory of further ones; may be empty, and need not be there
	Destination string // the directory to write to
}

// FromEnviron reads a request from a program's environment. It is false if the
// program was not started as a generator.
func FromEnviron(getenv func(string) string) (Request, bool) {
	r := Request{getenv(envSource), getenv(envExtras), getenv(envDestination)}
	return r, r.Source != "" || r.Destination != ""
}

// Generate writes a statement for each root file system, which the program
// scanner lists the packages of. Its messages go to log.
func (r Request) Generate(ctx context.Context, scanner string, log io.Writer) error {
	if r.Source == "" || r.Destination == "" {
		return fmt.Errorf("an SBOM generator needs both %s and %s", envSource, envDestination)
	}
	dirs, err := r.dirs()
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		list, err := packages(ctx, scanner, dir, log)
		if err != nil {
			return fmt.Errorf("list the packages of %s: %w", filepath.Base(dir), err)
		}
		text, err := statement(list)
		if err != nil {
			return err
		}
		name := filepath.Join(r.Destination, filepath.Base(dir)+extension)
		if err := os.WriteFile(name, text, 0o644); err != nil { //nolint:gosec // BuildKit reads it
			return fmt.Errorf("write the SBOM: %w", err)
		}
	}
	return nil
}

// dirs are the root file systems.
func (r Request) dirs() ([]string, error) {
	out := []string{r.Source}
	if r.Extras == "" {
		return out, nil
	}
	entries, err := os.ReadDir(r.Extras)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the root file systems of %s: %w", envExtras, err)
	}
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, filepath.Join(r.Extras, e.Name()))
		}
	}
	return out, nil
}

// packages has the scanner read one root file system.
func packages(ctx context.Context, scanner, dir string, log io.Writer) (*report.Report, error) {
	cmd := exec.CommandContext(ctx, scanner, "packages", dir) //nolint:gosec // the scanner of our own image
	cmd.Env = []string{}                                      // it needs nothing of ours
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the scanner: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the scanner: %w", err)
	}
	list, decodeErr := report.Decode(out)
	_, _ = io.Copy(io.Discard, out) // so that it can end
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("the scanner failed, see above: %w", err)
	}
	return list, decodeErr
}

// statement is an in-toto statement with an SPDX document. It names no subject:
// BuildKit makes it one about the image.
func statement(list *report.Report) ([]byte, error) {
	var doc bytes.Buffer
	if err := spdx.Write(&doc, list); err != nil {
		return nil, fmt.Errorf("write the SBOM: %w", err)
	}
	var predicate structpb.Struct
	if err := protojson.Unmarshal(doc.Bytes(), &predicate); err != nil {
		return nil, fmt.Errorf("write the SBOM: %w", err)
	}
	text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(&in_toto.Statement{
		Type: in_toto.StatementTypeUri, PredicateType: predicateSPDX, Predicate: &predicate,
	})
	if err != nil {
		return nil, fmt.Errorf("write the SBOM: %w", err)
	}
	return text, nil
}
