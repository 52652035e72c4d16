package version_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/version"
)

// requireOrder checks that a and b compare as want, and their mirror as -want.
func requireOrder(t *testing.T, s version.Scheme, a, b string, want int) {
	t.Helper()
	got, err := s.Compare(a, b)
	require.NoError(t, err)
	mirror, err := s.Compare(b, a)
	require.NoError(t, err)
	assert.Equalf(t, want, got, "%s: Compare(%q, %q)", s, a, b)
	assert.Equalf(t, -want, mirror, "%s: Compare(%q, %q)", s, b, a)
}

// ascendingRow has versions of which each is older than the next.
type ascendingRow struct {
	name     string
	scheme   version.Scheme
	versions []string
}

func ascending() []ascendingRow {
	return []ascendingRow{
		{"tilde sorts before the end", version.Deb, []string{"1.0~~", "1.0~~a", "1.0~", "1.0~rc1", "1.0"}},
		{"letters sort before other characters", version.Deb, []string{"1:1.0-1", "1:1.0a-1", "1:1.0+-1", "1:1.0--1", "1:1.0.-1", "1:1.0:-1"}},
		{"letters sort before a dot", version.Deb, []string{"1.0a", "1.0.1"}},
		{"a binary rebuild sorts before a security update", version.Deb, []string{"1.0-1", "1.0-1+b1", "1.0-1+deb12u1"}},
		{"rebuilds are counted", version.Deb, []string{"1.0-1+b9", "1.0-1+b10"}},
		{"security updates are counted", version.Deb, []string{"1.0-1+deb12u9", "1.0-1+deb12u10"}},
		{"an NMU sorts behind a security update", version.Deb, []string{"1.0-1+deb10u1", "1.0-1.1"}},
		{"backports sort before the original", version.Deb, []string{"1.0-1~bpo12+1", "1.0-1"}},
		{"Ubuntu's ESM", version.Deb, []string{"1.0-1ubuntu1~esm1", "1.0-1ubuntu1", "1.0-1ubuntu1+esm1", "1.0-1ubuntu1.1"}},
		{"a repacked upstream", version.Deb, []string{"1.0-1", "1.0+dfsg-1"}},
		{"the epoch comes first", version.Deb, []string{"9.0-1", "1:1.0-1", "2:0.1-1", "10:0.1-1", "2147483647:0.1-1"}},
		{"the revision follows the last dash", version.Deb, []string{"1.0-1-1", "1.0-1-2", "1.0-2-1"}},
		{"an upstream version may have a colon behind an epoch", version.Deb, []string{"1:1:1-1", "1:1:2-1"}},
		{"numbers have no limit", version.Deb, []string{
			"1.0+git20240101123456789012344", "1.0+git20240101123456789012345", "1.0+git120240101123456789012345",
		}},
		{"32 and 64 bits do not wrap", version.Deb, []string{"1", "4294967296", "9223372036854775808", "18446744073709551616"}},
		{"dpkg accepts other characters and sorts them last", version.Deb, []string{"1.0a", "1.0.1", "1.0_1"}},

		{"suffixes", version.Apk, []string{
			"1.0_alpha", "1.0_alpha1", "1.0_beta", "1.0_pre", "1.0_rc", "1.0_rc1", "1.0_rc2", "1.0_rc10",
			"1.0", "1.0_cvs", "1.0_svn", "1.0_git", "1.0_hg", "1.0_p", "1.0_p1", "1.0.1",
		}},
		{"a suffix may follow a suffix", version.Apk, []string{"1.0_rc1_alpha", "1.0_rc1", "1.0_rc1_p1", "1.0_rc2"}},
		{"a git snapshot is newer, unlike Debian's tilde", version.Apk, []string{"1.2.3", "1.2.3_git20230101", "1.2.4"}},
		{"a letter follows the number", version.Apk, []string{"1.0", "1.0a", "1.0b", "1.0.1"}},
		{"more numbers win", version.Apk, []string{"1.0", "1.0.0", "1.0.0.0", "1.0.1"}},
		{"a leading zero makes a fraction", version.Apk, []string{"1.0015", "1.002", "1.01", "1.1", "1.9", "1.10"}},
		{"but not in the first number", version.Apk, []string{"1.0", "02.0", "10.0"}},
		{"no revision sorts before r0", version.Apk, []string{"1.0", "1.0-r0", "1.0-r1", "1.0-r9", "1.0-r10"}},
		{"the revision comes last", version.Apk, []string{"1.0-r9", "1.0_p1-r0", "1.0.0-r0"}},
		{"a hash sorts behind none", version.Apk, []string{"1.0", "1.0-r1", "1.0~abc123", "1.0~abc124-r0"}},
		{"numbers have no limit", version.Apk, []string{
			"1", "4294967297", "18446744073709551617", "18446744073709551617.0", "18446744073709551617.18446744073709551618",
		}},
		{"nor in suffix and revision", version.Apk, []string{
			"1_git20230101120000123455-r0", "1_git20230101120000123456-r1", "1_git20230101120000123456-r18446744073709551617",
		}},

		{"tilde sorts before the end, caret behind", version.Rpm, []string{
			"1.0~rc1", "1.0~rc1^git1", "1.0~rc2", "1.0", "1.0^git1", "1.0^git2", "1.0a", "1.0.1",
		}},
		{"digits beat letters", version.Rpm, []string{"1.0.a", "1.0.1"}},
		{"a minor release is a number", version.Rpm, []string{"1-1.el8_9", "1-1.el8_10"}},
		{"Oracle's inserted numbers", version.Rpm, []string{"2.28-225.el8", "2.28-225.0.4.el8"}},
		{"CentOS rebuilds", version.Rpm, []string{"1-1.el7", "1-1.el7.centos", "1-1.el7.centos.1", "1-1.el7_9", "1-1.el7_9.1"}},
		{"the epoch comes first", version.Rpm, []string{"9-1", "1:1-1", "10:1-1", "99999999999999999999:1-1"}},
		{"the release follows the last dash", version.Rpm, []string{"1-1-1", "1-1-2", "1-2-1"}},
		{"no release sorts before any", version.Rpm, []string{"1", "1-", "1-0", "1-1"}},
		{"what is no number is no epoch", version.Rpm, []string{"a:1", "b:1"}},
		{"numbers have no limit", version.Rpm, []string{"1.2", "1.18446744073709551616", "1.18446744073709551617"}},
	}
}

