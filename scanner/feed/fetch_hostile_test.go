package feed_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/feed"
)

// A server that another one redirects to learns no secret of the address.
func TestRedirectTellsNoSecret(t *testing.T) {
	var got http.Header
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		good(w, r)
	}))
	defer other.Close()
	// Another name for the same machine is another host.
	elsewhere := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	first := httptest.NewServer(http.RedirectHandler(elsewhere, http.StatusFound))
	defer first.Close()
	location := strings.Replace(first.URL, "http://", "http://user:secret@", 1) + "/feed?token=secret"
	text, err := read(source(t, location, feed.Options{}), "")
	require.NoError(t, err)
	assert.Equal(t, content, text)
	assert.NotContains(t, got, "Referer")
	assert.NotContains(t, got, "Authorization")
}

// The headers of an answer are kept in memory and in the cache.
func TestHugeHeaders(t *testing.T) {
	address, _ := answering(t, status(http.StatusOK, "ETag", `"`+strings.Repeat("x", 512<<10)+`"`))
	_, err := read(source(t, address, feed.Options{}), "")
	assert.ErrorContains(t, err, "headers")
}

// A server that was too slow is asked again.
func TestRequestTimeoutIsRetried(t *testing.T) {
	address, asked := answering(t, status(http.StatusRequestTimeout), good)
	text, err := read(source(t, address, feed.Options{}), "")
	require.NoError(t, err)
	assert.Equal(t, content, text)
	assert.EqualValues(t, 2, asked.Load())
}
