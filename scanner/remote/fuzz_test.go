package remote

import (
	"bytes"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/report"
)

// FuzzRefusal: whatever a server answers, the error is one line without control
// characters, of bounded length, without the token, and no wait is endless.
func FuzzRefusal(f *testing.F) {
	const secret = "mscan_geheim"
	f.Add(429, "75355", "", []byte(`{"code":"quota_exceeded","message":"mscan_geheim","retry_after":3}`))
	f.Add(503, "Fri, 02 Jan 2026 03:04:05 GMT", "", []byte(`{`))
	f.Add(307, "", "https://user:password@other/path", []byte(nil))
	f.Add(401, "-1", "", []byte(`{"code":"token_revoked","retry_after":-99999999999}`))
	token, err := ParseToken(secret)
	require.NoError(f, err)
	c, err := New(Options{Server: "https://scan.example.com", Token: token, NoVerify: true, Now: func() time.Time { return time.Unix(1767323045, 0) }})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, status int, after, location string, body []byte) {
		resp := &http.Response{
			StatusCode: status, Body: io.NopCloser(bytes.NewReader(body)), Request: &http.Request{URL: &url.URL{Path: PathScan}},
			Header: http.Header{"Retry-After": {after}, "Location": {location}},
		}
		err := c.refused(resp)
		text := err.Error()
		assert.Equal(t, report.Printable(text), text)
		assert.Less(t, len(text), 2000)
		assert.NotContains(t, text, secret)
		c.options.MaxWait = time.Minute
		tries := &tries{client: c}
		for range 100 {
			err = tries.next(c.refused(resp))
		}
		assert.LessOrEqual(t, tries.waited, time.Minute)
		assert.Error(t, err)
		_ = quota(http.Header{HeaderLimit: {after}, HeaderRemaining: {location}})
	})
}

// TestEmbeddedRoots: a root that most of the web depends on is among them, and
// the pool of the system is not asked for.
func TestEmbeddedRoots(t *testing.T) {
	pool, err := embeddedRoots()
	require.NoError(t, err)
	assert.False(t, pool.Equal(x509.NewCertPool()))
	names := ""
	for _, subject := range pool.Subjects() { //nolint:staticcheck // it lacks the system's, of which there are none here
		names += string(subject)
	}
	assert.Contains(t, names, "ISRG Root X1")
}
