package diff_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/db/diff"
	"github.com/example/microscanner-frontend/scanner/severity"
	"github.com/example/microscanner-frontend/scanner/version"
)

// database makes and opens one, built on that day of January 2026.
func database(t testing.TB, day int, records ...advisory.Record) *db.DB {
	t.Helper()
	b := db.NewBuilder(db.BuilderOptions{
		Built:  time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC),
		Scheme: func(string) (version.Scheme, bool) { return version.Rpm, true },
	})
	for _, r := range records {
		require.NoError(t, b.Add(r))
	}
	dir := filepath.Join(t.TempDir(), "db")
	_, err := b.Write(context.Background(), dir)
	require.NoError(t, err)
	d, err := db.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, d.Close()) })
	return d
}

// fixed is a record of RHEL 9.
func fixed(name, id, version string) advisory.Record {
	return advisory.Record{
		ID: id, Distro: "rhel", Release: "9", Package: name, Kind: advisory.Binary,
		Status: advisory.StatusFixed, Fixed: version, Severity: severity.Medium,
	}
}

func with(r advisory.Record, change func(*advisory.Record)) advisory.Record {
	change(&r)
	return r
}

func pair(t testing.TB) (from, to *db.DB) {
	t.Helper()
	affected := func(r *advisory.Record) { r.Status, r.Fixed = advisory.StatusAffected, "" }
	release := func(name string) func(*advisory.Record) { return func(r *advisory.Record) { r.Release = name } }
	from = database(t, 1,
		fixed("bash", "CVE-2024-0001", "1-1"), fixed("bash", "CVE-2024-0009", "1-1"),
		with(fixed("openssl", "CVE-2024-0002", ""), affected),
		fixed("zlib", "CVE-2024-0003", "1-1"),
		with(fixed("bash", "CVE-2024-0001", "1-1"), release("7")),
		with(fixed("bash", "CVE-2024-0001", "1-1"), release("8")),
	)
	to = database(t, 2,
		fixed("bash", "CVE-2024-0001", "1-1"), fixed("bash", "CVE-2024-0010", "1-2"),
		with(fixed("bash", "CVE-2024-0001", "1-2"), func(r *advisory.Record) { r.Module = "shell:5" }),
		fixed("openssl", "CVE-2024-0002", "3-1"),
		with(fixed("zlib", "CVE-2024-0003", "1-1"), func(r *advisory.Record) { r.Severity = severity.High }),
		with(fixed("bash", "CVE-2024-0001", "1-1"), func(r *advisory.Record) { r.Kind = advisory.Source }),
		with(fixed("bash", "CVE-2024-0001", "1-1"), release("8")),
		with(fixed("bash", "CVE-2024-0001", "1-1"), release("10")),
	)
	return from, to
}

func text(t testing.TB, from, to *db.DB, summary bool) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, diff.WriteText(&out, from, to, summary, func(s string) string { return s }))
	return strings.NewReplacer(from.Meta().Digest, "OLD", to.Meta().Digest, "NEW").Replace(out.String())
}

const wantSummary = `Old: OLD, built 2026-01-01T00:00:00Z
New: NEW, built 2026-01-02T00:00:00Z

DISTRIBUTION  RELEASE  ADDED  REMOVED  CHANGED
rhel          9        3      1        2
rhel          10       1      0        0  new
rhel          7        0      1        0  gone
all                    4      2        2
`

func TestWriteText(t *testing.T) {
	from, to := pair(t)
	assert.Equal(t, wantSummary, text(t, from, to, true))
	assert.Equal(t, wantSummary+`
rhel 9
  bash (binary)
    + CVE-2024-0001 [shell:5]: fixed in 1-2, medium
    - CVE-2024-0009: fixed in 1-1, medium
    + CVE-2024-0010: fixed in 1-2, medium
  openssl (binary)
    ~ CVE-2024-0002: affected, medium -> fixed in 3-1, medium
  zlib (binary)
    ~ CVE-2024-0003: fixed in 1-1, medium -> fixed in 1-1, high
  bash (source)
    + CVE-2024-0001: fixed in 1-1, medium

rhel 10
  bash (binary)
    + CVE-2024-0001: fixed in 1-1, medium

rhel 7
  bash (binary)
    - CVE-2024-0001: fixed in 1-1, medium
`, text(t, from, to, false))
	assert.Contains(t, text(t, from, from, false), "\nNo advisory differs.\n")
}

