package settings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/settings"
)

func TestParseArgsErrors(t *testing.T) {
	const names = "MICROSCANNER_ATTEST, MICROSCANNER_DB, MICROSCANNER_FAIL_ON, MICROSCANNER_FAIL_ON_NEW, MICROSCANNER_FRONTEND, MICROSCANNER_GATE_STAGES, " +
		"MICROSCANNER_IGNORE_UNFIXED, MICROSCANNER_KERNEL_HEADERS, MICROSCANNER_MAX_DB_AGE, MICROSCANNER_ON_NO_PACKAGES, MICROSCANNER_ON_PARTIAL, MICROSCANNER_ON_UNSUPPORTED, " +
		"MICROSCANNER_RESCAN, MICROSCANNER_RESULT, MICROSCANNER_SERVER, MICROSCANNER_STAGES, MICROSCANNER_VEX"
	for _, tc := range []struct{ name, value, want string }{
		{"MICROSCANNER_FAIL_ON", "hihg", `the setting fail-on cannot be "hihg" (--build-arg MICROSCANNER_FAIL_ON); allowed are critical, high, medium, low, negligible, never`},
		{"MICROSCANNER_FAIL_ON", "", `the setting fail-on cannot be "" (--build-arg MICROSCANNER_FAIL_ON); allowed are critical, high, medium, low, negligible, never`},
		{"MICROSCANNER_DB", " ", `the setting db cannot be "" (--build-arg MICROSCANNER_DB); allowed are an image reference, the name of a named context`},
		{"MICROSCANNER_FAILON", "high", `there is no setting MICROSCANNER_FAILON; the build arguments are ` + names},
		{"microscanner_FAIL_ON", "never", `there is no setting microscanner_FAIL_ON; the build arguments are ` + names},
		{"MICROSCANNER_fail_on", "high", `there is no setting MICROSCANNER_fail_on; the build arguments are ` + names},
		{"MICROSCANNER_", "high", `there is no setting MICROSCANNER_; the build arguments are ` + names},
		{"MICROSCANNER_IGNORE", "CVE-1", `the setting ignore cannot be set here, only in a build's .microscanner.yaml (--build-arg MICROSCANNER_IGNORE)`},
		{"MICROSCANNER_RESULT", "html", `the setting result cannot be "html" (--build-arg MICROSCANNER_RESULT); allowed are image, report`},
	} {
		require.True(t, settings.IsArg(tc.name))
		_, err := settings.ParseArgs(map[string]string{tc.name: tc.value})
		require.EqualError(t, err, tc.want)
	}
}

func TestParseDirective(t *testing.T) {
	layer, err := settings.ParseDirective(` fail-on = low;max-db-age=7d ;; vex="a;b.json,\"c\".json" ; attest=true; `, "Dockerfile", 1)
	require.ErrorContains(t, err, "is not of the form key=value", "an empty pair")
	require.Equal(t, settings.Layer{}, layer)

	layer, err = settings.ParseDirective(` fail-on = low;max-db-age=7d ; vex="a;b.json,\"c\".json" ; attest=true; `, "Dockerfile", 1)
	require.NoError(t, err)
	s, err := settings.Merge(settings.Lock{}, layer)
	require.NoError(t, err)
	assert.Equal(t, "low", s.Policy.FailOn.String())
	assert.Equal(t, []string{"a;b.json", `"c".json`}, s.VEX)
	assert.True(t, s.Attest)
	assert.Equal(t, settings.Place{Text: "Dockerfile, line 1 (# scan=)", File: "Dockerfile", Line: 1}, s.Place(settings.KeyAttest))

	layer, err = settings.ParseDirective("", "Dockerfile", 1)
	require.NoError(t, err)
	require.Equal(t, settings.Layer{}, layer)
}

