package api_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/service/api"
	"github.com/example/microscanner-frontend/service/servicetest"
)

// endless gives so many blanks.
func endless(size int64) io.Reader { return io.LimitReader(blanks{}, size) }

type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func gzipped(t *testing.T, from io.Reader) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := io.Copy(z, from)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

func zstded(t *testing.T, from io.Reader) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out)
	require.NoError(t, err)
	_, err = io.Copy(z, from)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

func TestCompressedBodies(t *testing.T) {
	s := start(t, servicetest.Options{})
	owner := s.Token()
	var text bytes.Buffer
	_, err := fmt.Fprint(&text, `{"schema_version":1,"inventory":{"os":{"distro":"debian","release":"12"},"packages":[]}}`)
	require.NoError(t, err)
	for encoding, body := range map[string][]byte{
		"identity": text.Bytes(), "gzip": gzipped(t, bytes.NewReader(text.Bytes())), "zstd": zstded(t, bytes.NewReader(text.Bytes())),
	} {
		for range 2 { // the second time with a decoder that was used before
			a := s.Do(http.MethodPost, remote.PathScan, owner, body, "Content-Encoding: "+encoding)
			assert.Equal(t, http.StatusOK, a.Status, "%s: %s", encoding, a.Body)
		}
		if encoding != "identity" {
			a := s.Do(http.MethodPost, remote.PathScan, owner, body[:len(body)-5], "Content-Encoding: "+encoding)
			assert.Equal(t, http.StatusBadRequest, a.Status, "%s, cut off", encoding)
		}
	}
}

// A report is compressed for who accepts that, and is the same report.
func TestCompressedReports(t *testing.T) {
	s := start(t, servicetest.Options{Now: func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }})
	owner := s.Token()
	req := servicetest.Request("", 200)
	req.FullOutput = true
	plain := s.Do(http.MethodPost, remote.PathScan, owner, req, "Accept-Encoding: identity")
	require.Equal(t, http.StatusOK, plain.Status)
	assert.Empty(t, plain.Header.Get("Content-Encoding"))
	for _, refused := range []string{"br", "gzip;q=0", "zstd"} {
		a := s.Do(http.MethodPost, remote.PathScan, owner, req, "Accept-Encoding: "+refused)
		assert.Equal(t, string(plain.Body), string(a.Body), refused)
	}
	packed := s.Do(http.MethodPost, remote.PathScan, owner, req, "Accept-Encoding: gzip")
	assert.Equal(t, "gzip", packed.Header.Get("Content-Encoding"))
	assert.Contains(t, packed.Header.Get("Vary"), "Accept-Encoding")
	assert.Equal(t, strconv.Itoa(len(packed.Body)), packed.Header.Get("Content-Length"))
	assert.Less(t, len(packed.Body), len(plain.Body)/4)
	z, err := gzip.NewReader(bytes.NewReader(packed.Body))
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	assert.Equal(t, string(plain.Body), string(text))
	a := s.Do(http.MethodPost, remote.PathScan, owner, []byte("{"), "Accept-Encoding: gzip")
	assert.Equal(t, remote.CodeBadRequest, failure(t, a).Code, "an error stays as it is")
}

