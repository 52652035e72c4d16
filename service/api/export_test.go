package api

import (
	"bytes"
	"io"
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

// ErrBudget is for tests.
var ErrBudget = errBudget

// Encode compresses a text with so many bytes of memory, as reports are.
func Encode(memory int64, text []byte) ([]byte, error) {
	req := httptest.NewRequest(http.MethodPost, "/", nil)
	req.Header.Set("Accept-Encoding", "gzip")
	out, err := New(Options{Slots: 1, MaxBuffered: memory}).encode(req, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out.text, nil
}

// Ours is for tests.
func Ours(err error) bool { return ours(err) }
