package settings_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/settings"
)

const policyFile = "/etc/microscanner/policy.yaml"

// example is what the table test needs to know of a setting: three different
// values, each stricter than the one before where there is such an order, and
// the default.
type example struct {
	lax, mid, strict string
	def              string
	bad              string
}

func examples() map[string]example {
	return map[string]example{
		policy.KeyFailOn:        {"critical", "medium", "negligible", "high", "sever"},
		policy.KeyFailOnNew:     {"critical", "medium", "negligible", "none", "never"},
		policy.KeyIgnoreUnfixed: {"true", "true", "false", "false", "yes"},
		policy.KeyOnUnsupported: {"warn", "warn", "fail", "fail", "pass"},
		policy.KeyOnNoPackages:  {"warn", "warn", "fail", "warn", "ok"},
		policy.KeyOnPartial:     {"warn", "warn", "fail", "fail", "1"},
		policy.KeyKernelHeaders: {"false", "false", "true", "false", "0"},
		policy.KeyMaxDBAge:      {"7d", "3d", "36h", "none", "-1d"},
		settings.KeyVEX:         {"a.json", "b/c.json", "d.json,e.json", "", "../a.json"},
		settings.KeyDB:          {"advisories", "registry.example/db:1", "registry.example/db:2", "", "a\tb"},
		settings.KeyServer:      {"http://localhost:8080", "https://a.example/x", "https://b.example:8443", "", "ftp://a.example"},
		settings.KeyStages:      {"final", "build", "all", "final", "all,build"},
		settings.KeyGateStages:  {"false", "false", "true", "false", "maybe"},
		settings.KeyRescan:      {"on-change", "on-change", "always", "always", "daily"},
		settings.KeyAttest:      {"false", "false", "true", "false", "TRUE!"},
		settings.KeyFrontend:    {"docker/dockerfile:1", "docker/dockerfile:1-labs", "ghcr.io/dalec/frontend", "", ""},
	}
}

// place is one of the places, and how a value is set there.
type place struct {
	name   string
	origin string // of the value
	set    func(t *testing.T, key, value string) (settings.Layer, error)
}

// places are those that take every setting, strongest first.
func places() []place {
	return []place{
		{"build argument", "--build-arg MICROSCANNER_", func(_ *testing.T, key, value string) (settings.Layer, error) {
			return settings.ParseArgs(map[string]string{settings.ArgName(key): value})
		}},
		{"directive", "Dockerfile, line 3 (# scan=)", func(_ *testing.T, key, value string) (settings.Layer, error) {
			return settings.ParseDirective(key+"="+value, "Dockerfile", 3)
		}},
		{"file", ".microscanner.yaml, line 2", func(_ *testing.T, key, value string) (settings.Layer, error) {
			return settings.ParseFile(settings.FileName, []byte("# settings\n"+key+": "+yamlValue(value)+"\n"))
		}},
	}
}

// yamlValue quotes what YAML would take for something else.
func yamlValue(value string) string {
	if strings.Contains(value, ",") {
		return "[" + value + "]"
	}
	return `"` + strings.ReplaceAll(value, "\t", `\t`) + `"`
}

func TestEveryKeyHasAnExample(t *testing.T) {
	for _, key := range settings.Keys() {
		require.NotEmpty(t, settings.Allowed(key), key)
		if key != settings.KeyIgnore && key != settings.KeyResult {
			require.Contains(t, examples(), key)
		}
	}
}

// value is a setting as it is in force; its origin may be empty for a default.
func value(s settings.Settings, key string) (value, origin string) {
	v := s.Values()[key]
	return v.Value, v.From
}

func TestEveryKeyInEveryPlace(t *testing.T) {
	for key, ex := range examples() {
		t.Run(key, func(t *testing.T) {
			layers := make([]settings.Layer, len(places()))
			for i, p := range places() {
				layer, err := p.set(t, key, ex.strict)
				require.NoError(t, err, p.name)
				s, err := settings.Merge(settings.Lock{}, layer)
				require.NoError(t, err)
				got, origin := value(s, key)
				assert.Equal(t, ex.strict, got)
				assert.True(t, strings.HasPrefix(origin, p.origin), origin)

				_, err = p.set(t, key, ex.bad)
				require.Error(t, err, "%s=%s", key, ex.bad)
				for _, part := range []string{"the setting " + key + " cannot be ", p.origin, "; allowed are " + strings.Join(settings.Allowed(key), ", ")} {
					assert.Contains(t, err.Error(), part)
				}
				layers[i], err = p.set(t, key, []string{ex.lax, ex.mid, ex.strict}[i])
				require.NoError(t, err)
			}
			// Each place hides the weaker ones, the strongest last.
			for i, want := range []string{ex.lax, ex.mid, ex.strict} {
				s, err := settings.Merge(settings.Lock{}, layers[i:]...)
				require.NoError(t, err)
				got, _ := value(s, key)
				assert.Equal(t, want, got)
			}
			s, err := settings.Merge(settings.Lock{})
			require.NoError(t, err)
			got, origin := value(s, key)
			if policy.Allowed(key) != nil {
				assert.Equal(t, policy.OriginDefault, origin)
				assert.Equal(t, ex.def, got)
			} else {
				assert.Empty(t, origin, "what nobody set is not shown")
			}
		})
	}
}

