package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/severity"
)

func TestGateOutput(t *testing.T) {
	build := "#8 [microscanner] scan the rootfs of linux/amd64\n#8 0.1 not this\n" +
		"#12 [microscanner] gate\n#12 0.072 ID  SEVERITY\n#12 0.072 \n#12 10.5 fail: 1\n#12 ERROR: process: exit code: 4\n" +
		"------\n > [microscanner] gate:\n0.072 fail: 1\nERROR: one\nERROR: failed to build: exit code: 4\n"
	assert.Equal(t, []string{"ID  SEVERITY", "", "fail: 1"}, gateOutput(build))
	assert.Equal(t, "ERROR: failed to build: exit code: 4\n", lastError(build))
	assert.Empty(t, gateOutput("#1 DONE\n"))
}

func TestShorten(t *testing.T) {
	lines := strings.Split("abcdef", "")
	assert.Equal(t, "a\nb\nc\nd\ne\nf\n", shorten(lines, 6))
	assert.Equal(t, "a\nb\n… and 2 more lines\ne\nf\n", shorten(lines, 4))
	assert.Equal(t, "   a\n\n   b\n", indent("a\n\nb\n"))
}

// TestAdvisories: the demo's facts are well-formed, and each says where its
// severity is from.
func TestAdvisories(t *testing.T) {
	text, err := os.ReadFile(filepath.Base(advisories))
	require.NoError(t, err)
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		var r advisory.Record
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		require.NoError(t, decoder.Decode(&r), line)
		assert.False(t, seen[r.ID], "%s stands twice", r.ID)
		seen[r.ID] = true
		assert.Equal(t, []any{"debian", "12", advisory.Source, advisory.StatusFixed},
			[]any{r.Distro, r.Release, r.Kind, r.Status}, line)
		urgency := "medium"
		if r.Severity == severity.High {
			urgency = "high"
		}
		assert.Contains(t, r.Description, "Severity from the changelog: "+r.Package+" "+r.Fixed+", ")
		assert.Contains(t, r.Description, "urgency="+urgency+".")
	}
	assert.Len(t, seen, 35)
}