// Bodies and reports that are on their way take no more memory than there is for
// them: a report that does not fit is refused, not cut off, and not counted.
func TestMemoryForReports(t *testing.T) {
	s := start(t, servicetest.Options{Args: []string{"--max-buffered=1"}})
	owner := s.Token()
	req := servicetest.Request("", 3000) // 0.7 MB, and its report has 3 MB
	req.FullOutput = true
	plain, err := json.Marshal(req)
	require.NoError(t, err)
	packed := gzipped(t, bytes.NewReader(plain))
	for encoding, body := range map[string][]byte{"identity": plain, "gzip": packed} { // the body does not fit; the report does not
		for range 3 {
			a := s.Do(http.MethodPost, remote.PathScan, owner, body, "Accept-Encoding: identity", "Content-Encoding: "+encoding)
			require.Equal(t, http.StatusServiceUnavailable, a.Status)
			assert.Equal(t, remote.CodeUnavailable, failure(t, a).Code)
			assert.Equal(t, "100", a.Header.Get(remote.HeaderRemaining))
		}
	}
	a := s.Do(http.MethodPost, remote.PathScan, owner, servicetest.Request("", 5))
	assert.Equal(t, http.StatusOK, a.Status, "all was given back")

	// A scan that is not answered is not in the history: the next one would be
	// compared with it, and what is new would be in nobody's hands.
	req.Image.Reference = image
	plain, err = json.Marshal(req)
	require.NoError(t, err)
	a = s.Do(http.MethodPost, remote.PathScan, owner, gzipped(t, bytes.NewReader(plain)), "Accept-Encoding: identity", "Content-Encoding: gzip")
	assert.Equal(t, http.StatusServiceUnavailable, a.Status)
	assert.Equal(t, http.StatusNotFound, s.Do(http.MethodGet, remote.PathImages+image+"/changes", owner, nil).Status)
}

// What compresses a report may keep all of it until the end: that it does not fit
// is an error then too, and not a report that is cut off.
func TestMemoryForCompressedReports(t *testing.T) {
	text := make([]byte, 20<<10) // less than a block of deflate, and it does not become less
	_, _ = rand.Read(text)       // never fails
	packed, err := api.Encode(1<<20, text)
	require.NoError(t, err)
	assert.Equal(t, "\x1f\x8b", string(packed[:2]), "it is gzip")
	_, err = api.Encode(20<<10, text) // the header fits
	require.ErrorIs(t, err, api.ErrBudget)
}

// What the history tells of an image takes its memory from the same place.
func TestMemoryForChanges(t *testing.T) {
	var records []advisory.Record
	for i := range 12_000 {
		records = append(records, servicetest.Record(fmt.Sprintf("CVE-2024-%d", 10_000+i), 1))
	}
	s := start(t, servicetest.Options{DB: servicetest.Database(t, records...), Args: []string{"--max-buffered=1"}})
	owner := s.Token()
	for packages := 1; packages <= 2; packages++ {
		a := s.Do(http.MethodPost, remote.PathScan, owner, servicetest.Request(image, packages), "Accept-Encoding: gzip")
		require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	}
	for range 3 {
		a := s.Do(http.MethodGet, remote.PathImages+image+"/changes", owner, nil, "Accept-Encoding: identity") // of 1.2 MB
		assert.Equal(t, http.StatusServiceUnavailable, a.Status)
		a = s.Do(http.MethodGet, remote.PathImages+image+"/changes", owner, nil, "Accept-Encoding: gzip")
		assert.Equal(t, http.StatusOK, a.Status)
	}
}

// A text that each finding of a package has is short: a small request would take
// gigabytes.
func TestLongWords(t *testing.T) {
	s := start(t, servicetest.Options{})
	owner := s.Token()
	words := func(p *inventory.Package) []*string {
		return []*string{&p.Name, &p.Version, &p.SourceName, &p.SourceVersion}
	}
	for i := range words(&inventory.Package{}) {
		for more, status := range map[int]int{0: http.StatusOK, 1: http.StatusRequestEntityTooLarge} {
			req := servicetest.Request(image, 3)
			*words(&req.Inventory.Packages[1])[i] = strings.Repeat("1", 512+more)
			a := s.Do(http.MethodPost, remote.PathScan, owner, req)
			assert.Equal(t, status, a.Status, "%d: %s", i, a.Body)
		}
	}
}

