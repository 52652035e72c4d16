package policy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/policy"
)

const oneSuppression = `{"by":"ignore","ids":["CVE-2024-1"],"reason":"not reachable","source":".microscanner.yaml:7"}`

func TestDecodeSuppressions(t *testing.T) {
	list, err := policy.DecodeSuppressions(strings.NewReader(" [" + oneSuppression + `,
		{"by":"vex","ids":["CVE-2024-2","GHSA-x"],"purls":["pkg:deb/debian/zlib"],"reason":"r","status":"fixed","timestamp":"2026-01-02T03:04:05Z","author":"A"}]`))
	require.NoError(t, err)
	assert.Equal(t, []policy.Suppression{
		{By: policy.SuppressedByIgnore, IDs: []string{"CVE-2024-1"}, Reason: "not reachable", Source: ".microscanner.yaml:7"},
		{By: policy.SuppressedByVEX, IDs: []string{"CVE-2024-2", "GHSA-x"}, PURLs: []string{"pkg:deb/debian/zlib"}, Reason: "r", Status: "fixed",
			Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Author: "A"},
	}, list)
	list, err = policy.DecodeSuppressions(strings.NewReader("[]"))
	require.NoError(t, err)
	assert.Empty(t, list)
}

func TestDecodeSuppressionsRefuses(t *testing.T) {
	const start = `[{"by":"ignore","ids":["CVE-2024-1"],`
	for name, tc := range map[string]struct{ text, want string }{
		"empty":         {"", "this is no JSON list of suppressions"},
		"object":        {"{}", "this is no JSON list of suppressions"},
		"truncated":     {"[" + oneSuppression, "this is no JSON list of suppressions"},
		"more":          {"[]{}", "something follows behind the end of the list"},
		"type":          {`["CVE-2024-1"]`, "entry 1 cannot be read"},
		"unknown key":   {start + `"reason":"x","expire":"2027-01-01"}]`, `unknown field "expire"`},
		"no id":         {`[` + oneSuppression + `,{"by":"ignore","reason":"x","source":"f:3"}]`, "entry 2: the ignore list's entry (f:3) names no vulnerability; give its id, such as CVE-2024-1234"},
		"long id":       {`[{"by":"ignore","ids":["` + strings.Repeat("x", 201) + `"],"reason":"x"}]`, "entry 1: a vulnerability's id is longer than 200 characters"},
		"no reason":     {start + `"reason":" ","source":"f:2"}]`, "entry 1: the ignore list's entry for CVE-2024-1 (f:2) has no reason; say why the vulnerability does not count"},
		"by":            {`[{"by":"me","ids":["CVE-2024-1"],"reason":"x"}]`, `entry 1: by is "me"; it must be "ignore" or "vex"`},
		"day":           {start + `"reason":"x","expires":"31.1.2027"}]`, `the ignore list's entry for CVE-2024-1 expires on "31.1.2027"; write a day such as 2027-01-31`},
		"vex no status": {`[{"by":"vex","ids":["CVE-2024-1"],"reason":"x"}]`, "the VEX statement for CVE-2024-1 has no status"},
		"too many":      {"[" + strings.Repeat(oneSuppression+",", policy.MaxSuppressions) + oneSuppression + "]", "there are more than 10000 entries"},
		"too large":     {"[" + strings.Repeat(" ", 17<<20), "the list is larger than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.DecodeSuppressions(strings.NewReader(tc.text))
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestSuppressionsExpire(t *testing.T) {
	for _, tc := range []struct {
		now      string
		suppress bool
		notice   string
	}{
		{"2027-01-16T23:59:59Z", true, ""},
		{"2027-01-17T00:00:00Z", true, "the ignore list's entry for CVE-2024-1 (f:1) expires on 2027-01-31"},
		{"2027-01-30T23:59:59Z", true, "the ignore list's entry for CVE-2024-1 (f:1) expires on 2027-01-31"},
		{"2027-01-31T00:00:00Z", false, "the ignore list's entry for CVE-2024-1 (f:1) expired on 2027-01-31: the vulnerability counts again"},
		{"2027-01-31T01:00:00+02:00", true, "the ignore list's entry for CVE-2024-1 (f:1) expires on 2027-01-31"}, // in UTC it is the 30th
	} {
		now, err := time.Parse(time.RFC3339, tc.now)
		require.NoError(t, err)
		s := policy.Suppression{By: policy.SuppressedByIgnore, IDs: []string{"CVE-2024-1"}, Expires: "2027-01-31", Source: "f:1"}
		assert.Equal(t, tc.suppress, s.Suppresses(now), tc.now)
		assert.Equal(t, tc.notice, s.Notice(now), tc.now)
	}
	s := policy.Suppression{By: policy.SuppressedByIgnore}
	assert.True(t, s.Suppresses(time.Now()))
	assert.Empty(t, s.Notice(time.Now()))
}

func TestStatusesThatSuppress(t *testing.T) {
	for status, want := range map[string]bool{"not_affected": true, "fixed": true, "affected": false, "under_investigation": false, "other": false} {
		s := policy.Suppression{By: policy.SuppressedByVEX, Status: status}
		assert.Equal(t, want, s.Suppresses(time.Now()), status)
	}
}

func FuzzDecodeSuppressions(f *testing.F) {
	f.Add("[" + oneSuppression + "]")
	f.Add(`[{"by":"vex","ids":["a"],"status":"fixed","reason":"r","expires":"2027-01-31","timestamp":"2026-01-02T03:04:05Z"}]`)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := policy.DecodeSuppressions(strings.NewReader(text))
		if err != nil {
			return
		}
		require.NoError(t, policy.ValidateSuppressions(list))
		again, err := json.Marshal(list)
		require.NoError(t, err)
		back, err := policy.DecodeSuppressions(strings.NewReader(string(again)))
		if list == nil {
			return // null is no list
		}
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprint(list), fmt.Sprint(back))
	})
}
