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
		{"fail-on-new", "never", "", `the setting fail-on-new cannot be "never"; allowed are critical, high, medium, low, negligible, none`},
		{"ignore-unfixed", "yes", "", `the setting ignore-unfixed cannot be "yes"; allowed are true, false`},
		{"on-unsupported", "", "", `the setting on-unsupported cannot be ""; allowed are fail, warn`},
		{"fail_on", "high", "line 2", `there is no setting "fail_on" (line 2); the settings are fail-on, fail-on-new, ignore-unfixed, on-unsupported, on-no-packages, on-partial, kernel-headers, max-db-age`},
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
		"fail-on-new":    {Value: "none", From: "default"},
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
			assert.Equal(t, len(tc.scan.Findings), v.Counts.Total()+v.KernelHeaders.Total()+v.Suppressed.Total())
		})
	}
}

// TestEvaluateOrigins has findings whose origin is known: the base image has
// some already, and the Dockerfile adds the others.
func TestEvaluateOrigins(t *testing.T) {
	base := func(s severity.Severity) policy.Finding {
		return policy.Finding{Severity: s, Base: true, Fixable: true}
	}
	added := func(s severity.Severity) policy.Finding { return policy.Finding{Severity: s, Added: true} }
	unknown := policy.Finding{Severity: severity.High}
	isNew := map[string]string{"fail-on-new": "high"}
	for name, tc := range map[string]struct {
		settings    map[string]string
		findings    []policy.Finding
		failing     int
		base, added policy.Counts
		reason      string
	}{
		"base fails": {nil, []policy.Finding{base(severity.High), added(severity.Low)}, 1, policy.Counts{High: 1}, policy.Counts{Low: 1},
			"1 vulnerability at or above high (fail-on=high): found 1 high, 1 low; 1 of them comes with the base image"},
		"all base": {nil, []policy.Finding{base(severity.Low), base(severity.Low)}, 0, policy.Counts{Low: 2}, policy.Counts{},
			"no vulnerability at or above high: found 2 low; 2 of them come with the base image"},
		"base does not fail": {isNew, []policy.Finding{base(severity.Critical), base(severity.High), added(severity.Low)}, 0, policy.Counts{Critical: 1, High: 1}, policy.Counts{Low: 1},
			"no new vulnerability at or above high: found 1 critical, 1 high, 1 low; 2 of them come with the base image"},
		"added fails": {isNew, []policy.Finding{base(severity.Critical), added(severity.High), added(severity.Critical)}, 2, policy.Counts{Critical: 1}, policy.Counts{Critical: 1, High: 1},
			"2 new vulnerabilities at or above high (fail-on-new=high): found 2 critical, 1 high; 1 of them comes with the base image"},
		"none of base": {isNew, []policy.Finding{added(severity.High)}, 1, policy.Counts{}, policy.Counts{High: 1},
			"1 new vulnerability at or above high (fail-on-new=high): found 1 high; none of them comes with the base image"},
		"one of unknown origin": {isNew, []policy.Finding{base(severity.Critical), unknown}, 1, policy.Counts{Critical: 1}, policy.Counts{High: 1},
			"1 new vulnerability at or above high (fail-on-new=high): found 1 critical, 1 high; 1 of them comes with the base image"},
		"all of unknown origin": {isNew, []policy.Finding{unknown, unknown}, 2, policy.Counts{}, policy.Counts{},
			"2 new vulnerabilities at or above high (fail-on-new=high): found 2 high; it is not known which come with the base image, so all count as new"},
		"in place of fail-on": {map[string]string{"fail-on": "never", "fail-on-new": "high"}, []policy.Finding{base(severity.High), added(severity.High)}, 1,
			policy.Counts{High: 1}, policy.Counts{High: 1}, "1 new vulnerability at or above high (fail-on-new=high): found 2 high; 1 of them comes with the base image"},
		"less strict than fail-on": {map[string]string{"fail-on-new": "critical"}, []policy.Finding{added(severity.High)}, 0, policy.Counts{}, policy.Counts{High: 1},
			"no new vulnerability at or above critical: found 1 high; none of them comes with the base image"},
		"without a fix": {map[string]string{"fail-on-new": "high", "ignore-unfixed": "true"}, []policy.Finding{base(severity.High), added(severity.High)}, 0,
			policy.Counts{High: 1}, policy.Counts{High: 1}, "no fixable new vulnerability at or above high, 1 without a fix ignored: found 2 high; 1 of them comes with the base image"},
		"not in force": {map[string]string{"fail-on-new": "none"}, []policy.Finding{base(severity.High)}, 1, policy.Counts{High: 1}, policy.Counts{},
			"1 vulnerability at or above high (fail-on=high): found 1 high; 1 of them comes with the base image"},
	} {
		t.Run(name, func(t *testing.T) {
			v := evaluate(t, tc.settings, tc.findings)
			assert.Equal(t, tc.reason, v.Reason)
			assert.Equal(t, tc.failing == 0, v.Pass)
			assert.Equal(t, tc.failing, v.Failing)
			assert.Equal(t, tc.base, v.Base)
			assert.Equal(t, tc.added, v.Added)
			assert.Equal(t, len(tc.findings), v.Counts.Total())
		})
	}
}

