package rhel_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/rhel"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

// samples reads all real documents, of both kinds.
func samples(t testing.TB) ([]advisory.Record, feed.Stats) {
	t.Helper()
	src, err := feed.NewSource(scantest.Shared(t, "redhat/vex.zip"), feed.Options{})
	require.NoError(t, err)
	var records []advisory.Record
	stats, err := rhel.Distro().Feeds[0].Records(context.Background(), src, func(r advisory.Record) error {
		require.NoError(t, r.Validate())
		records = append(records, r)
		return nil
	})
	require.NoError(t, err)
	return records, stats
}

// What is said of some packages, by the documents' own words.
func TestSamples(t *testing.T) {
	records, stats := samples(t)
	assert.Equal(t, len(records), stats.Rows)
	byStatus := map[advisory.Status]int{}
	said := map[string]bool{}
	for _, r := range records {
		byStatus[r.Status]++
		said[r.ID+" "+r.Release+" "+string(r.Kind)+" "+r.Package+" "+r.Module+" "+string(r.Status)+" "+r.Fixed] = true
	}
	t.Log(stats.Malformed, byStatus)
	for _, want := range []string{
		"CVE-2023-6228 8 binary libtiff-tools  fixed 4.0.9-32.el8_10",
		"CVE-2023-6228 9 binary libtiff  fixed 4.4.0-12.el9",
		"CVE-2023-6228 6 source libtiff  end-of-life ",
		"CVE-2023-6228 8 source compat-libtiff3  deferred ",
		"CVE-2024-0727 9 binary openssl  fixed 1:3.0.7-27.el9",
		"CVE-2024-0727 8 source openssl  deferred ",
		"CVE-2024-6923 9 source python3.9  fixed 3.9.18-3.el9_4.5", // of the folder vex-feed
		"CVE-2025-40907 8 binary perl-FCGI perl-FCGI:0.78 fixed 1:0.78-12.module+el8.10.0+23147+20b7d289",
		"CVE-2025-40907 7 binary perl-FCGI  fixed 1:0.74-8.el7_9.1",
		"CVE-2025-40907 7 binary perl-FCGI  end-of-life ",
		"CVE-2026-0968 8 source libssh  deferred ",
		"CVE-2010-2057 5 source httpd  affected ",
	} {
		assert.True(t, said[want], want)
	}
	for _, p := range stats.Problems {
		assert.Contains(t, p.Reason, "is the version of a module", p.Where)
	}
}
