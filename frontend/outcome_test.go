package frontend

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// scanned is the outcome of a scan that found one vulnerability in each of the
// source packages.
func scanned(platform string, code int, s severity.Severity, sources ...string) outcome {
	r := &report.Report{SchemaVersion: report.SchemaVersion, Image: report.Image{Platform: platform}}
	r.Verdict = policy.Verdict{Pass: code == policy.ExitPass, ExitCode: code, Reason: "the reason\x1b[31m"}
	for i, name := range sources {
		r.Verdict.Counts.Add(s)
		r.Resources = append(r.Resources, report.Resource{
			Resource:        report.Package{Name: "lib" + name, Source: report.Source{Name: name, Version: "1.0"}},
			Vulnerabilities: []report.Vulnerability{{Name: fmt.Sprintf("CVE-2026-%04d", i), Severity: s}},
		})
	}
	return outcome{target: target{platform: platform}, report: r}
}

func many(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("pkg%02d", i))
	}
	return names
}

func TestWarningsNameTenPackagesAndCountTheRest(t *testing.T) {
	got := outcomes{
		scanned("linux/amd64", policy.ExitPass, severity.Low, many(12)...),
		scanned("linux/arm64", policy.ExitPass, severity.Low, many(12)...),
	}.warnings()
	require.Len(t, got, 11)
	require.Equal(t, "pkg00 1.0 no fix: 1 low (CVE-2026-0000)", got[0].text)
	require.Equal(t, "2 more packages have findings; docker buildx build --call=scan lists them", got[10].text)

	require.Len(t, outcomes{scanned("linux/amd64", policy.ExitPass, severity.Low, many(10)...)}.warnings(), 10)
	require.Empty(t, outcomes{scanned("linux/amd64", policy.ExitPass, severity.Low)}.warnings())
}

func TestWarningsAreSortedOverAllPlatforms(t *testing.T) {
	got := outcomes{
		scanned("linux/amd64", policy.ExitPass, severity.Low, "bash"),
		scanned("linux/arm64", policy.ExitPass, severity.Medium, "zlib"),
	}.warnings()
	require.Equal(t, []warning{{text: "zlib 1.0 no fix: 1 medium (CVE-2026-0000)"}, {text: "bash 1.0 no fix: 1 low (CVE-2026-0000)"}}, got)
}

func TestAnswer(t *testing.T) {
	pass := scanned("linux/amd64", policy.ExitPass, severity.Low, "bash")
	fail := scanned("linux/arm64", policy.ExitGate, severity.High, "zlib")

	res, err := outcomes{pass}.answer(config{})
	require.NoError(t, err)
	require.Equal(t, "0", string(res.Metadata[metaStatusCode]))
	var one report.Report
	require.NoError(t, json.Unmarshal(res.Metadata[metaJSON], &one))
	require.Equal(t, "linux/amd64", one.Image.Platform)
	require.True(t, res.IsEmpty(), "nothing to export")

	res, err = outcomes{pass, fail}.answer(config{})
	require.NoError(t, err)
	require.Equal(t, "4", string(res.Metadata[metaStatusCode]))
	var two []report.Report
	require.NoError(t, json.Unmarshal(res.Metadata[metaJSON], &two))
	require.Len(t, two, 2)
	require.Equal(t, "linux/arm64", two[1].Image.Platform)
	require.Contains(t, string(res.Metadata[metaText]), "zlib")
}

// ofStage makes an outcome that of a stage.
func ofStage(o outcome, stage string) outcome {
	o.stage, o.report.Image.Stage = stage, stage
	return o
}

func TestStagesDecideOnlyIfTheyShall(t *testing.T) {
	all := outcomes{
		scanned("linux/amd64", policy.ExitPass, severity.Low, "bash"),
		ofStage(scanned("linux/amd64", policy.ExitGate, severity.High, "zlib"), "build"),
	}
	require.Empty(t, all.deciding(false).failing())
	require.Len(t, all.deciding(true).failing(), 1)

	res, err := all.answer(config{})
	require.NoError(t, err)
	require.Equal(t, "0", string(res.Metadata[metaStatusCode]))
	var reports []report.Report
	require.NoError(t, json.Unmarshal(res.Metadata[metaJSON], &reports))
	require.Equal(t, []string{"", "build"}, []string{reports[0].Image.Stage, reports[1].Image.Stage})
	gated := config{}
	gated.GateStages = true
	res, err = all.answer(gated)
	require.NoError(t, err)
	require.Equal(t, "4", string(res.Metadata[metaStatusCode]))

	all[1].report.Verdict.ExitCode = policy.ExitError
	_, err = all.answer(config{})
	require.NoError(t, err)
	require.Equal(t, `stage build: cannot be fully assessed: the reason\x1b[31m`, all.warnings()[0].text)
	_, err = all.answer(gated)
	require.ErrorContains(t, err, `stage build: the reason\x1b[31m`)
}

func TestWarningsOfStagesComeLast(t *testing.T) {
	got := outcomes{
		ofStage(scanned("linux/amd64", policy.ExitPass, severity.High, many(12)...), "build"),
		scanned("linux/amd64", policy.ExitPass, severity.Low, "bash"),
	}.warnings()
	require.Len(t, got, 12)
	require.Equal(t, "bash 1.0 no fix: 1 low (CVE-2026-0000)", got[0].text)
	require.Equal(t, "stage build: pkg00 1.0 no fix: 1 high (CVE-2026-0000)", got[1].text)
	require.Equal(t, "other stages: 2 more packages have findings; docker buildx build --call=scan lists them", got[11].text)
}