// What is too large, too deep or too much is refused, and takes little memory.
func TestLargeBodies(t *testing.T) {
	s := start(t, servicetest.Options{})
	owner := s.Token()
	packages := func(n int) string {
		return `{"schema_version":1,"inventory":{"os":{"distro":"debian","release":"12"},"packages":[` + strings.Repeat("{},", n) + `{}]}}`
	}
	for _, c := range []struct {
		name     string
		body     any
		encoding string
		status   int
	}{
		{"200 MB, not told before", endless(200 << 20), "identity", http.StatusRequestEntityTooLarge},
		{"a bomb of gzip", gzipped(t, endless(1<<30)), "gzip", http.StatusRequestEntityTooLarge},
		{"a bomb of zstd", zstded(t, endless(1<<30)), "zstd", http.StatusRequestEntityTooLarge},
		{"a million packages", []byte(packages(1_000_000)), "identity", http.StatusRequestEntityTooLarge},
		{"ten million packages", gzipped(t, strings.NewReader(packages(10_000_000))), "gzip", http.StatusRequestEntityTooLarge},
		{"ten million numbers", gzipped(t, strings.NewReader(`{"image":[`+strings.Repeat("1,", 10_000_000)+`1]}`)), "gzip", http.StatusRequestEntityTooLarge},
		{"deep lists", []byte(strings.Repeat("[", 1<<20)), "identity", http.StatusBadRequest},
		{"deep objects", []byte(strings.Repeat(`{"a":`, 1<<20)), "identity", http.StatusBadRequest},
		{"another encoding", []byte("{}"), "br", http.StatusBadRequest},
		{"two documents", []byte("{}{}"), "identity", http.StatusBadRequest},
		{"nothing", []byte(""), "identity", http.StatusBadRequest},
		{"another schema", []byte(`{"schema_version":2}`), "identity", http.StatusBadRequest},
		{"an image of nothing known", []byte(`{"schema_version":1,"inventory":{"os":{"distro":"beos"}}}`), "identity", http.StatusBadRequest},
	} {
		a, err := s.Try(t, http.MethodPost, remote.PathScan, owner, c.body, "Content-Encoding: "+c.encoding)
		if c.name == "200 MB, not told before" && err != nil {
			continue // the connection was closed while the client still sent
		}
		require.NoError(t, err, c.name)
		assert.Equal(t, c.status, a.Status, "%s: %s", c.name, a.Body)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	assert.Less(t, m.Sys, uint64(1<<30), "memory of the service and of the test together")
}

// A text that means something elsewhere is a text here.
func TestHostileTexts(t *testing.T) {
	s := start(t, servicetest.Options{})
	owner := s.Token()
	for _, text := range []string{"'; DROP TABLE tokens; --", `" OR ""="`, "$1", "%s%n", "{{.}}", "<script>", "../../etc/passwd", "a/../../b", "%2e%2e%2f", "?x=1#y", "ä ö"} {
		req := servicetest.Request(text, 2)
		req.Image.Platform = text
		req.Inventory.OS.Pretty, req.Inventory.OS.Release = text, text
		req.Inventory.Notes = []string{text}
		for i := range req.Inventory.Packages {
			p := &req.Inventory.Packages[i]
			p.Name, p.Version, p.SourceName, p.SourceVersion, p.Vendor, p.Arch = text, text, text, text, text, text
		}
		req.Suppressions = []policy.Suppression{{By: "ignore", IDs: []string{text}, Package: text, Reason: text}}
		a := s.Do(http.MethodPost, remote.PathScan, owner, req)
		require.Equal(t, http.StatusOK, a.Status, "%s: %s", text, a.Body)
		assert.Equal(t, text, servicetest.Read[report.Report](t, a).Image.Reference)
		assert.Equal(t, http.StatusNotFound, s.Do(http.MethodDelete, api.PathWebhooks+"/1%20OR%201=1", owner, nil).Status)
	}
	// The history has them by these names, and the token still works.
	last, err := s.OpenStore().LastScans(t.Context(), 1, "'; DROP TABLE tokens; --", "", 5)
	require.NoError(t, err)
	assert.Len(t, last, 1)
	assert.Equal(t, http.StatusOK, s.Do(http.MethodGet, remote.PathToken, owner, nil).Status)
	for _, bad := range []string{"a\nb", "a\x1b[2J", "a\x00", strings.Repeat("a", 1000)} {
		a := s.Do(http.MethodPost, remote.PathScan, owner, servicetest.Request(bad, 1))
		assert.Equal(t, http.StatusBadRequest, a.Status, "%q", bad)
	}
}

// The client is downloaded with its digest; nothing else of the folder is.
func TestClientDownload(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "clients")
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "microscanner-linux-s390x"), []byte("the client"), 0o600))
	own := filepath.Join(dir, "own")
	require.NoError(t, os.WriteFile(own, []byte("this program"), 0o600))
	s := start(t, servicetest.Options{Args: []string{"--client-dir=" + folder}, Executable: own})
	for platform, want := range map[string]string{"linux/s390x": "the client", runtime.GOOS + "/" + runtime.GOARCH: "this program"} {
		a := s.Do(http.MethodGet, remote.PathClient+platform, "", nil)
		assert.Equal(t, want, string(a.Body))
		sum := sha256.Sum256([]byte(want))
		a = s.Do(http.MethodGet, remote.PathClient+platform+".sha256", "", nil)
		assert.Equal(t, hex.EncodeToString(sum[:])+"  microscanner\n", string(a.Body))
	}
	for _, path := range []string{"linux/riscv64", "linux/..%2f..%2fsecret", "..%2f..%2fsecret/x", "linux/s390x%00", "linux/%2e%2e", "linux", "linux/s390x/x", "../../../secret"} {
		a := s.Do(http.MethodGet, remote.PathClient+path, "", nil)
		assert.Equal(t, http.StatusNotFound, a.Status, path)
		assert.NotContains(t, string(a.Body), "secret")
	}
}

