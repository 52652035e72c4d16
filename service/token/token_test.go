package token_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/token"
)

// fixed is a token of the bytes 0 to 19, made with another program: base32 and
// crc32 of Python.
const fixed = "mscan_aaaqeayeaudaocajbifqydiob4ibceqtg34owlq"

func TestNew(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		text := token.New().Reveal()
		assert.Regexp(t, `^mscan_[a-z2-7]{39}$`, text)
		assert.False(t, seen[text])
		seen[text] = true
		parsed, err := token.Parse(text)
		require.NoError(t, err)
		assert.Equal(t, text, parsed.Reveal())
	}
}

func TestParse(t *testing.T) {
	parsed, err := token.Parse(fixed)
	require.NoError(t, err)
	assert.Equal(t, fixed, parsed.Reveal())
	assert.Equal(t, store.Hash(sha256.Sum256([]byte(fixed))), parsed.Hash())

	for name, c := range map[string]struct {
		text string
		err  error
	}{
		"empty":          {"", token.ErrEmpty},
		"another secret": {"ghp_" + fixed[6:], token.ErrPrefix},
		"capitals":       {strings.ToUpper(fixed), token.ErrPrefix},
		"capital":        {"mscan_A" + fixed[7:], token.ErrCharacter},
		"blank":          {" " + fixed, token.ErrPrefix},
		"line":           {fixed + "\n", token.ErrLength},
		"short":          {fixed[:len(fixed)-1], token.ErrLength},
		"long":           {fixed + "a", token.ErrLength},
		"prefix alone":   {"mscan_", token.ErrLength},
		"zero for o":     {strings.Replace(fixed, "o", "0", 1), token.ErrCharacter},
		"inside":         {fixed[:20] + "\x00" + fixed[21:], token.ErrCharacter},
		"another token":  {fixed[:10] + "b" + fixed[11:], token.ErrChecksum},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := token.Parse(c.text)
			require.ErrorIs(t, err, c.err)
			assert.NotContains(t, err.Error(), fixed[8:16])
		})
	}
}

// TestTypingErrors: each wrong character and each pair that is swapped is found.
func TestTypingErrors(t *testing.T) {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	for i := len(token.Prefix); i < len(fixed); i++ {
		for _, c := range alphabet {
			if byte(c) != fixed[i] {
				_, err := token.Parse(fixed[:i] + string(c) + fixed[i+1:])
				require.ErrorIs(t, err, token.ErrChecksum, "%d %c", i, c)
			}
		}
		if i+1 < len(fixed) && fixed[i] != fixed[i+1] {
			_, err := token.Parse(fixed[:i] + fixed[i+1:i+2] + fixed[i:i+1] + fixed[i+2:])
			require.ErrorIs(t, err, token.ErrChecksum, "%d", i)
		}
	}
}

func TestRedacted(t *testing.T) {
	parsed, err := token.Parse(fixed)
	require.NoError(t, err)
	type holder struct {
		T      token.Token
		hidden token.Token
	}
	h := holder{parsed, parsed}
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%U", "%t", "%T"} {
		fmt.Fprintf(&b, verb+"\n", parsed)
		fmt.Fprintf(&b, verb+"\n", &parsed)
		fmt.Fprintf(&b, verb+"\n", h)
		fmt.Fprintf(&b, verb+"\n", []any{&h, h.hidden})
	}
	fmt.Fprintln(&b, parsed, h, fmt.Errorf("wrap %v", parsed))
	slog.New(slog.NewTextHandler(&b, nil)).Info("text", "token", parsed, "holder", h)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("json", "token", parsed, "holder", h)
	require.NoError(t, json.NewEncoder(&b).Encode([]any{parsed, h, map[token.Token]int{}}))

	text := strings.ToLower(b.String())
	assert.Contains(t, text, token.Redacted)
	assert.NotContains(t, text, fixed[6:20])
	assert.NotContains(t, text, fmt.Sprintf("%x", fixed[6:20]))
	assert.Empty(t, token.Token{}.Reveal())
}

func FuzzParse(f *testing.F) {
	f.Add(fixed)
	f.Add("")
	f.Add("mscan_")
	f.Add(strings.Repeat("mscan_", 100))
	f.Fuzz(func(t *testing.T, s string) {
		parsed, err := token.Parse(s)
		if err == nil {
			assert.Equal(t, s, parsed.Reveal())
			assert.Regexp(t, `^mscan_[a-z2-7]{39}$`, s)
			return
		}
		assert.Empty(t, parsed.Reveal())
		if len(s) > 8 {
			assert.NotContains(t, err.Error(), s)
		}
	})
}
