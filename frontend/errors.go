package frontend

import (
	"errors"
	"fmt"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/status"

	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/settings"
)

var errNoCurrentFrontend = errors.New("microscanner: error: this BuildKit does not hand the frontend its own image, so there is no scanner to run. " +
	"Use a newer BuildKit, and call this frontend as an image (# syntax=, BUILDKIT_SYNTAX or gateway.v0)")

// buildError is an error of BuildKit's with a sentence of ours before it. It
// carries its own gRPC status because BuildKit, on the way to the client, takes
// the text of the innermost one it finds and would drop the sentence.
type buildError struct {
	sentence string
	err      error
}

func (e *buildError) Error() string { return e.sentence + ": " + e.err.Error() }

func (e *buildError) Unwrap() error { return e.err }

// GRPCStatus is the status of the error beneath, with the whole text.
func (e *buildError) GRPCStatus() *status.Status {
	return status.New(grpcerrors.Code(e.err), e.Error())
}

// scanError says that the scan itself went wrong: that nothing is known of the
// rootfs, and not that something was found in it.
func scanError(t target, err error) error {
	return &buildError{
		fmt.Sprintf("microscanner: error: the rootfs of %s could not be scanned, so the image is not exported. This is an error in the scan, not a finding", t),
		err,
	}
}

// notAssessed says that the scan was done and is no answer: of a system without
// advisories, past its end of life, or of packages that cannot be read.
func notAssessed(o *outcome) string {
	return fmt.Sprintf("microscanner: error: the image of %s cannot be fully assessed, so it is not exported. This is an error in the scan, not a finding: %s",
		o.platform, o.reason())
}

// otherFrontendError says that an error is that of the frontend which the
// setting names. One that points into a file of the user's speaks for itself.
func otherFrontendError(image string, err error) error {
	if len(errdefs.Sources(err)) > 0 {
		return err
	}
	return &buildError{fmt.Sprintf("the build with the frontend %s failed (setting %s)", report.Printable(image), settings.KeyFrontend), err}
}

func badDatabase(name string, err error) error {
	return &buildError{fmt.Sprintf("microscanner: error: the database %s=%q is neither a named context of this build nor an image reference", settings.KeyDB, name), err}
}

func noDatabase(name string, err error) error {
	return &buildError{fmt.Sprintf("microscanner: error: the advisory database %s=%q cannot be loaded, so nothing can be scanned. This is an error in the scan, not a finding", settings.KeyDB, name), err}
}

// imageReference completes an image's name as docker pull does.
func imageReference(name string) (string, error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return "", err
	}
	return reference.TagNameOnly(named).String(), nil
}
