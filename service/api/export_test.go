package api

import (
	"bytes"
	"net/http"
	"net/http/httptest"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/history"
)

// Routes lists the methods and paths that are answered, as "GET /healthz".
func Routes() []string {
	var out []string
	for _, r := range new(API).routes() {
		out = append(out, r.method+" "+r.path)
	}
	return out
}

// CheckShape is for tests.
func CheckShape(text []byte) error {
	_, err := checkShape(text)
	return err
}

// DecodeScan reads the body of a scan as far as no database is needed for it.
func DecodeScan(text []byte) (*remote.ScanRequest, error) {
	req, err := decodeScan(text)
	if err != nil {
		return nil, err
	}
	if _, err := imageName(req); err != nil {
		return nil, err
	}
	if _, err := history.Policy(policy.Default(), req); err != nil {
		return nil, badRequest("%v", err)
	}
	return req, nil
}

// ReadJSON reads another body.
func ReadJSON(text []byte, v any) error {
	return readJSON(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(text)), v)
}

// Ours is for tests.
func Ours(err error) bool { return ours(err) }
