package servicetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// Request is a scan of so many Debian 12 packages, of which each has a source
// package of its own: source-0, source-1 and so on, in version 1.0-1.
func Request(image string, packages int) remote.ScanRequest {
	inv := inventory.Inventory{OS: inventory.OS{Distro: "debian", Release: "12", Version: "12", Pretty: "Debian GNU/Linux 12 (bookworm)", Path: "etc/os-release"}}
	for i := range packages {
		inv.Packages = append(inv.Packages, inventory.Package{
			Format: inventory.FormatDpkg, Name: fmt.Sprintf("package-%d", i), Version: "1.0-1", Arch: "amd64",
			SourceName: fmt.Sprintf("source-%d", i), SourceVersion: "1.0-1", Path: "var/lib/dpkg/status",
			Vendor: "Debian Maintainers <maintainers@lists.debian.org>",
		})
	}
	return remote.ScanRequest{SchemaVersion: inventory.SchemaVersion, Inventory: inv, Image: report.Image{Reference: image, Platform: "linux/amd64"}}
}

// Record is an advisory about one of Request's sources, which 1.0-2 fixes.
func Record(id string, source int) advisory.Record {
	return advisory.Record{
		ID: id, Distro: "debian", Release: "12", Package: fmt.Sprintf("source-%d", source), Kind: advisory.Source,
		Status: advisory.StatusFixed, Fixed: "1.0-2", Severity: severity.High, Description: "A hole was found.",
	}
}

// Answer is what a request got.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request, with a token unless it is empty. A body that is neither
// nil, bytes nor a reader is sent as JSON.
func (s *Service) Do(method, path, token string, body any, header ...string) Answer {
	s.t.Helper()
	answer, err := s.Try(s.t, method, path, token, body, header...)
	require.NoError(s.t, err)
	return answer
}

// Try is Do for requests that may fail, and for use by many goroutines.
func (s *Service) Try(t testing.TB, method, path, token string, body any, header ...string) (Answer, error) {
	t.Helper()
	var from io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		from = bytes.NewReader(b)
	case io.Reader:
		from = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return Answer{}, err
		}
		from = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, from)
	if err != nil {
		return Answer{}, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/json")
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := s.Client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return Answer{resp.StatusCode, resp.Header, text}, err
}

// Read reads an answer's JSON.
func Read[T any](t testing.TB, a Answer) T {
	t.Helper()
	var out T
	require.NoError(t, json.Unmarshal(a.Body, &out), "%s", a.Body)
	return out
}