func TestParseDirectiveErrors(t *testing.T) {
	const at = " (Dockerfile, line 2 (# scan=))"
	for text, want := range map[string]string{
		"fail-on":                         `the directive # scan= cannot be read: "fail-on" is not of the form key=value` + at,
		"fail-on;attest=true":             `the directive # scan= cannot be read: "fail-on" is not of the form key=value` + at,
		"=high":                           `the directive # scan= cannot be read: "=high" is not of the form key=value` + at,
		`vex="a`:                          `the directive # scan= cannot be read: the value of "vex" begins with a quote and does not end with one` + at,
		`vex="a" attest=true`:             `the directive # scan= cannot be read: a semicolon is missing behind the quoted value of "vex"` + at,
		"fail-on=high;fail-on=low":        `the setting fail-on is set twice, first in Dockerfile, line 2 (# scan=)` + at,
		"ignore=CVE-1":                    `the setting ignore cannot be set here, only in a build's .microscanner.yaml` + at,
		"result=report":                   `the setting result cannot be set here, only as --build-arg MICROSCANNER_RESULT, because it is one build's` + at,
		"attest=true;fail_on=low":         `there is no setting "fail_on"` + at + `; the settings are ` + strings.Join(settings.Keys(), ", "),
		"vex=*.json":                      `the setting vex cannot be "*.json"` + at + `; allowed are paths of OpenVEX documents in the build context`,
		"vex=/etc/passwd":                 `the setting vex cannot be "/etc/passwd"` + at + `; allowed are paths of OpenVEX documents in the build context`,
		"server=https://u:p@a.b/":         `the setting server cannot be "…@a.b/"` + at + `; allowed are an https URL without a user name, an http one of the builder itself`,
		"server=http://a.b":               `the setting server cannot be "http://a.b"` + at + `; allowed are an https URL without a user name, an http one of the builder itself`,
		"db=" + strings.Repeat("x", 5000): `the setting db cannot be "` + strings.Repeat("x", 200) + `…"` + at + `; allowed are an image reference, the name of a named context`,
	} {
		_, err := settings.ParseDirective(text, "Dockerfile", 2)
		require.EqualError(t, err, want)
		var bad *settings.Error
		require.ErrorAs(t, err, &bad)
		require.Equal(t, "Dockerfile", bad.Place.File)
		require.Equal(t, 2, bad.Place.Line)
	}
}

const everything = `# All that a file can say.
fail-on: medium
ignore-unfixed: true
max-db-age: 7d
vex:
  - vex/openssl.json
  - vex/zlib.json
stages: [build, test]
gate-stages: true
ignore:
  - id: CVE-2024-6119
    package: openssl
    reason: The server never checks names of certificates.
    expires: 2026-12-31
  - {id: CVE-2023-45853, reason: "minizip is not built"}
`

func TestParseFile(t *testing.T) {
	layer, err := settings.ParseFile(settings.FileName, []byte(everything))
	require.NoError(t, err)
	s, err := settings.Merge(settings.Lock{}, layer)
	require.NoError(t, err)
	assert.Equal(t, "medium", s.Policy.FailOn.String())
	assert.True(t, s.Policy.IgnoreUnfixed)
	assert.Equal(t, []string{"vex/openssl.json", "vex/zlib.json"}, s.VEX)
	assert.Equal(t, []string{"build", "test"}, s.Stages.Names)
	assert.Equal(t, []policy.Suppression{
		{By: "ignore", IDs: []string{"CVE-2024-6119"}, Package: "openssl", Reason: "The server never checks names of certificates.",
			Expires: "2026-12-31", Source: ".microscanner.yaml, line 11"},
		{By: "ignore", IDs: []string{"CVE-2023-45853"}, Reason: "minizip is not built", Source: ".microscanner.yaml, line 15"},
	}, s.Ignore)
	require.NoError(t, policy.ValidateSuppressions(s.Ignore))
	assert.Equal(t, policy.Value{Value: "2 entries", From: ".microscanner.yaml, line 11"}, s.Values()[settings.KeyIgnore])
	assert.Equal(t, policy.Value{Value: "medium", From: ".microscanner.yaml, line 2"}, s.Values()[policy.KeyFailOn])
}

func TestParseFileWithoutSettings(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "null\n", "ignore: []\n", "\xef\xbb\xbf# nothing\n"} {
		layer, err := settings.ParseFile(settings.FileName, []byte(text))
		require.NoError(t, err, text)
		s, err := settings.Merge(settings.Lock{}, layer)
		require.NoError(t, err)
		require.Equal(t, settings.Default(), s, text)
	}
}

