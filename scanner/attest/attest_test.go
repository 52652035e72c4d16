package attest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	vulns "github.com/in-toto/attestation/go/predicates/vulns/v02"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/example/microscanner-frontend/scanner/attest"
	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

var update = flag.Bool("update", false, "write the golden files")

const imageDigest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func scanner() attest.Scanner {
	return attest.Scanner{URI: "pkg:docker/example/microscanner-frontend@1?digest=" + imageDigest, Digest: imageDigest}
}

func predicate(t testing.TB, r *report.Report) []byte {
	t.Helper()
	text, err := attest.Predicate(r, scanner(), "sha256:02")
	require.NoError(t, err)
	return text
}

// statement is what BuildKit makes of a predicate.
func statement(predicate []byte) []byte {
	return []byte(`{"_type":"https://in-toto.io/Statement/v1","predicateType":"` + attest.PredicateType +
		`","subject":[{"name":"pkg:docker/app@1","digest":{"sha256":"` + strings.TrimPrefix(imageDigest, "sha256:") + `"}}],"predicate":` + string(predicate) + `}`)
}

func decode(t testing.TB, r *report.Report) *attest.Statement {
	t.Helper()
	s, err := attest.Decode(statement(predicate(t, r)))
	require.NoError(t, err)
	return s
}

func TestGolden(t *testing.T) {
	const golden = "testdata/predicate.json"
	got := predicate(t, reporttest.Sample())
	assert.Equal(t, got, predicate(t, reporttest.Sample()), "the same report gives the same bytes")
	var indented bytes.Buffer
	require.NoError(t, json.Indent(&indented, append(got, '\n'), "", "  "))
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, indented.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), indented.String())
}

// TestIsOfTheSpecification: without our extension field, the specification's own
// type takes it, and knows every field.
func TestIsOfTheSpecification(t *testing.T) {
	for _, r := range []*report.Report{reporttest.Sample(), reporttest.Clean()} {
		var fields map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(predicate(t, r), &fields))
		delete(fields, attest.ExtensionType)
		text, err := json.Marshal(fields)
		require.NoError(t, err)
		require.NoError(t, protojson.Unmarshal(text, &vulns.Vulns{}))
	}
}

// TestNothingFound: the specification wants an empty list, and not none.
func TestNothingFound(t *testing.T) {
	assert.Contains(t, string(predicate(t, reporttest.Clean())), `"result":[]`)
}

func TestRoundTrip(t *testing.T) {
	r := reporttest.Sample()
	s := decode(t, r)
	assert.Equal(t, []string{imageDigest}, s.Subjects)
	assert.Equal(t, attest.Scanner{URI: scanner().URI, Version: "1.0.0", Digest: imageDigest}, s.Scan.Scanner)
	assert.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), s.Scan.Started)
	assert.Equal(t, 2*time.Second, s.Scan.Finished.Sub(s.Scan.Started))
	assert.Equal(t, time.Unix(r.DataDate, 0).UTC(), s.Scan.Data)
	assert.Equal(t, r.Verdict, s.Scan.Verdict)
	assert.Equal(t, r.Database, s.Scan.Database)
	assert.Equal(t, r.Policy, s.Scan.Policy.Settings)
}

// TestJudge: the same policy gives the verdict of the report.
func TestJudge(t *testing.T) {
	at := time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)
	for _, r := range []*report.Report{reporttest.Sample(), reporttest.Clean(), reporttest.Broken()} {
		s := decode(t, r)
		for _, settings := range []map[string]string{
			{}, {policy.KeyFailOn: "low"}, {policy.KeyFailOn: "never"}, {policy.KeyFailOnNew: "medium"}, {policy.KeyIgnoreUnfixed: "true"},
			{policy.KeyKernelHeaders: "true", policy.KeyOnPartial: "warn"},
		} {
			p := policy.Default()
			for key, value := range settings {
				require.NoError(t, p.Set(key, value, ""))
			}
			r.Judge(p)
			assert.Equal(t, r.Verdict, s.Scan.Judge(p, at, true), settings)
		}
	}
}

func TestJudgeLater(t *testing.T) {
	r := reporttest.Sample()
	r.Assessment.Database = policy.Age{Age: time.Hour}
	s := decode(t, r)
	p := policy.Default()
	before := s.Scan.Judge(p, time.Date(2026, 5, 31, 23, 0, 0, 0, time.UTC), true)
	after := s.Scan.Judge(p, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), true)
	assert.Equal(t, 2, before.Suppressed.High)
	assert.Equal(t, 1, after.Suppressed.High, "an entry of the ignore list has expired")
	assert.Equal(t, before.Failing+1, after.Failing)
	distrust := s.Scan.Judge(p, time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC), false)
	assert.Zero(t, distrust.Suppressed.Total())
	assert.Equal(t, before.Failing+2, distrust.Failing)
	require.NoError(t, p.Set(policy.KeyMaxDBAge, "7d", ""))
	assert.Equal(t, policy.ExitError, s.Scan.Judge(p, s.Scan.Data.Add(8*24*time.Hour), true).ExitCode)
	assert.Equal(t, policy.ExitGate, s.Scan.Judge(p, s.Scan.Data.Add(6*24*time.Hour), true).ExitCode)
}

