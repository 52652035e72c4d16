package remote_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/remote"
)

func TestTokenIsNotShown(t *testing.T) {
	token, err := remote.ParseToken(" " + secret + "\n")
	require.NoError(t, err)
	assert.False(t, token.IsZero())
	wrapped := struct {
		Token  remote.Token
		hidden remote.Token
	}{token, token}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, value := range []any{token, &token, wrapped, &wrapped, []remote.Token{token}, map[string]any{"a": token}} {
			text := fmt.Sprintf(verb, value)
			assert.NotContains(t, text, secret, verb)
			assert.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", secret), verb)
		}
	}
	text, err := json.Marshal(wrapped)
	require.NoError(t, err)
	assert.JSONEq(t, `{"Token":"[token]"}`, string(text))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", token, "all", wrapped)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", token, "all", wrapped)
	assert.NotContains(t, log.String(), secret)
	assert.Contains(t, log.String(), "[token]")
	assert.Equal(t, "[no token]", remote.Token{}.String())
}

func TestTokensThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "the token is empty",
		" \n":                          "the token is empty",
		secret + "\n" + secret:         "the token has characters that no token has: give it alone, without quotes or other lines",
		secret + " x":                  "the token has characters that no token has: give it alone, without quotes or other lines",
		secret + "ä":                   "the token has characters that no token has: give it alone, without quotes or other lines",
		strings.Repeat("x", 513):       "the token is longer than 512 characters: it is something else",
		secret + "\r\nX-Header: value": "the token has characters that no token has: give it alone, without quotes or other lines",
	} {
		token, err := remote.ParseToken(text)
		assert.EqualError(t, err, want)
		assert.True(t, token.IsZero())
	}
}

func TestReadToken(t *testing.T) {
	name := filepath.Join(t.TempDir(), "token")
	_, err := remote.ReadToken(name)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err, "cannot take the token from "+name+": no such file or directory")
	require.NoError(t, os.WriteFile(name, []byte(secret+"\n"), 0o600))
	token, err := remote.ReadToken(name)
	require.NoError(t, err)
	assert.False(t, token.IsZero())
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	_, err = remote.ReadToken(name)
	require.EqualError(t, err, "cannot take the token from "+name+": the token is empty")
	_, err = remote.ReadToken("/dev/zero")
	require.EqualError(t, err, "cannot take the token from /dev/zero: it has more than 1024 bytes")
	_, err = remote.ReadToken(filepath.Dir(name))
	require.EqualError(t, err, "cannot take the token from "+filepath.Dir(name)+": is a directory")
}