// Neither tokens nor addresses nor what an image holds is in the log or in the
// metrics.
func TestLogIsDiscreet(t *testing.T) {
	s := start(t, servicetest.Options{})
	owner := s.Token()
	req := servicetest.Request("private-image", 2)
	req.Inventory.Packages[0].Name = "private-package"
	s.Do(http.MethodPost, remote.PathScan, owner, req)
	s.Do(http.MethodPost, remote.PathScan, owner, []byte(`{"schema_version":1,"inventory":{"os":{"distro":"private-distro"}}}`))
	s.Do(http.MethodGet, remote.PathImages+"private-image/changes", owner, nil)
	s.Do(http.MethodPost, remote.PathRegister, "", remote.RegisterRequest{Email: "private@example.org"})
	s.Do(http.MethodPost, remote.PathScan+"/"+owner, owner, nil)
	s.Do(http.MethodGet, "/?token="+owner, "", nil)
	s.Do(owner, "/"+owner, owner, nil)
	s.Do(http.MethodPost, api.PathWebhooks, owner, api.WebhookRequest{URL: "https://private.example.org/hook"})
	metrics := s.Do(http.MethodGet, api.PathMetrics, "", nil)
	require.Contains(t, string(metrics.Body), `microscanner_scans_total{verdict="gate"} 1`)
	for _, text := range []string{s.Log(), string(metrics.Body)} {
		assert.Contains(t, text, "POST /api/v1/scan")
		assert.NotContains(t, text, owner)
		assert.NotContains(t, text, owner[len("mscan_"):])
		assert.NotContains(t, text, "private")
	}
}

func TestShape(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"a":"[[[[[[[[[[[[[[[[[[[[[["}`:                true,
		`{"a":"\"[[[[[[[[[[[[[[[[[[[[[["}`:              true,
		`{"a":"\\\\"}`:                                  true,
		`{"a":"\\"` + strings.Repeat("[", 20):           false,
		strings.Repeat("[", 16):                         true,
		strings.Repeat("[", 17):                         false,
		strings.Repeat("[],", inventory.MaxPackages):    true,
		strings.Repeat("[],", 2*inventory.MaxPackages):  false,
		strings.Repeat(",", 20*inventory.MaxPackages):   true,
		strings.Repeat(",", 20*inventory.MaxPackages+1): false,
		`"`: true, `"\`: true, "": true,
	} {
		assert.Equal(t, ok, api.CheckShape([]byte(text)) == nil, "%.40s", text)
	}
}
