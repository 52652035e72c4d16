package severity

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for _, s := range All() {
		got, err := Parse(s.String())
		require.NoError(t, err)
		require.Equal(t, s, got)
	}
	got, err := Parse("HiGh")
	require.NoError(t, err)
	require.Equal(t, High, got)
	got, err = Parse("")
	require.NoError(t, err)
	require.Equal(t, Unknown, got)
	_, err = Parse("severe")
	require.EqualError(t, err, `severity "severe" is none of critical, high, medium, low, negligible, unknown`)
}

func TestOrder(t *testing.T) {
	all := All()
	for i := 1; i < len(all); i++ {
		require.Greater(t, all[i-1], all[i])
	}
	require.Equal(t, Unknown, all[len(all)-1])
}

func TestFromCVSS(t *testing.T) {
	for score, want := range map[float64]Severity{
		0: Negligible, 0.1: Low, 3.9: Low, 4: Medium, 6.9: Medium, 7: High, 8.9: High, 9: Critical, 10: Critical,
		-1: Unknown, 10.1: Unknown,
	} {
		require.Equal(t, want, FromCVSS(score), "%v", score)
	}
}

func TestFromVendor(t *testing.T) {
	for word, want := range map[string]Severity{
		"Low": Low, "MODERATE": Medium, "medium": Medium, "Important": High, "high": High, "critical": Critical,
	} {
		got, ok := FromVendor(word)
		require.True(t, ok, word)
		require.Equal(t, want, got, word)
	}
	for _, word := range []string{"", "None", "N/A", "negligible", "severe"} {
		got, ok := FromVendor(word)
		require.False(t, ok, word)
		require.Equal(t, Unknown, got, word)
	}
}

func TestJSON(t *testing.T) {
	dt, err := json.Marshal(map[string]Severity{"severity": Critical})
	require.NoError(t, err)
	require.JSONEq(t, `{"severity": "critical"}`, string(dt))
	_, err = json.Marshal(Severity(99))
	require.Error(t, err)
	var s Severity
	require.NoError(t, json.Unmarshal([]byte(`"low"`), &s))
	require.Equal(t, Low, s)
	require.Error(t, json.Unmarshal([]byte(`"severe"`), &s))
}
