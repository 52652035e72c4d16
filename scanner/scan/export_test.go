package scan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

// SuppressRpm puts the vulnerabilities of a package of rpm under a suppression.
func SuppressRpm(t *testing.T, s policy.Suppression, list []report.Vulnerability) []report.Vulnerability {
	t.Helper()
	all, err := newSuppressor(&inventory.OS{Distro: "rhel", Release: "9"}, []policy.Suppression{s}, time.Now())
	require.NoError(t, err)
	one := subjectSuppressor{suppressor: all, list: list}
	return one.of(&inventory.Package{
		Format: inventory.FormatRpm, Name: "openssl-libs", Version: "1:3.0.7-1.el9", Arch: "x86_64", SourceName: "openssl", SourceVersion: "1:3.0.7-1.el9",
	})
}