func TestEvaluateSuppressed(t *testing.T) {
	suppressed := policy.Finding{Severity: severity.Critical, Suppressed: true, Base: true, Headers: true}
	for name, tc := range map[string]struct {
		findings []policy.Finding
		reason   string
	}{
		"only suppressed": {[]policy.Finding{suppressed, suppressed}, "no vulnerability counts; 2 suppressed: 2 critical"},
		"others too":      {[]policy.Finding{suppressed, {Severity: severity.Low}}, "no vulnerability at or above high: found 1 low; 1 suppressed: 1 critical"},
		"failing": {[]policy.Finding{suppressed, {Severity: severity.High}},
			"1 vulnerability at or above high (fail-on=high): found 1 high; 1 suppressed: 1 critical"},
		"headers too": {[]policy.Finding{suppressed, {Severity: severity.High, Headers: true}},
			"no vulnerability counts; 1 suppressed: 1 critical; not counted: 1 of the kernel in packages that have only its headers"},
	} {
		t.Run(name, func(t *testing.T) {
			v := evaluate(t, nil, tc.findings)
			assert.Equal(t, tc.reason, v.Reason)
			assert.Equal(t, len(tc.findings), v.Counts.Total()+v.KernelHeaders.Total()+v.Suppressed.Total())
			assert.Zero(t, v.Base, "in none of the other numbers")
			assert.Zero(t, v.Counts.Critical)
		})
	}
}

func evaluate(t *testing.T, settings map[string]string, findings []policy.Finding) policy.Verdict {
	t.Helper()
	p := policy.Default()
	for key, value := range settings {
		require.NoError(t, p.Set(key, value, "test"))
	}
	return policy.Evaluate(p, policy.Scan{Findings: findings})
}

func TestOldDatabase(t *testing.T) {
	assert.Empty(t, policy.Age{Age: 167 * time.Hour, Feed: "nvd"}.Old())
	assert.Equal(t, "the advisory database is 7 days old and knows nothing newer", policy.Age{Age: 168 * time.Hour}.Old())
	assert.Equal(t, "the feed nvd in the advisory database is 8 days old and knows nothing newer", policy.Age{Age: 200 * time.Hour, Feed: "nvd"}.Old())
}

// TestDatabaseFromTheFuture: by a wrong date a database would never be too old.
func TestDatabaseFromTheFuture(t *testing.T) {
	p := policy.Default()
	verdict := func(age time.Duration) policy.Verdict {
		return policy.Evaluate(p, policy.Scan{Assessment: policy.Assessment{Database: policy.Age{Age: age}}})
	}
	assert.True(t, verdict(-72*time.Hour).Pass, "no age is asked for")
	require.NoError(t, p.Set(policy.KeyMaxDBAge, "7d", "test"))
	assert.True(t, verdict(-23*time.Hour).Pass, "clocks differ")
	v := verdict(-72 * time.Hour)
	assert.Equal(t, policy.ExitError, v.ExitCode)
	assert.Equal(t, "the advisory database is dated 3 days in the future, so max-db-age=7d cannot tell its age; set this machine's clock, or fetch another one", v.Reason)
}