func TestParseFileErrors(t *testing.T) {
	const entryOf = "an entry of ignore has no "
	for _, tc := range []struct {
		text string
		line int
		want string
	}{
		{"fail-on: sever\n", 1, `the setting fail-on cannot be "sever" (.microscanner.yaml, line 1); allowed are critical, `},
		{"\nfailon: high\n", 2, `there is no setting "failon" (.microscanner.yaml, line 2); the settings are fail-on, `},
		{"allow: [ignore]\n", 1, `there is no setting "allow" (.microscanner.yaml, line 1)`},
		{"result: report\n", 1, "the setting result cannot be set here, only as --build-arg MICROSCANNER_RESULT"},
		{"fail-on: high\nfail-on: low\n", 2, `"fail-on" stands here twice (.microscanner.yaml, line 2)`},
		{"fail-on: [high]\n", 1, "the value of fail-on must be a single text"},
		{"fail-on:\n", 1, "the value of fail-on must be a single text"},
		{"vex: {a: b}\n", 1, "the value of vex must be a single text"},
		{"vex: [a, [b]]\n", 1, "the value of vex must be a single text"},
		{"high\n", 1, "a mapping of settings is expected here"},
		{"- fail-on\n", 1, "a mapping of settings is expected here"},
		{"fail-on: high\n---\nfail-on: low\n", 2, ".microscanner.yaml holds several YAML documents; one is allowed"},
		{"fail-on: &a high\ndb: *a\n", 2, "the value of db must be a single text"},
		{"<<: {fail-on: low}\n", 1, `there is no setting "<<"`},
		{"fail-on: high\n\tdb: x\n", 2, "this is not YAML: found"},
		{"fail-on: \"high\n", 0, "this is not YAML: "},
		{"ignore: CVE-1\n", 1, "ignore must be a list of entries with id, package, reason and expires"},
		{"ignore:\n- CVE-1\n", 2, "a mapping of an entry of ignore is expected here"},
		{"ignore:\n- reason: x\n", 2, entryOf + "id: say which vulnerability it is about"},
		{"ignore:\n- id: CVE-1\n", 2, "the entry CVE-1 of ignore has no reason: say why it does not count"},
		{"ignore:\n- id: CVE-1\n  reason: ' '\n", 2, "the entry CVE-1 of ignore has no reason"},
		{"ignore:\n- id: CVE-1\n  reasons: x\n", 3, entryOf + `"reasons"; it has id, package, reason and expires`},
		{"ignore:\n- id: CVE-1\n  reason: x\n  expires: 31.12.2026\n", 4, `the entry's expires cannot be "31.12.2026": it is a date such as 2026-12-31`},
		{"ignore:\n- id: CVE-1\n  reason: x\n  expires: 2026-02-30\n", 4, `the entry's expires cannot be "2026-02-30"`},
		{"ignore:\n- id: CVE-1 CVE-2\n  reason: x\n", 2, `the id of an entry of ignore cannot be "CVE-1 CVE-2": it is one word`},
		{"ignore:\n- id: CVE-1\n  package: ''\n  reason: x\n", 3, `the package of an entry of ignore cannot be ""`},
		{"ignore:\n- id: CVE-1\n  reason: " + strings.Repeat("x", 3000), 3, `the text of "reason" is longer than 2000 bytes`},
		{strings.Repeat("#", settings.MaxFileSize+1), 0, ".microscanner.yaml is larger than 1 MiB"},
	} {
		_, err := settings.ParseFile(settings.FileName, []byte(tc.text))
		require.ErrorContains(t, err, tc.want)
		var bad *settings.Error
		require.ErrorAs(t, err, &bad, tc.text)
		assert.Equal(t, settings.FileName, bad.Place.File)
		if tc.line > 0 {
			assert.Equal(t, tc.line, bad.Place.Line, tc.text)
		}
	}
}

// TestAliasesAreNotMultiplied: the classic bomb is refused at its first alias.
func TestAliasesAreNotMultiplied(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("vex:\n- &a0 [x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&bomb, "- &a%d [%s]\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), ","))
	}
	_, err := settings.ParseFile(settings.FileName, []byte(bomb.String()))
	require.ErrorContains(t, err, "the value of vex must be a single text (.microscanner.yaml, line 2)")
	_, err = settings.ParseFile(settings.FileName, []byte("vex: ["+strings.Repeat("[", 20000)))
	require.ErrorContains(t, err, "this is not YAML")
}

func FuzzParseDirective(f *testing.F) {
	f.Add(`fail-on=low;vex="a;b"`)
	f.Add(`max-db-age = 7d ; stages=a,b;`)
	f.Fuzz(func(t *testing.T, text string) {
		layer, err := settings.ParseDirective(text, "Dockerfile", 1)
		if err != nil {
			var bad *settings.Error
			require.ErrorAs(t, err, &bad)
			return
		}
		_, err = settings.Merge(settings.Lock{}, layer)
		require.NoError(t, err, "what was taken can be merged")
	})
}

func FuzzParseFile(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("? {a: b}\n: c\n--- !!binary x\n"))
	f.Fuzz(func(t *testing.T, dt []byte) {
		layer, err := settings.ParseFile(settings.FileName, dt)
		lock, lockErr := settings.ParseLock(policyFile, dt)
		if err != nil {
			var bad *settings.Error
			require.ErrorAs(t, err, &bad)
			return
		}
		s, err := settings.Merge(settings.Lock{}, layer)
		require.NoError(t, err, "what was taken can be merged")
		require.NoError(t, policy.ValidateSuppressions(s.Ignore))
		if lockErr == nil {
			_, err = settings.Merge(lock, layer)
			if len(s.Ignore) == 0 { // lists add up
				require.NoError(t, err, "a file does not loosen itself")
			}
		}
	})
}