func TestAscending(t *testing.T) {
	for _, tc := range ascending() {
		t.Run(string(tc.scheme)+"/"+tc.name, func(t *testing.T) {
			for i, a := range tc.versions {
				requireOrder(t, tc.scheme, a, a, 0)
				for _, b := range tc.versions[i+1:] {
					requireOrder(t, tc.scheme, a, b, -1)
				}
			}
		})
	}
}

func TestEqual(t *testing.T) {
	for _, tc := range []struct {
		scheme version.Scheme
		a, b   string
	}{
		{version.Deb, "1.0-1", "0:1.0-1"},
		{version.Deb, "1.0", "1.0-0"},
		{version.Deb, "1.0-1", "1.00-01"},
		{version.Deb, "1:1.0", "01:1.0"},
		{version.Deb, "1.0-a", "1.0-a0"},
		{version.Apk, "1.0-r1", "1.0-r01"},
		{version.Apk, "1.0", "01.0"},
		{version.Rpm, "1.0-1", "0:1.0-1"},
		{version.Rpm, "1.0_1", "1.0.1"},
		{version.Rpm, "1.0+1", "1.0.1"},
		{version.Rpm, "1.01", "1.1"},
		{version.Rpm, "1.0.", "1.0"},
		{version.Rpm, "1.é", "1"},
		{version.Rpm, ":1.0", "0:1.0"},
	} {
		t.Run(string(tc.scheme)+"/"+tc.a, func(t *testing.T) {
			requireOrder(t, tc.scheme, tc.a, tc.b, 0)
		})
	}
}