func TestLockOfEveryKey(t *testing.T) {
	same := map[string]bool{settings.KeyDB: true, settings.KeyServer: true, settings.KeyFrontend: true}
	for key, ex := range examples() {
		if key == settings.KeyVEX {
			continue
		}
		t.Run(key, func(t *testing.T) {
			for _, p := range places() {
				lock, err := settings.ParseLock(policyFile, []byte("# ours\n\n"+key+": "+yamlValue(ex.strict)+"\n"))
				require.NoError(t, err)
				s, err := settings.Merge(lock)
				require.NoError(t, err)
				got, origin := value(s, key)
				assert.Equal(t, policy.Value{Value: ex.strict, From: policyFile + ", line 3"}, policy.Value{Value: got, From: origin})

				equal, err := p.set(t, key, ex.strict)
				require.NoError(t, err)
				_, err = settings.Merge(lock, equal)
				require.NoError(t, err, "what the lock says may be said again")

				lax, err := p.set(t, key, ex.lax)
				require.NoError(t, err)
				_, err = settings.Merge(lock, lax)
				require.Error(t, err, "%s in the %s", key, p.name)
				for _, part := range []string{`the setting ` + key + ` cannot be "` + ex.lax + `" here`, "(" + policyFile + ", line 3)", p.origin} {
					assert.Contains(t, err.Error(), part)
				}
				_, err = settings.Merge(lock, equal, lax)
				require.NoError(t, err, "what is not in force loosens nothing")

				free, err := settings.ParseLock(policyFile, []byte("allow: ["+key+"]\n"+key+": "+yamlValue(ex.strict)+"\n"))
				require.NoError(t, err)
				s, err = settings.Merge(free, lax)
				require.NoError(t, err)
				got, _ = value(s, key)
				assert.Equal(t, ex.lax, got)

				if same[key] {
					continue
				}
				lock, err = settings.ParseLock(policyFile, []byte(key+": "+yamlValue(ex.mid)+"\n"))
				require.NoError(t, err)
				_, err = settings.Merge(lock, equal)
				require.NoError(t, err, "stricter is allowed")
			}
		})
	}
}

