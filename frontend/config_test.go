package frontend

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/settings"
)

func TestSplitOptionsTakesOurArgumentsAway(t *testing.T) {
	opts := map[string]string{
		"build-arg:MICROSCANNER_FAIL_ON": "critical",
		"build-arg:microscanner_typo":    "true",
		"build-arg:VERSION":              "1",
		"label:MICROSCANNER_FAIL_ON":     "stays",
		"target":                         "prod",
	}
	args, rest := splitOptions(opts)
	require.Equal(t, map[string]string{"MICROSCANNER_FAIL_ON": "critical", "microscanner_typo": "true"}, args)
	require.Equal(t, map[string]string{"build-arg:VERSION": "1", "label:MICROSCANNER_FAIL_ON": "stays", "target": "prod"}, rest)
	require.Len(t, opts, 5, "the caller's map is not ours to change")
}

func TestSplitOptionsKeepsOthersSubrequests(t *testing.T) {
	for request, want := range map[string]map[string]string{
		"frontend.scan":                 {},
		"frontend.outline":              {"requestid": "frontend.outline"},
		"frontend.subrequests.describe": {"requestid": "frontend.subrequests.describe"},
	} {
		_, rest := splitOptions(map[string]string{"requestid": request})
		require.Equal(t, want, rest)
	}
}

// configOf is the configuration that a directive makes.
func configOf(t *testing.T, directive string) config {
	t.Helper()
	layer, err := settings.ParseDirective(directive, "Dockerfile", 2)
	require.NoError(t, err)
	s, err := settings.Merge(settings.Lock{}, layer)
	require.NoError(t, err)
	return config{Settings: s}
}

func TestScannerFlags(t *testing.T) {
	cfg := configOf(t, "fail-on=Low;rescan=on-change")
	cfg.target = "--weird"
	require.Equal(t, []string{
		"--platform=linux/arm64", "--target=--weird",
		"--fail-on=low", "--origin=fail-on=Dockerfile, line 2 (# scan=)",
	}, cfg.scannerFlags(target{platform: "linux/arm64"}))
}

func TestDescribe(t *testing.T) {
	r := &report.Report{Policy: map[string]policy.Value{"fail-on": {Value: "low", From: "the scanner"}}}
	cfg := configOf(t, "fail-on=low;rescan=on-change")
	cfg.describe(r)
	require.Equal(t, policy.Value{Value: "low", From: "the scanner"}, r.Policy["fail-on"])
	require.Equal(t, policy.Value{Value: "on-change", From: "Dockerfile, line 2 (# scan=)"}, r.Policy["rescan"])
	require.NotContains(t, r.Policy, "attest", "nobody set it")

	none := &report.Report{} // as a service may answer
	cfg.describe(none)
	require.Equal(t, "low", none.Policy["fail-on"].Value)
}

func TestCacheKeys(t *testing.T) {
	now := time.Date(2026, 11, 22, 23, 30, 0, 0, time.FixedZone("west", -3600))
	for directive, want := range map[string][2]string{
		"":                                     {"id", ""},
		"max-db-age=7d":                        {"id", ""},
		"rescan=on-change":                     {"", "2026-11-23"},
		"rescan=on-change;max-db-age=7d":       {"", "2026-11-23"},
		"rescan=on-change;fail-on=critical":    {"", "2026-11-23"}, // ends of life are days
		"rescan=on-change;on-unsupported=warn": {"", ""},
	} {
		id, day := configOf(t, directive).cacheKeys("id", now)
		require.Equal(t, want, [2]string{id, day}, directive)
	}
	cfg := configOf(t, "rescan=on-change;on-unsupported=warn")
	cfg.Ignore = []policy.Suppression{{Reason: "for ever"}}
	_, day := cfg.cacheKeys("id", now)
	require.Empty(t, day)
	cfg.Ignore = append(cfg.Ignore, policy.Suppression{Expires: "2026-12-01"})
	_, day = cfg.cacheKeys("id", now)
	require.Equal(t, "2026-11-23", day)
}