func TestInvalid(t *testing.T) {
	for _, tc := range []struct {
		scheme  version.Scheme
		version string
		want    string
	}{
		{version.Deb, "", `invalid deb version "": it is empty`},
		{version.Deb, "1 2", `invalid deb version "1 2": the character ' ' is not allowed`},
		{version.Deb, "1.0\x1b[2J", `invalid deb version "1.0\x1b[2J": the character '\x1b' is not allowed`},
		{version.Deb, "1.ö", `invalid deb version "1.ö": the character 'ö' is not allowed`},
		{version.Deb, "1.\xff", `invalid deb version "1.\xff": the character '�' is not allowed`},
		{version.Deb, "1.0-", `invalid deb version "1.0-": nothing follows the last dash`},
		{version.Deb, ":1", `invalid deb version ":1": nothing stands before the colon`},
		{version.Deb, "1:", `invalid deb version "1:": it has no upstream version`},
		{version.Deb, "-1", `invalid deb version "-1": it has no upstream version`},
		{version.Deb, "1:-1", `invalid deb version "1:-1": it has no upstream version`},
		{version.Deb, "a:1", `invalid deb version "a:1": the epoch, before the colon, is not a number`},
		{version.Deb, "-1:1", `invalid deb version "-1:1": the epoch, before the colon, is not a number`},
		{version.Deb, "2147483648:1", `invalid deb version "2147483648:1": the epoch, before the colon, is larger than 2147483647`},

		{version.Apk, "", `invalid apk version "": it is empty`},
		{version.Apk, "abc", `invalid apk version "abc": a number is expected where 'a' stands`},
		{version.Apk, "1.0A", `invalid apk version "1.0A": the character 'A' is not allowed in its place`},
		{version.Apk, "1.", `invalid apk version "1.": it ends where a number is expected`},
		{version.Apk, "1..0", `invalid apk version "1..0": a number is expected where '.' stands`},
		{version.Apk, "1.0ab", `invalid apk version "1.0ab": the character 'b' is not allowed in its place`},
		{version.Apk, "1.0a1", `invalid apk version "1.0a1": the character '1' is not allowed in its place`},
		{version.Apk, "1.0a.1", `invalid apk version "1.0a.1": the character '.' is not allowed in its place`},
		{version.Apk, "1.0_foo", `invalid apk version "1.0_foo": there is no suffix "_foo"`},
		{version.Apk, "1.0_", `invalid apk version "1.0_": there is no suffix "_"`},
		{version.Apk, "1.0_rc1.2", `invalid apk version "1.0_rc1.2": the character '.' is not allowed in its place`},
		{version.Apk, "1.0~", `invalid apk version "1.0~": it ends where a hash is expected`},
		{version.Apk, "1.0~xyz", `invalid apk version "1.0~xyz": a hash is expected where 'x' stands`},
		{version.Apk, "1.0~a~b", `invalid apk version "1.0~a~b": the character '~' is not allowed in its place`},
		{version.Apk, "1.0-1", `invalid apk version "1.0-1": the character '-' is not allowed in its place`},
		{version.Apk, "1.0-r", `invalid apk version "1.0-r": it ends where a number is expected`},
		{version.Apk, "1.0-r1-r2", `invalid apk version "1.0-r1-r2": the character '-' is not allowed in its place`},
		{version.Apk, "1:1.0", `invalid apk version "1:1.0": the character ':' is not allowed in its place`},
		{version.Apk, "1.0\x00", `invalid apk version "1.0\x00": the character '\x00' is not allowed in its place`},

		{version.Rpm, "", `invalid rpm version "": it is empty`},
		{version.Rpm, "1:", `invalid rpm version "1:": it has no version before the release`},
		{version.Rpm, "-1", `invalid rpm version "-1": it has no version before the release`},
		{version.Rpm, "1.0 ", `invalid rpm version "1.0 ": the character ' ' is not allowed`},
		{version.Rpm, "1.0\x7f", `invalid rpm version "1.0\x7f": the character '\x7f' is not allowed`},

		{"npm", "1.0", `there is no version scheme "npm"`},
		{"", "1.0", `there is no version scheme ""`},
	} {
		t.Run(string(tc.scheme)+"/"+tc.version, func(t *testing.T) {
			_, err := tc.scheme.Parse(tc.version)
			require.EqualError(t, err, tc.want)

			_, err = tc.scheme.Compare(tc.version, "1")
			require.EqualError(t, err, tc.want, "on the left")
			if _, e := tc.scheme.Parse("1"); e == nil {
				_, err = tc.scheme.Compare("1", tc.version)
				require.EqualError(t, err, tc.want, "on the right")
			}
		})
	}
}

func TestLengthIsBounded(t *testing.T) {
	for _, s := range []version.Scheme{version.Deb, version.Apk, version.Rpm} {
		t.Run(string(s), func(t *testing.T) {
			_, err := s.Parse(strings.Repeat("1", 1024))
			require.NoError(t, err)

			_, err = s.Parse(strings.Repeat("1", 1025))
			require.ErrorContains(t, err, "it is longer than 1024 bytes")
			require.Less(t, len(err.Error()), 200, "the error repeats the whole version")
		})
	}
}

func TestZeroVersion(t *testing.T) {
	_, err := version.Version{}.Compare("1.0")
	require.Error(t, err)
}

func TestString(t *testing.T) {
	v, err := version.Deb.Parse("01:1.0-00")
	require.NoError(t, err)
	require.Equal(t, "01:1.0-00", v.String())
}
