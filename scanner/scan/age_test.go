package scan_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/version"
)

// TestAgeOfTheOldestFeed has a database that was built just now of a feed that
// could not be fetched for long: it is as old as that feed.
func TestAgeOfTheOldestFeed(t *testing.T) {
	built := scantest.Built()
	for name, tc := range map[string]struct {
		fetched  []time.Time
		old, bad string
	}{
		"no feeds":       {nil, "", ""},
		"one build":      {[]time.Time{built.Add(-time.Minute), built}, "", ""},
		"not fetched":    {[]time.Time{{}, built}, "", ""},
		"one is old":     {[]time.Time{built, built.AddDate(0, 0, -10)}, "the feed b in the advisory database is 10 days old and knows nothing newer", "the feed b in the advisory database is 10 days old, which is more than max-db-age=2d allows; fetch a newer one"},
		"which is older": {[]time.Time{built.AddDate(0, 0, -5), built.AddDate(0, 0, -4)}, "", "the feed a in the advisory database is 5 days old, which is more than max-db-age=2d allows; fetch a newer one"},
	} {
		t.Run(name, func(t *testing.T) {
			b := db.NewBuilder(db.BuilderOptions{Built: built, Scheme: func(string) (version.Scheme, bool) { return version.Deb, true }})
			for i, at := range tc.fetched {
				b.AddFeed(db.FeedMeta{Name: string(rune('a' + i)), Fetched: at})
			}
			require.NoError(t, b.Add(debianRecord("CVE-2024-0001", "bash", "")))
			dir := filepath.Join(t.TempDir(), "db")
			_, err := b.Write(t.Context(), dir)
			require.NoError(t, err)
			o := options()
			o.Now = func() time.Time { return built.Add(time.Hour) }
			require.NoError(t, o.Policy.Set(policy.KeyMaxDBAge, "2d", "test"))
			root := scantest.Rootfs(t, map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": dpkgStatus})
			r := scanWith(t, root, scantest.Open(t, dir), o)
			if tc.old == "" {
				assert.Empty(t, r.NotAssessed)
			} else {
				assert.Equal(t, []report.NotAssessed{{Reason: tc.old}}, r.NotAssessed)
			}
			assert.Equal(t, tc.bad == "", r.Verdict.Pass)
			if tc.bad != "" {
				assert.Equal(t, tc.bad, r.Verdict.Reason)
				assert.Equal(t, policy.ExitError, r.Verdict.ExitCode)
			}
			oldest := built
			for _, at := range tc.fetched {
				if !at.IsZero() && at.Before(oldest) {
					oldest = at
				}
			}
			assert.Equal(t, oldest.Unix(), r.DataDate)
			assert.True(t, r.Database.Built.Equal(built))
		})
	}
}

// TestAgeNotStated: a database without a date may be of any age.
func TestAgeNotStated(t *testing.T) {
	b := db.NewBuilder(db.BuilderOptions{Scheme: func(string) (version.Scheme, bool) { return version.Deb, true }})
	require.NoError(t, b.Add(debianRecord("CVE-2024-0001", "bash", "")))
	dir := filepath.Join(t.TempDir(), "db")
	_, err := b.Write(t.Context(), dir)
	require.NoError(t, err)
	o := options()
	require.NoError(t, o.Policy.Set(policy.KeyMaxDBAge, "2d", "test"))
	root := scantest.Rootfs(t, map[string]string{"etc/os-release": debian12, "var/lib/dpkg/status": dpkgStatus})
	r := scanWith(t, root, scantest.Open(t, dir), o)
	assert.Equal(t, policy.ExitError, r.Verdict.ExitCode)
	assert.Contains(t, r.Verdict.Reason, "which is more than max-db-age=2d allows")
	assert.Zero(t, r.DataDate)
}

// TestNoOwnPackages has images with packages of others only: that nothing is
// known of them is no clean result.
func TestNoOwnPackages(t *testing.T) {
	const foreign = "Package: nginx\nVersion: 1.24.0-1~bookworm\nMaintainer: NGINX Packaging <nginx-packaging@f5.com>\n"
	record := []advisory.Record{debianRecord("CVE-2024-0001", "nginx", "")}
	r := scanDebian(t, foreign, record...)
	assert.Equal(t, policy.ExitError, r.Verdict.ExitCode)
	assert.Equal(t, "the image is Debian GNU/Linux 12 (bookworm), but none of its packages is known to be one of Debian's own; nothing was assessed (set on-unsupported=warn to let such images pass)", r.Verdict.Reason)
	assert.Equal(t, []report.NotAssessed{
		{Reason: "the image is Debian GNU/Linux 12 (bookworm), but none of its packages is known to be one of Debian's own"},
		{Reason: "packages that are not the distribution's own, of nginx.org", Count: 1},
	}, r.NotAssessed)
	r = scanDebian(t, foreign+"\n"+dpkgStatus, record...)
	assert.Equal(t, policy.ExitPass, r.Verdict.ExitCode)
}