// TestOutdated: within a day, a cached pass does not outlive max-db-age.
func TestOutdated(t *testing.T) {
	scannedAt := time.Unix(1_800_000_000, 0)
	r := &report.Report{Verdict: policy.Verdict{Pass: true}}
	r.ScanStarted.Seconds = scannedAt.Unix()
	r.Assessment.Database.Age = 5 * time.Hour
	cfg := configOf(t, "rescan=on-change;max-db-age=6h")
	require.False(t, cfg.outdated(r, scannedAt.Add(time.Hour)))
	require.True(t, cfg.outdated(r, scannedAt.Add(time.Hour+time.Second)))
	require.False(t, configOf(t, "max-db-age=6h").outdated(r, scannedAt.Add(24*time.Hour)), "that is no cached scan")
	require.False(t, configOf(t, "rescan=on-change").outdated(r, scannedAt.Add(1000*time.Hour)), "no age is too old")
	cfg.Server = "https://scan.example.com"
	require.False(t, cfg.outdated(r, scannedAt.Add(24*time.Hour)), "a service is asked in every build")
}

// TestNotices: an entry that expires is announced in the build's own log.
func TestNotices(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	entry := func(expires string) policy.Suppression {
		return policy.Suppression{By: policy.SuppressedByIgnore, IDs: []string{"CVE-2026-0001"}, Reason: "r", Expires: expires}
	}
	cfg := configOf(t, "")
	cfg.Ignore = []policy.Suppression{entry(""), entry("2027-11-22"), entry("2026-12-01"), entry("2026-11-01")}
	got := cfg.notices(now)
	require.Len(t, got, 2)
	require.Contains(t, got[0], "expires on 2026-12-01")
	require.Contains(t, got[1], "expired on 2026-11-01")

	cfg.Ignore = slices.Repeat([]policy.Suppression{entry("2026-12-01")}, maxWarnings+5)
	require.Len(t, cfg.notices(now), maxWarnings+1)

	warned := 0
	outcomes{}.warn(t.Context(), gateway{warned: &warned}, got)
	require.Equal(t, 2, warned)
}

func TestReadLock(t *testing.T) {
	none, err := readLock(filepath.Join(t.TempDir(), "no-directory", "policy.yaml"))
	require.NoError(t, err)
	require.Equal(t, settings.Lock{}, none)

	_, err = readLock(t.TempDir())
	require.ErrorContains(t, err, "read the policy of this frontend", "a policy that cannot be read is not no policy")

	path := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(path, []byte("fail-on: medium\n"), 0o600))
	lock, err := readLock(path)
	require.NoError(t, err)
	s, err := settings.Merge(lock)
	require.NoError(t, err)
	require.Equal(t, "medium", s.Policy.FailOn.String())

	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("#", settings.MaxFileSize+1)), 0o600))
	_, err = readLock(path)
	require.ErrorContains(t, err, "is larger than 1 MiB")
}

