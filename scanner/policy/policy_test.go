package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/severity"
)

func TestSetTakesAllAllowedValues(t *testing.T) {
	for _, key := range policy.Keys() {
		require.NotEmpty(t, policy.Allowed(key))
		for _, value := range policy.Allowed(key) {
			if strings.Contains(value, "such as") {
				value = value[strings.LastIndex(value, " ")+1:]
			}
			p := policy.Default()
			require.NoError(t, p.Set(key, value, "a test"))
			assert.Equal(t, policy.Value{Value: value, From: "a test"}, p.Values()[key])
		}
	}
}

func TestSetErrors(t *testing.T) {
	for _, tc := range []struct{ key, value, origin, want string }{
		{"fail-on", "sever", "--build-arg MICROSCANNER_FAIL_ON",
			`the setting fail-on cannot be "sever" (--build-arg MICROSCANNER_FAIL_ON); allowed are critical, high, medium, low, negligible, never`},
		{"fail-on", "unknown", "", `the setting fail-on cannot be "unknown"; allowed are critical, high, medium, low, negligible, never`},
		{"ignore-unfixed", "yes", "", `the setting ignore-unfixed cannot be "yes"; allowed are true, false`},
		{"on-unsupported", "", "", `the setting on-unsupported cannot be ""; allowed are fail, warn`},
		{"fail_on", "high", "line 2", `there is no setting "fail_on" (line 2); the settings are fail-on, ignore-unfixed, on-unsupported, on-no-packages, on-partial, kernel-headers, max-db-age`},
		{"kernel-headers", "1", "", `the setting kernel-headers cannot be "1"; allowed are true, false`},
		{"on-partial", "pass", "", `the setting on-partial cannot be "pass"; allowed are fail, warn`},
		{"max-db-age", "0d", "", `the setting max-db-age cannot be "0d"; allowed are none, a number of days such as 7d, a number of hours such as 36h`},
		{"max-db-age", "7", "", `the setting max-db-age cannot be "7"; allowed are none, a number of days such as 7d, a number of hours such as 36h`},
		{"max-db-age", "-3h", "", `the setting max-db-age cannot be "-3h"; allowed are none, a number of days such as 7d, a number of hours such as 36h`},
	} {
		p := policy.Default()
		err := p.Set(tc.key, tc.value, tc.origin)
		require.EqualError(t, err, tc.want)
		var setting *policy.SettingError
		require.ErrorAs(t, err, &setting)
		assert.Equal(t, tc.key, setting.Key)
		assert.Equal(t, policy.Default(), p, "a bad value changes nothing")
	}
}

func TestDefaultOrigins(t *testing.T) {
	assert.Equal(t, map[string]policy.Value{
		"fail-on":        {Value: "high", From: "default"},
		"ignore-unfixed": {Value: "false", From: "default"},
		"on-unsupported": {Value: "fail", From: "default"},
		"on-no-packages": {Value: "warn", From: "default"},
		"on-partial":     {Value: "fail", From: "default"},
		"kernel-headers": {Value: "false", From: "default"},
		"max-db-age":     {Value: "none", From: "default"},
	}, policy.Default().Values())
}

func TestSetDoesNotReachCopies(t *testing.T) {
	a := policy.Default()
	require.NoError(t, a.Set("fail-on", "low", "a"))
	b := a
	require.NoError(t, b.Set("fail-on", "HIGH", "b"))
	assert.Equal(t, policy.Value{Value: "low", From: "a"}, a.Values()["fail-on"])
	assert.Equal(t, policy.Value{Value: "high", From: "b"}, b.Values()["fail-on"])
}

func findings(severities ...severity.Severity) []policy.Finding {
	var out []policy.Finding
	for _, s := range severities {
		out = append(out, policy.Finding{Severity: s, Fixable: true})
	}
	return out
}

