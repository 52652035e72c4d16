package feed

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"0": 0, "7": 7 * time.Second, "100000": maxRetryAfter, "2147483647": maxRetryAfter,
		"Wed, 21 Oct 2015 07:28:00 GMT":                         0,
		time.Now().Add(time.Hour).UTC().Format(http.TimeFormat): maxRetryAfter,
	} {
		got, ok := retryAfter(value)
		assert.True(t, ok, value)
		assert.Equal(t, want, got, value)
	}
	for _, value := range []string{"", "soon", "-1", "1.5", "99999999999999999999"} {
		_, ok := retryAfter(value)
		assert.False(t, ok, value)
	}
}