// TestLockOfWhatItDoesNotName: a policy that names one setting locks the others
// to their defaults.
func TestLockOfWhatItDoesNotName(t *testing.T) {
	lock, err := settings.ParseLock(policyFile, []byte("max-db-age: 7d\n"))
	require.NoError(t, err)
	for directive, want := range map[string]string{
		"fail-on=critical":         `the setting fail-on cannot be "critical" here: the policy of this frontend (/etc/microscanner/policy.yaml) locks it to high, and builds may only make it stricter (Dockerfile, line 1 (# scan=))`,
		"fail-on=never":            `the setting fail-on cannot be "never" here`,
		"fail-on-new=low":          `the setting fail-on-new cannot be "low" here: the policy of this frontend (/etc/microscanner/policy.yaml) locks it to none`,
		"ignore-unfixed=true":      `the setting ignore-unfixed cannot be "true" here`,
		"on-unsupported=warn":      `the setting on-unsupported cannot be "warn" here`,
		"on-partial=warn":          `the setting on-partial cannot be "warn" here`,
		"max-db-age=8d":            `the setting max-db-age cannot be "8d" here: the policy of this frontend (/etc/microscanner/policy.yaml, line 1) locks it to 7d`,
		"max-db-age=none":          `the setting max-db-age cannot be "none" here`,
		"vex=a.json":               `the setting vex is locked: the policy of this frontend (/etc/microscanner/policy.yaml) does not allow builds to leave findings out (Dockerfile, line 1 (# scan=))`,
		"db=empty":                 `the setting db cannot be "empty" here: the policy of this frontend (/etc/microscanner/policy.yaml) locks it to its default (Dockerfile, line 1 (# scan=))`,
		"server=https://a.example": `the setting server cannot be "https://a.example" here`,
		"rescan=on-change":         `the setting rescan cannot be "on-change" here`,
		"frontend=other/frontend":  `the setting frontend cannot be "other/frontend" here`,
		"fail-on=medium;on-no-packages=fail;stages=all;gate-stages=true;attest=true;kernel-headers=true;max-db-age=6d": "",
	} {
		layer, err := settings.ParseDirective(directive, "Dockerfile", 1)
		require.NoError(t, err)
		_, err = settings.Merge(lock, layer)
		if want == "" {
			require.NoError(t, err, directive)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

// TestLocks: a lock says which settings builds have no say in.
func TestLocks(t *testing.T) {
	lock, err := settings.ParseLock(policyFile, []byte("db: registry.example/db\nallow: [frontend]\n"))
	require.NoError(t, err)
	require.True(t, lock.Locks(settings.KeyDB))
	require.True(t, lock.Locks(settings.KeyServer), "to its default")
	require.False(t, lock.Locks(settings.KeyFrontend))
	require.False(t, settings.Lock{}.Locks(settings.KeyDB), "there is no policy")
}

// TestLockOfFailOnNew: fail-on-new is in force instead of fail-on.
func TestLockOfFailOnNew(t *testing.T) {
	lock, err := settings.ParseLock(policyFile, []byte("fail-on-new: medium\n"))
	require.NoError(t, err)
	for directive, ok := range map[string]bool{
		"fail-on-new=low":                 true,
		"fail-on-new=high":                false,
		"fail-on-new=none":                false, // fail-on=high would be in force
		"fail-on-new=none;fail-on=medium": true,
		"fail-on-new=none;fail-on=never":  false,
	} {
		layer, err := settings.ParseDirective(directive, "Dockerfile", 1)
		require.NoError(t, err)
		_, err = settings.Merge(lock, layer)
		assert.Equal(t, ok, err == nil, "%s: %v", directive, err)
	}
}

// TestFailOnOutranksFailOnNew: what CI says of fail-on cannot be undone by a
// weaker place's fail-on-new, which would be in force in its place.
func TestFailOnOutranksFailOnNew(t *testing.T) {
	const byArg = "--build-arg MICROSCANNER_FAIL_ON"
	for _, tc := range []struct {
		lock, arg, directive, file string
		gate, failOnNew, from      string
	}{
		{"", "fail-on=low", "", "fail-on-new=critical", "low", "none", byArg},
		{"", "fail-on=low", "fail-on-new=critical", "", "low", "none", byArg},
		{"", "", "fail-on=low", "fail-on-new=critical", "low", "none", "Dockerfile, line 1 (# scan=)"},
		{"", "", "fail-on=low;fail-on-new=medium", "fail-on-new=critical", "medium", "medium", "Dockerfile, line 1 (# scan=)"},
		{"", "", "fail-on-new=medium", "fail-on=low", "medium", "medium", "Dockerfile, line 1 (# scan=)"},
		{"", "fail-on=low", "fail-on-new=critical", "fail-on=high", "low", "none", byArg},
		{"fail-on-new: high", "fail-on=medium", "fail-on-new=low", "", "high", "high", policyFile + ", line 1"},
		{"fail-on-new: high", "fail-on=medium", "", "", "high", "high", policyFile + ", line 1"},
	} {
		var lock settings.Lock
		if tc.lock != "" {
			var err error
			lock, err = settings.ParseLock(policyFile, []byte(tc.lock))
			require.NoError(t, err)
		}
		args := map[string]string{}
		if key, value, ok := strings.Cut(tc.arg, "="); ok {
			args[settings.ArgName(key)] = value
		}
		arg, err := settings.ParseArgs(args)
		require.NoError(t, err)
		directive, err := settings.ParseDirective(tc.directive, "Dockerfile", 1)
		require.NoError(t, err)
		file, err := settings.ParseFile(settings.FileName, []byte(strings.Replace(tc.file, "=", ": ", 1)))
		require.NoError(t, err)
		got, err := settings.Merge(lock, arg, directive, file)
		require.NoError(t, err)
		assert.Equal(t, tc.gate, got.Policy.Gate().String(), tc)
		assert.Equal(t, policy.Value{Value: tc.failOnNew, From: tc.from}, got.Values()[policy.KeyFailOnNew], tc)
	}
}

func TestLockOfStages(t *testing.T) {
	lock, err := settings.ParseLock(policyFile, []byte("stages: [build, test]\n"))
	require.NoError(t, err)
	for value, ok := range map[string]bool{"all": true, "test,build,more": true, "build": false, "final": false} {
		layer, err := settings.ParseArgs(map[string]string{"MICROSCANNER_STAGES": value})
		require.NoError(t, err)
		_, err = settings.Merge(lock, layer)
		assert.Equal(t, ok, err == nil, "%s: %v", value, err)
	}
}

func TestLockOfIgnoreLists(t *testing.T) {
	const own, theirs = "ignore: [{id: CVE-1, reason: ours}]\n", "\nignore:\n- id: CVE-2\n  reason: theirs\n"
	build, err := settings.ParseFile(settings.FileName, []byte(theirs))
	require.NoError(t, err)

	lock, err := settings.ParseLock(policyFile, []byte(own))
	require.NoError(t, err)
	s, err := settings.Merge(lock)
	require.NoError(t, err)
	require.Equal(t, []policy.Suppression{{By: "ignore", IDs: []string{"CVE-1"}, Reason: "ours", Source: policyFile + ", line 1"}}, s.Ignore)
	_, err = settings.Merge(lock, build)
	require.EqualError(t, err, "the setting ignore is locked: the policy of this frontend (/etc/microscanner/policy.yaml, line 1) does not allow builds to leave findings out (.microscanner.yaml, line 3)")
	var bad *settings.Error
	require.ErrorAs(t, err, &bad)
	require.Equal(t, 3, bad.Place.Line)

	lock, err = settings.ParseLock(policyFile, []byte("allow: ignore\n"+own))
	require.NoError(t, err)
	s, err = settings.Merge(lock, build)
	require.NoError(t, err)
	require.Len(t, s.Ignore, 2)
	got, _ := value(s, settings.KeyIgnore)
	require.Equal(t, "2 entries", got)
}

func TestLockErrors(t *testing.T) {
	for text, want := range map[string]string{
		"result: report":  "the setting result cannot be set here, because it is a build's; allow can list it (/etc/microscanner/policy.yaml, line 1)",
		"vex: a.json":     "the setting vex cannot be set here",
		"allow: [fail]":   `allow cannot list "fail"; the settings are fail-on, `,
		"allow: {a: b}":   "the value of allow must be a single text",
		"fail-on: sever":  `the setting fail-on cannot be "sever" (/etc/microscanner/policy.yaml, line 1); allowed are `,
		"failon: high":    `there is no setting "failon" (/etc/microscanner/policy.yaml, line 1); the settings are fail-on, `,
		"- fail-on: high": "a mapping of settings is expected here",
	} {
		_, err := settings.ParseLock(policyFile, []byte(text))
		require.ErrorContains(t, err, want)
	}
}

func TestTypedSettings(t *testing.T) {
	args, err := settings.ParseArgs(map[string]string{
		"MICROSCANNER_STAGES": "Test, build,test", "MICROSCANNER_GATE_STAGES": "True", "MICROSCANNER_RESULT": "Report",
		"MICROSCANNER_ATTEST": "true", "MICROSCANNER_VEX": "./b/../a.json, vex/c.json,a.json", "MICROSCANNER_RESCAN": "ON-CHANGE",
	})
	require.NoError(t, err)
	s, err := settings.Merge(settings.Lock{}, args)
	require.NoError(t, err)
	assert.Equal(t, settings.Stages{Names: []string{"build", "test"}}, s.Stages)
	assert.True(t, s.GateStages)
	assert.True(t, s.Attest)
	assert.Equal(t, settings.ResultReport, s.Result)
	assert.Equal(t, settings.RescanOnChange, s.Rescan)
	assert.Equal(t, []string{"a.json", "vex/c.json"}, s.VEX)
	assert.Equal(t, settings.Place{Text: "--build-arg MICROSCANNER_STAGES"}, s.Place(settings.KeyStages))
	assert.Equal(t, settings.Place{}, s.Place(settings.KeyDB))
}

// TestServerHasTheDatabase: whichever places the two come from.
func TestServerHasTheDatabase(t *testing.T) {
	lock, err := settings.ParseLock(policyFile, []byte("server: https://scan.example.com\nallow: [db]\n"))
	require.NoError(t, err)
	layer, err := settings.ParseDirective("db=empty", "Dockerfile", 2)
	require.NoError(t, err)
	_, err = settings.Merge(lock, layer)
	require.EqualError(t, err, "the setting db has no meaning beside server=https://scan.example.com (/etc/microscanner/policy.yaml, line 1): "+
		"the service has the database; leave one of the two out (Dockerfile, line 2 (# scan=))")
}