func TestScanDirective(t *testing.T) {
	for name, tc := range map[string]struct {
		dockerfile string
		text       string
		line       int
	}{
		"none":                   {"FROM scratch\n", "", 0},
		"empty":                  {"", "", 0},
		"first":                  {"# scan=fail-on=low\nFROM scratch\n", "fail-on=low", 1},
		"without a newline":      {"#scan=fail-on=low", "fail-on=low", 1},
		"spaces and case":        {"#   Scan =  fail-on=low ; attest=true  \r\nFROM scratch\n", "fail-on=low ; attest=true", 1},
		"behind syntax":          {"# syntax=example/frontend\n# scan=fail-on=low\nFROM scratch\n", "fail-on=low", 2},
		"behind all":             {"# syntax=a\n# escape=`\n# check=skip=all\n# scan=fail-on=low\n", "fail-on=low", 4},
		"behind a byte order":    {"\xef\xbb\xbf# scan=fail-on=low\n", "fail-on=low", 1},
		"behind a shebang":       {"#!/usr/bin/env docker\n# syntax=a\n# scan=fail-on=low\n", "fail-on=low", 3},
		"a space of Unicode's":   {"#\u00a0scan=fail-on=low\n", "fail-on=low", 1},
		"behind a comment":       {"# a comment\n# scan=fail-on=low\nFROM scratch\n", "", 0},
		"behind an empty line":   {"# syntax=a\n\n# scan=fail-on=low\nFROM scratch\n", "", 0},
		"behind an unknown one":  {"# other=1\n# scan=fail-on=low\n", "", 0},
		"behind an instruction":  {"FROM scratch\n# scan=fail-on=low\n", "", 0},
		"empty directive":        {"# scan=\nFROM scratch\n", "", 1},
		"of another name":        {"# scanner=fail-on=low\n", "", 0},
		"two of BuildKit's own":  {"# syntax=a\n# syntax=b\n# scan=fail-on=low\n", "", 0},
		"a comment behind":       {"# scan=fail-on=low\n# syntax is a word\n", "fail-on=low", 1},
		"an empty line, another": {"# scan=fail-on=low\n\n# scan=fail-on=high\n", "fail-on=low", 1},
	} {
		text, line, err := scanDirective([]byte(tc.dockerfile))
		require.NoError(t, err, name)
		require.Equal(t, tc.text, text, name)
		require.Equal(t, tc.line, line, name)
	}
}

func TestScanDirectiveIsTheLast(t *testing.T) {
	for _, below := range []string{"syntax", "escape", "Check", "scan"} {
		_, line, err := scanDirective([]byte("# scan=fail-on=low\n# " + below + "=x\nFROM scratch\n"))
		require.EqualError(t, err, "microscanner: error: the directive # "+below+"= in line 2 has no effect below # scan=: there can be one of each, and # scan= is the last one")
		require.Equal(t, 2, line)
	}
}

func FuzzScanDirective(f *testing.F) {
	f.Add([]byte("# syntax=a\n# scan=fail-on=low;vex=\"a;b\"\nFROM scratch\n"))
	f.Add([]byte("\xef\xbb\xbf#!x\n#scan=a=b\r\n# escape=`"))
	f.Fuzz(func(t *testing.T, dockerfile []byte) {
		text, line, err := scanDirective(dockerfile)
		if err != nil || line == 0 {
			return
		}
		lines := strings.Split(string(dockerfile), "\n")
		require.Contains(t, lines[line-1], text)
		if layer, err := settings.ParseDirective(text, "Dockerfile", line); err == nil {
			_, err = settings.Merge(settings.Lock{}, layer)
			require.NoError(t, err, "a directive that was taken can be merged")
		}
	})
}

func TestSettingsErrorPointsAtTheLine(t *testing.T) {
	src := source{name: "Dockerfile", language: "Dockerfile", data: []byte("# syntax=a\n# scan=fail-on=hihg\nFROM scratch\n")}
	_, bad := settings.ParseDirective("fail-on=hihg", "Dockerfile", 2)
	err := settingsError(bad, source{name: settings.FileName}, src)
	require.EqualError(t, err, `microscanner: error: the setting fail-on cannot be "hihg" (Dockerfile, line 2 (# scan=)); allowed are critical, high, medium, low, negligible, never`)
	sources := errdefs.Sources(err)
	require.Len(t, sources, 1)
	var frame strings.Builder
	require.NoError(t, sources[0].Print(&frame))
	require.Contains(t, frame.String(), "   2 | >>> # scan=fail-on=hihg\n")

	_, bad = settings.ParseArgs(map[string]string{"MICROSCANNER_FAIL_ON": "hihg"})
	require.Empty(t, errdefs.Sources(settingsError(bad, src)))
}