func TestAnswerInAnotherFormat(t *testing.T) {
	o := outcomes{scanned("linux/amd64", policy.ExitGate, severity.High, "zlib")}
	answer := func(id string) map[string][]byte {
		request, format, err := parseRequest(id)
		require.NoError(t, err)
		require.Equal(t, requestScan, request)
		res, err := o.answer(config{format: format})
		require.NoError(t, err)
		require.Equal(t, "4", string(res.Metadata[metaStatusCode]))
		return res.Metadata
	}
	meta := answer("frontend.scan.sarif")
	require.Contains(t, string(meta[metaText]), `"version":"2.1.0"`)
	require.NotContains(t, meta, metaJSON, "so that buildx prints the text where JSON is asked for")
	meta = answer("frontend.scan.junit")
	require.Contains(t, string(meta[metaText]), "<testsuite")
	require.JSONEq(t, string(answer("frontend.scan.json")[metaText]), string(meta[metaJSON]))
	require.Equal(t, answer("frontend.scan")[metaText], answer("frontend.scan.table")[metaText])

	_, _, err := parseRequest("frontend.scan.pdf")
	require.ErrorContains(t, err, `microscanner: error: --call=scan.pdf: there is no format "pdf"; the formats are json, table, `)
	request, _, err := parseRequest("frontend.scanner")
	require.NoError(t, err)
	require.Equal(t, "frontend.scanner", request)
}

func TestAnswerThatIsTooLarge(t *testing.T) {
	o := scanned("linux/amd64", policy.ExitPass, severity.Low, "bash")
	o.report.Resources[0].Vulnerabilities[0].Description = strings.Repeat("x", maxAnswer)
	_, err := outcomes{o}.answer(config{})
	require.ErrorContains(t, err, "MICROSCANNER_RESULT=report")
}

func TestAnErrorIsNoAnswer(t *testing.T) {
	_, err := outcomes{
		scanned("linux/amd64", policy.ExitGate, severity.High, "zlib"),
		scanned("linux/arm64", policy.ExitError, severity.High, "zlib"),
	}.answer(config{})
	require.EqualError(t, err, `microscanner: error: the image of linux/arm64 cannot be fully assessed, so it is not exported. `+
		`This is an error in the scan, not a finding: the reason\x1b[31m`)
}

func TestDescribeListsTheScan(t *testing.T) {
	res := client.NewResult()
	res.AddMeta(metaJSON, []byte(`[{"name":"frontend.outline","version":"1.0.0","type":"rpc","description":"List all"}]`))
	res, err := withScanDescribed(res)
	require.NoError(t, err)
	var all []subrequests.Request
	require.NoError(t, json.Unmarshal(res.Metadata[metaJSON], &all))
	require.Len(t, all, 2)
	require.Equal(t, "frontend.outline", all[0].Name)
	require.Equal(t, scanRequest(), all[1])
	require.Contains(t, string(res.Metadata[metaText]), "\nscan    1.1.0   Build, scan")

	_, err = withScanDescribed(client.NewResult())
	require.Error(t, err)
}

// ref stands for a rootfs; nothing of it is called here.
type ref struct {
	client.Reference
	name string
}

func platformsMeta(t *testing.T, ids ...string) []byte {
	t.Helper()
	var ps exptypes.Platforms
	for _, id := range ids {
		ps.Platforms = append(ps.Platforms, exptypes.Platform{ID: id, Platform: ocispecs.Platform{OS: "linux", Architecture: id[len("linux/"):]}})
	}
	dt, err := json.Marshal(ps)
	require.NoError(t, err)
	return dt
}

func TestTargetsOf(t *testing.T) {
	amd, arm := &ref{name: "amd"}, &ref{name: "arm"}
	single := func(r client.Reference, ids ...string) *client.Result {
		res := client.NewResult()
		res.SetRef(r)
		res.AddMeta(exptypes.ExporterPlatformsKey, platformsMeta(t, ids...))
		return res
	}
	multi := func(ids ...string) *client.Result {
		res := client.NewResult()
		res.AddRef("linux/amd64", amd)
		res.AddRef("linux/arm64", arm)
		res.AddMeta(exptypes.ExporterPlatformsKey, platformsMeta(t, ids...))
		return res
	}

	got, err := targetsOf(single(amd, "linux/amd64"))
	require.NoError(t, err)
	require.Equal(t, []target{{platform: "linux/amd64", ref: amd}}, got)

	got, err = targetsOf(single(nil, "linux/amd64"))
	require.NoError(t, err, "an image from scratch has no reference")
	require.Equal(t, []target{{platform: "linux/amd64"}}, got)

	got, err = targetsOf(multi("linux/arm64", "linux/amd64"))
	require.NoError(t, err)
	require.Equal(t, []target{{platform: "linux/arm64", ref: arm}, {platform: "linux/amd64", ref: amd}}, got)

	_, err = targetsOf(single(amd, "linux/amd64", "linux/arm64"))
	require.Error(t, err)
	_, err = targetsOf(multi("linux/amd64"))
	require.Error(t, err, "linux/arm64 would get out without a scan")
	_, err = targetsOf(multi("linux/amd64", "linux/386"))
	require.Error(t, err)
	both := multi("linux/amd64", "linux/arm64")
	both.Ref = amd
	_, err = targetsOf(both)
	require.Error(t, err)
}
