package frontend

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/severity"
)

func TestReadConfigDefaults(t *testing.T) {
	opts := map[string]string{"build-arg:VERSION": "1", "target": "prod", "filename": "Dockerfile"}
	cfg, rest, err := readConfig(opts)
	require.NoError(t, err)
	require.Equal(t, config{policy: policy.Default(), target: "prod"}, cfg)
	require.Equal(t, opts, rest)
}

func TestReadConfigTakesOurArgumentsAway(t *testing.T) {
	opts := map[string]string{
		"build-arg:MICROSCANNER_FAIL_ON":        "critical",
		"build-arg:MICROSCANNER_IGNORE_UNFIXED": "true",
		"build-arg:MICROSCANNER_DB":             "registry.example/db:1",
		"build-arg:VERSION":                     "1",
		"label:MICROSCANNER_FAIL_ON":            "stays",
	}
	cfg, rest, err := readConfig(opts)
	require.NoError(t, err)
	require.Equal(t, policy.Threshold(severity.Critical), cfg.policy.FailOn)
	require.True(t, cfg.policy.IgnoreUnfixed)
	require.Equal(t, "registry.example/db:1", cfg.database)
	require.Equal(t, "--build-arg MICROSCANNER_FAIL_ON", cfg.policy.Origin(policy.KeyFailOn))
	require.Equal(t, map[string]string{"build-arg:VERSION": "1", "label:MICROSCANNER_FAIL_ON": "stays"}, rest)
	require.Len(t, opts, 5, "the caller's map is not ours to change")
}

func TestReadConfigKeepsOthersSubrequests(t *testing.T) {
	for request, want := range map[string]map[string]string{
		"frontend.scan":                 {},
		"frontend.outline":              {"requestid": "frontend.outline"},
		"frontend.subrequests.describe": {"requestid": "frontend.subrequests.describe"},
	} {
		cfg, rest, err := readConfig(map[string]string{"requestid": request})
		require.NoError(t, err)
		require.Equal(t, request, cfg.request)
		require.Equal(t, want, rest)
	}
}

func TestReadConfigErrors(t *testing.T) {
	for _, tc := range []struct{ arg, value, want string }{
		{"MICROSCANNER_FAIL_ON", "hihg",
			`microscanner: error: build argument MICROSCANNER_FAIL_ON cannot be "hihg": allowed are critical, high, medium, low, negligible, never`},
		{"MICROSCANNER_FAIL_ON", "",
			`microscanner: error: build argument MICROSCANNER_FAIL_ON cannot be "": allowed are critical, high, medium, low, negligible, never`},
		{"MICROSCANNER_IGNORE_UNFIXED", "yes",
			`microscanner: error: build argument MICROSCANNER_IGNORE_UNFIXED cannot be "yes": allowed are true, false`},
		{"MICROSCANNER_DB", " ",
			`microscanner: error: build argument MICROSCANNER_DB is empty: give an image reference or the name of a named context, or leave it out`},
		{"MICROSCANNER_FAILON", "high",
			`microscanner: error: there is no setting MICROSCANNER_FAILON: the build arguments are MICROSCANNER_DB, MICROSCANNER_FAIL_ON, MICROSCANNER_IGNORE_UNFIXED, MICROSCANNER_KERNEL_HEADERS, MICROSCANNER_MAX_DB_AGE, MICROSCANNER_ON_NO_PACKAGES, MICROSCANNER_ON_PARTIAL, MICROSCANNER_ON_UNSUPPORTED`},
		{"MICROSCANNER_dB", "low",
			`microscanner: error: there is no setting MICROSCANNER_dB: the build arguments are MICROSCANNER_DB, MICROSCANNER_FAIL_ON, MICROSCANNER_IGNORE_UNFIXED, MICROSCANNER_KERNEL_HEADERS, MICROSCANNER_MAX_DB_AGE, MICROSCANNER_ON_NO_PACKAGES, MICROSCANNER_ON_PARTIAL, MICROSCANNER_ON_UNSUPPORTED`},
		{"microscanner_FAIL_ON", "never",
			`microscanner: error: there is no setting microscanner_FAIL_ON: the build arguments are MICROSCANNER_DB, MICROSCANNER_FAIL_ON, MICROSCANNER_IGNORE_UNFIXED, MICROSCANNER_KERNEL_HEADERS, MICROSCANNER_MAX_DB_AGE, MICROSCANNER_ON_NO_PACKAGES, MICROSCANNER_ON_PARTIAL, MICROSCANNER_ON_UNSUPPORTED`},
		{"MICROSCANNER_fail_on", "high",
			`microscanner: error: there is no setting MICROSCANNER_fail_on: the build arguments are MICROSCANNER_DB, MICROSCANNER_FAIL_ON, MICROSCANNER_IGNORE_UNFIXED, MICROSCANNER_KERNEL_HEADERS, MICROSCANNER_MAX_DB_AGE, MICROSCANNER_ON_NO_PACKAGES, MICROSCANNER_ON_PARTIAL, MICROSCANNER_ON_UNSUPPORTED`},
	} {
		_, _, err := readConfig(map[string]string{"build-arg:" + tc.arg: tc.value})
		require.EqualError(t, err, tc.want)
	}
}

func TestScannerFlags(t *testing.T) {
	cfg, _, err := readConfig(map[string]string{"build-arg:MICROSCANNER_FAIL_ON": "Low", "target": "--weird"})
	require.NoError(t, err)
	require.Equal(t, []string{
		"--platform=linux/arm64", "--target=--weird",
		"--fail-on=low", "--origin=fail-on=--build-arg MICROSCANNER_FAIL_ON",
	}, cfg.scannerFlags("linux/arm64"))
}