func TestWriteJSON(t *testing.T) {
	from, to := pair(t)
	var out bytes.Buffer
	require.NoError(t, diff.WriteJSON(&out, from, to, false))
	type state struct{ Status, Fixed, Severity string }
	type row struct {
		Change, Package, Kind, ID, Module string
		Old, New                          *state
	}
	var got struct {
		Old, New struct{ Digest, Built string }
		Releases []struct {
			Distro, Release         string
			Added, Removed, Changed int
			Advisories              []row
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	assert.Equal(t, from.Meta().Digest, got.Old.Digest)
	assert.Equal(t, "2026-01-02T00:00:00Z", got.New.Built)
	require.Len(t, got.Releases, 3)
	assert.Equal(t, 3, got.Releases[0].Added)
	assert.Equal(t, []row{
		{"added", "bash", "binary", "CVE-2024-0001", "shell:5", nil, &state{"fixed", "1-2", "medium"}},
		{"removed", "bash", "binary", "CVE-2024-0009", "", &state{"fixed", "1-1", "medium"}, nil},
		{"added", "bash", "binary", "CVE-2024-0010", "", nil, &state{"fixed", "1-2", "medium"}},
		{"changed", "openssl", "binary", "CVE-2024-0002", "", &state{"affected", "", "medium"}, &state{"fixed", "3-1", "medium"}},
		{"changed", "zlib", "binary", "CVE-2024-0003", "", &state{"fixed", "1-1", "medium"}, &state{"fixed", "1-1", "high"}},
		{"added", "bash", "source", "CVE-2024-0001", "", nil, &state{"fixed", "1-1", "medium"}},
	}, got.Releases[0].Advisories)

	out.Reset()
	require.NoError(t, diff.WriteJSON(&out, from, to, true))
	assert.NotContains(t, out.String(), "advisories")
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	out.Reset()
	require.NoError(t, diff.WriteJSON(&out, from, from, false))
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	assert.Empty(t, got.Releases)
}

// Against a comparison that needs no order.
func TestChangesOfRandomDatabases(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var was, is []advisory.Record
		for range 300 {
			id := fmt.Sprintf("CVE-%d-%d", 2020+rng.IntN(3), 999+rng.IntN(3))
			if rng.IntN(4) == 0 {
				id = fmt.Sprintf("RHSA-%d", rng.IntN(3))
			}
			r := fixed(fmt.Sprintf("p%d", rng.IntN(12)), id, "1-1")
			if rng.IntN(3) == 0 {
				r.Module = fmt.Sprintf("m:%d", rng.IntN(2))
			}
			if rng.IntN(3) == 0 {
				r.Arches = []string{"x86_64", "s390x"}[rng.IntN(2):]
			}
			if rng.IntN(3) == 0 {
				r.CPEs = []string{fmt.Sprintf("cpe:/o:x:%d", rng.IntN(2))}
			}
			switch rng.IntN(6) {
			case 0:
				was = append(was, r)
			case 1:
				is = append(is, r)
			case 2:
				was, is = append(was, r), append(is, with(r, func(r *advisory.Record) { r.Fixed = "1-2" }))
			default:
				was, is = append(was, r), append(is, r)
			}
		}
		from, to := database(t, 1, was...), database(t, 2, is...)
		want, before := map[string]string{}, rows(t, from)
		for key, state := range rows(t, to) {
			if before[key] != state {
				want[key] = before[key] + ">" + state
			}
			delete(before, key)
		}
		for key, state := range before {
			want[key] = state + ">"
		}
		got := map[string]string{}
		for _, r := range diff.Releases(from, to) {
			for c, err := range r.Changes() {
				require.NoError(t, err)
				got[rowKey(c.Package, c.Advisory())] = fix(c.Old) + ">" + fix(c.New)
			}
		}
		assert.Equal(t, want, got)
	}
}

func rows(t testing.TB, d *db.DB) map[string]string {
	t.Helper()
	r, err := d.Release("rhel", "9")
	require.NoError(t, err)
	defer func() { assert.NoError(t, r.Close()) }()
	out := map[string]string{}
	for i := range 12 {
		name := fmt.Sprintf("p%d", i)
		list, err := r.Lookup(advisory.Binary, name)
		require.NoError(t, err)
		for _, a := range list {
			out[rowKey(name, &a)] = a.Fixed
		}
	}
	return out
}

func rowKey(name string, a *db.Advisory) string {
	return fmt.Sprint(name, " ", a.ID, " ", a.Module, a.Arches, a.CPEs)
}

func fix(a *db.Advisory) string {
	if a == nil {
		return ""
	}
	return a.Fixed
}

// A caller that has seen enough gets no error, and both files are closed.
func TestChangesCanStop(t *testing.T) {
	from, to := pair(t)
	for _, r := range diff.Releases(from, to) {
		for _, err := range r.Changes() {
			require.NoError(t, err)
			break
		}
	}
}

func TestDamagedDatabase(t *testing.T) {
	from, _ := pair(t)
	b := db.NewBuilder(db.BuilderOptions{Scheme: func(string) (version.Scheme, bool) { return version.Rpm, true }})
	for i := range 1000 {
		require.NoError(t, b.Add(fixed(fmt.Sprintf("p%d", i), "CVE-2024-0001", "1-1")))
	}
	dir := filepath.Join(t.TempDir(), "db")
	_, err := b.Write(context.Background(), dir)
	require.NoError(t, err)
	path := filepath.Join(dir, "rhel-9.sst")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	content[len(content)/3] ^= 1
	require.NoError(t, os.WriteFile(path, content, 0o600))
	bad, err := db.Open(dir)
	require.NoError(t, err)
	defer func() { assert.NoError(t, bad.Close()) }()
	for _, c := range [][2]*db.DB{{from, bad}, {bad, from}} {
		assert.ErrorIs(t, diff.WriteText(&bytes.Buffer{}, c[0], c[1], false, strings.ToLower), db.ErrCorrupt)
		assert.ErrorIs(t, diff.WriteJSON(&bytes.Buffer{}, c[0], c[1], false), db.ErrCorrupt)
	}
}