// TestJudgeLaterThanTomorrow: the advisories were dated a little after the scan, as
// clocks differ, or at its very time. They get older all the same.
func TestJudgeLaterThanTomorrow(t *testing.T) {
	p := policy.Default()
	require.NoError(t, p.Set(policy.KeyMaxDBAge, "7d", ""))
	for _, age := range []time.Duration{-time.Hour, 0} {
		r := reporttest.Clean()
		r.DataDate = 1690000000
		r.Assessment.Database = policy.Age{Age: age}
		s := decode(t, r)
		assert.True(t, s.Scan.Judge(p, s.Scan.Data, true).Pass)
		assert.Equal(t, policy.ExitError, s.Scan.Judge(p, s.Scan.Data.Add(8*24*time.Hour), true).ExitCode)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := string(statement(predicate(t, reporttest.Sample())))
	_, err := attest.Decode([]byte(good))
	require.NoError(t, err)
	for name, tc := range map[string]struct{ old, new, want string }{
		"not json":            {good, "{", "not the JSON"},
		"more behind":         {good, good + "{}", "something follows"},
		"another type":        {"https://in-toto.io/Statement/v1", "https://example.com/x", "is not the type of an in-toto statement"},
		"another predicate":   {attest.PredicateType, "https://spdx.dev/Document", "not of a scan by this program"},
		"another scanner":     {attest.ExtensionType, "https://example.com/x", "not of a scan by this program"},
		"a finding less":      {`"suppressed":{"critical":0,"high":2`, `"suppressed":{"critical":0,"high":3`, "contradicts itself: it lists"},
		"unknown severity":    {`"method":"microscanner","score":"critical"`, `"method":"microscanner","score":"harmless"`, "cannot be told"},
		"no severity of ours": {`"method":"microscanner","score":"critical"`, `"method":"other","score":"critical"`, "no severity of this program's scale"},
		"two severities":      {`"method":"nvd","score":"critical"`, `"method":"microscanner","score":"low"`, "cannot be told"},
		"policy":              {`"fail-on":{"value":"high"`, `"fail-on":{"value":"never"`, "does not have the digest"},
		"verdict":             {`"pass":false`, `"pass":true`, "pass is true"},
		"origin":              {`"origin":"base"`, `"origin":"heaven"`, "no meaning"},
		"no time":             {`"scanFinishedOn":"2026`, `"scanFinished":"2026`, "when the scan finished"},
		"backwards":           {`"scanFinishedOn":"2026`, `"scanFinishedOn":"2025`, "finished before it started"},
		"no assessment":       {`"assessment":{`, `"other":{`, "does not say what could be assessed"},
		"no fixable":          {`"fixable":true`, `"fixed":true`, "does not say whether"},
		"expires":             {`"expires":"2026-06-01"`, `"expires":"sometime"`, "expires on \"sometime\", which is no day"},
		"deep":                {`"scanner":{`, `"scanner":{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `,`, "not one of vulnerabilities"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(good, tc.old, tc.new, 1)
			require.NotEqual(t, good, bad)
			_, err := attest.Decode([]byte(bad))
			require.ErrorContains(t, err, tc.want)
		})
	}
	_, err = attest.Decode(make([]byte, attest.MaxSize+1<<20+1))
	require.ErrorContains(t, err, "larger than 15 MiB")
}

// FuzzDecode: whatever is accepted can be judged, and says what it is about.
func FuzzDecode(f *testing.F) {
	f.Add(statement(predicate(f, reporttest.Sample())))
	f.Add(statement(predicate(f, reporttest.Clean())))
	f.Add([]byte(`{"_type":"https://in-toto.io/Statement/v1","predicateType":"` + attest.PredicateType + `","predicate":{"` + attest.ExtensionType + `":{}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := attest.Decode(text)
		if err != nil {
			return
		}
		v := s.Scan.Judge(policy.Default(), time.Unix(1800000000, 0), true)
		if n := v.Counts.Total() + v.KernelHeaders.Total() + v.Suppressed.Total(); n != len(s.Scan.Findings) {
			t.Fatalf("%d findings, %d judged", len(s.Scan.Findings), n)
		}
	})
}
