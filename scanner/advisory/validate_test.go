package advisory_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/severity"
)

func valid() advisory.Record {
	return advisory.Record{
		ID: "CVE-2024-0001", Distro: "debian", Release: "12", Package: "openssl",
		Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: "3.0.1-1",
	}
}

func TestValidateAccepts(t *testing.T) {
	for name, change := range map[string]func(*advisory.Record){
		"plain":       func(*advisory.Record) {},
		"rolling":     func(r *advisory.Record) { r.Distro, r.Release = "wolfi", "" },
		"unfixed":     func(r *advisory.Record) { r.Status, r.Fixed = advisory.StatusAffected, "" },
		"everything":  func(r *advisory.Record) { *r = full() },
		"plus":        func(r *advisory.Record) { r.Package = "libstdc++6:amd64" },
		"no severity": func(r *advisory.Record) { r.Severity = severity.Unknown },
	} {
		r := valid()
		change(&r)
		assert.NoError(t, r.Validate(), name)
	}
}

func TestValidateRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*advisory.Record)
		want   string
	}{
		"no id":              {func(r *advisory.Record) { r.ID = "" }, "id is missing"},
		"space in id":        {func(r *advisory.Record) { r.ID = "CVE 1" }, `id "CVE 1" is not one printable word`},
		"escape in id":       {func(r *advisory.Record) { r.ID = "CVE\x1b[2J" }, "not one printable word"},
		"bad UTF-8":          {func(r *advisory.Record) { r.Package = "a\xffb" }, "not one printable word"},
		"long package":       {func(r *advisory.Record) { r.Package = strings.Repeat("a", 513) }, "package is longer than 512 bytes"},
		"path as distro":     {func(r *advisory.Record) { r.Distro = "../etc" }, `distro "../etc"`},
		"path as release":    {func(r *advisory.Record) { r.Release = "12/../.." }, `release "12/../.."`},
		"dots as release":    {func(r *advisory.Record) { r.Release = ".." }, `release ".."`},
		"no package":         {func(r *advisory.Record) { r.Package = "" }, "package is missing"},
		"no kind":            {func(r *advisory.Record) { r.Kind = "" }, `kind "" is none of source, binary`},
		"bad status":         {func(r *advisory.Record) { r.Status = "Fixed" }, `status "Fixed" is none of`},
		"fixed without it":   {func(r *advisory.Record) { r.Fixed = "" }, "fixed is missing"},
		"fix with affected":  {func(r *advisory.Record) { r.Status = advisory.StatusAffected }, "although the status is affected"},
		"bad severity":       {func(r *advisory.Record) { r.Severity = 77 }, "severity 77"},
		"space in arch":      {func(r *advisory.Record) { r.Arches = []string{"a b"} }, `arches "a b"`},
		"too many CPEs":      {func(r *advisory.Record) { r.CPEs = make([]string, 1025) }, "cpes has 1025 entries"},
		"empty alias":        {func(r *advisory.Record) { r.Aliases = []string{""} }, "aliases is missing"},
		"space in module":    {func(r *advisory.Record) { r.Module = " " }, "module"},
		"bad published":      {func(r *advisory.Record) { r.Published = "01/02/2024" }, `published "01/02/2024" is not a date`},
		"bad modified":       {func(r *advisory.Record) { r.Modified = "2024-13-01" }, `modified "2024-13-01" is not a date`},
		"long description":   {func(r *advisory.Record) { r.Description = strings.Repeat("x", 65537) }, "description is longer"},
		"script as url":      {func(r *advisory.Record) { r.URL = "javascript:alert(1)" }, "url is not an http or https address"},
		"file as url":        {func(r *advisory.Record) { r.URL = "file:///etc/passwd" }, "url is not an http or https address"},
		"score of 11":        {func(r *advisory.Record) { r.CVSS = &advisory.CVSS{Score: 11} }, "cvss score 11"},
		"score is no number": {func(r *advisory.Record) { r.CVSS = &advisory.CVSS{Score: math.NaN()} }, "cvss score NaN"},
		"bad CVSS version":   {func(r *advisory.Record) { r.CVSS = &advisory.CVSS{Version: "5"} }, `cvss version "5"`},
		"space in vector":    {func(r *advisory.Record) { r.CVSS = &advisory.CVSS{Vector: "AV:N /"} }, "cvss vector"},
	} {
		r := valid()
		c.change(&r)
		assert.ErrorContains(t, r.Validate(), c.want, name)
	}
}

func TestNormalize(t *testing.T) {
	r := valid()
	r.ID, r.Fixed, r.Aliases = "cve-2024-0001", "0", []string{"cve-2024-2"}
	r.Normalize()
	assert.Equal(t, advisory.StatusNotAffected, r.Status)
	assert.Empty(t, r.Fixed)
	assert.Equal(t, "CVE-2024-0001", r.ID)
	assert.Equal(t, []string{"CVE-2024-2"}, r.Aliases)
	assert.NoError(t, r.Validate())
}