func TestEvaluate(t *testing.T) {
	mixed := findings(severity.Critical, severity.High, severity.High, severity.Low, severity.Unknown)
	unfixed := append(findings(severity.Low), policy.Finding{Severity: severity.Critical})
	headers := slices.Clone(mixed)
	for i := range headers {
		headers[i].Headers = true
	}
	for name, tc := range map[string]struct {
		settings map[string]string
		scan     policy.Scan
		code     int
		failing  int
		reason   string
	}{
		"clean": {nil, policy.Scan{}, policy.ExitPass, 0, "no known vulnerabilities"},
		"below": {nil, policy.Scan{Findings: findings(severity.Medium)}, policy.ExitPass, 0,
			"no vulnerability at or above high: found 1 medium"},
		"above": {nil, policy.Scan{Findings: mixed}, policy.ExitGate, 3,
			"3 vulnerabilities at or above high (fail-on=high): found 1 critical, 2 high, 1 low, 1 not rated by anyone"},
		"one": {map[string]string{"fail-on": "critical"}, policy.Scan{Findings: mixed}, policy.ExitGate, 1,
			"1 vulnerability at or above critical (fail-on=critical): found 1 critical, 2 high, 1 low, 1 not rated by anyone"},
		"unknown counts as negligible": {map[string]string{"fail-on": "negligible"}, policy.Scan{Findings: findings(severity.Unknown)},
			policy.ExitGate, 1, "1 vulnerability at or above negligible (fail-on=negligible): found 1 not rated by anyone"},
		"unknown is not low": {map[string]string{"fail-on": "low"}, policy.Scan{Findings: findings(severity.Unknown)},
			policy.ExitPass, 0, "no vulnerability at or above low: found 1 not rated by anyone"},
		"never": {map[string]string{"fail-on": "never"}, policy.Scan{Findings: mixed}, policy.ExitPass, 0,
			"fail-on=never: found 1 critical, 2 high, 1 low, 1 not rated by anyone"},
		"without a fix": {nil, policy.Scan{Findings: unfixed}, policy.ExitGate, 1,
			"1 vulnerability at or above high (fail-on=high): found 1 critical, 1 low"},
		"without a fix, ignored": {map[string]string{"ignore-unfixed": "true"}, policy.Scan{Findings: unfixed}, policy.ExitPass, 0,
			"no fixable vulnerability at or above high, 1 without a fix ignored: found 1 critical, 1 low"},
		"unsupported": {nil, policy.Scan{Assessment: policy.Assessment{Unsupported: "Plan 9 is not supported"}}, policy.ExitError, 0,
			"Plan 9 is not supported; nothing was assessed (set on-unsupported=warn to let such images pass)"},
		"unsupported, warn": {map[string]string{"on-unsupported": "warn"}, policy.Scan{Assessment: policy.Assessment{Unsupported: "Plan 9 is not supported"}}, policy.ExitPass, 0,
			"Plan 9 is not supported; nothing was assessed"},
		"no packages": {nil, policy.Scan{Assessment: policy.Assessment{NoPackages: true}}, policy.ExitPass, 0,
			"the image has no package database; nothing was assessed"},
		"no packages, but a name": {nil, policy.Scan{Assessment: policy.Assessment{NoPackages: true, Named: "etc/debian_version names Debian 11.6"}}, policy.ExitPass, 0,
			"the image has no package database, although etc/debian_version names Debian 11.6; nothing was assessed"},
		"no packages, fail": {map[string]string{"on-no-packages": "fail"}, policy.Scan{Assessment: policy.Assessment{NoPackages: true}}, policy.ExitError, 0,
			"the image has no package database; nothing was assessed (set on-no-packages=warn to let such images pass)"},
		"unread": {map[string]string{"fail-on": "never"}, policy.Scan{Assessment: policy.Assessment{Unread: []string{"a is bad"}}}, policy.ExitError, 0,
			"the scan is incomplete: a is bad (set on-partial=warn to let such images pass)"},
		"unread is an error, whatever was found": {nil, policy.Scan{Findings: mixed, Assessment: policy.Assessment{Unread: []string{"a is bad", "b", "c"}}}, policy.ExitError, 3,
			"the scan is incomplete: a is bad; and 2 more problems (set on-partial=warn to let such images pass); besides, 3 vulnerabilities at or above high (fail-on=high): found 1 critical, 2 high, 1 low, 1 not rated by anyone"},
		"unread, warn": {map[string]string{"on-partial": "warn"}, policy.Scan{Assessment: policy.Assessment{Unread: []string{"a is bad"}}}, policy.ExitPass, 0,
			"no known vulnerabilities; the scan is incomplete: a is bad"},
		"unread, warn, and findings": {map[string]string{"on-partial": "warn"}, policy.Scan{Findings: mixed, Assessment: policy.Assessment{Unread: []string{"a is bad", "b"}}}, policy.ExitGate, 3,
			"3 vulnerabilities at or above high (fail-on=high): found 1 critical, 2 high, 1 low, 1 not rated by anyone; the scan is incomplete: a is bad; and 1 more problem"},
		"end of life": {nil, policy.Scan{Findings: findings(severity.Medium), Assessment: policy.Assessment{EndOfLife: "Debian 8 is over"}}, policy.ExitError, 0,
			"Debian 8 is over (set on-unsupported=warn to let such images pass)"},
		"end of life, and findings": {nil, policy.Scan{Findings: mixed, Assessment: policy.Assessment{EndOfLife: "Debian 8 is over"}}, policy.ExitGate, 3,
			"3 vulnerabilities at or above high (fail-on=high): found 1 critical, 2 high, 1 low, 1 not rated by anyone; Debian 8 is over"},
		"end of life, and an old database": {map[string]string{"max-db-age": "36h"}, policy.Scan{Findings: mixed, Assessment: policy.Assessment{EndOfLife: "Debian 8 is over", Database: policy.Age{Age: 73 * time.Hour}}}, policy.ExitError, 3,
			"the advisory database is 3 days old, which is more than max-db-age=36h allows; fetch a newer one; besides, 3 vulnerabilities at or above high (fail-on=high): found 1 critical, 2 high, 1 low, 1 not rated by anyone"},
		"end of life, warn": {map[string]string{"on-unsupported": "warn"}, policy.Scan{Assessment: policy.Assessment{EndOfLife: "Debian 8 is over"}}, policy.ExitPass, 0,
			"no known vulnerabilities; Debian 8 is over"},
		"headers only": {nil, policy.Scan{Findings: headers}, policy.ExitPass, 0,
			"no known vulnerabilities; not counted: 5 of the kernel in packages that have only its headers"},
		"headers count": {map[string]string{"kernel-headers": "true"}, policy.Scan{Findings: headers}, policy.ExitGate, 3,
			"3 vulnerabilities at or above high (fail-on=high): found 1 critical, 2 high, 1 low, 1 not rated by anyone"},
		"old database, no limit": {nil, policy.Scan{Assessment: policy.Assessment{Database: policy.Age{Age: 1000 * time.Hour}}}, policy.ExitPass, 0, "no known vulnerabilities"},
		"database at the limit": {map[string]string{"max-db-age": "2d"}, policy.Scan{Assessment: policy.Assessment{Database: policy.Age{Age: 48 * time.Hour}}}, policy.ExitPass, 0,
			"no known vulnerabilities"},
		"database too old": {map[string]string{"max-db-age": "36h"}, policy.Scan{Assessment: policy.Assessment{Database: policy.Age{Age: 73 * time.Hour}}}, policy.ExitError, 0,
			"the advisory database is 3 days old, which is more than max-db-age=36h allows; fetch a newer one"},
		"one feed too old": {map[string]string{"max-db-age": "36h"}, policy.Scan{Assessment: policy.Assessment{Database: policy.Age{Age: 73 * time.Hour, Feed: "debian-dsa"}}}, policy.ExitError, 0,
			"the feed debian-dsa in the advisory database is 3 days old, which is more than max-db-age=36h allows; fetch a newer one"},
		"database too old, nothing to assess": {map[string]string{"max-db-age": "36h"}, policy.Scan{Assessment: policy.Assessment{NoPackages: true, Database: policy.Age{Age: 73 * time.Hour}}}, policy.ExitPass, 0,
			"the image has no package database; nothing was assessed"},
	} {
		t.Run(name, func(t *testing.T) {
			p := policy.Default()
			for key, value := range tc.settings {
				require.NoError(t, p.Set(key, value, "test"))
			}
			v := policy.Evaluate(p, tc.scan)
			assert.Equal(t, tc.reason, v.Reason)
			assert.Equal(t, tc.code, v.ExitCode)
			assert.Equal(t, tc.code == policy.ExitPass, v.Pass)
			assert.Equal(t, tc.failing, v.Failing)
			assert.Equal(t, len(tc.scan.Findings), v.Counts.Total()+v.KernelHeaders.Total())
		})
	}
}

func TestOldDatabase(t *testing.T) {
	assert.Empty(t, policy.Age{Age: 167 * time.Hour, Feed: "nvd"}.Old())
	assert.Equal(t, "the advisory database is 7 days old and knows nothing newer", policy.Age{Age: 168 * time.Hour}.Old())
	assert.Equal(t, "the feed nvd in the advisory database is 8 days old and knows nothing newer", policy.Age{Age: 200 * time.Hour, Feed: "nvd"}.Old())
}
