package frontend

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestNoContext has the errors of BuildKit's session of a client that offers
// other directories, or none: session/filesync.
func TestNoContext(t *testing.T) {
	for _, err := range []error{
		status.Error(codes.NotFound, `no access allowed to dir "context"`),
		errors.New("no local sources enabled"),
	} {
		assert.True(t, noContext(err), err)
	}
	for _, err := range []error{
		nil,
		status.Error(codes.Unavailable, "connection reset"),
		status.Error(codes.PermissionDenied, `no access allowed to dir "context"`),
	} {
		assert.False(t, noContext(err), err)
	}
}
