package frontend

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/formats"
	"github.com/example/microscanner-frontend/scanner/report/formats/all"
)

// Keys of a subrequest's answer, as buildx reads them.
const (
	metaText       = "result.txt"
	metaJSON       = "result.json"
	metaStatusCode = "result.statuscode"
	metaVersion    = "version"
)

// parseRequest tells what a build asks for. A requestScan may have the name of
// a report's format behind it, "frontend.scan.sarif": buildx keeps what stands
// behind format= to itself.
func parseRequest(id string) (request string, format formats.Format, err error) {
	if !isScanRequest(id) || id == requestScan {
		return id, formats.Format{}, nil
	}
	format, err = formats.Find(all.List(), strings.TrimPrefix(id, requestScan+"."))
	if err != nil {
		return "", formats.Format{}, fmt.Errorf("microscanner: error: --call=%s: %w", strings.TrimPrefix(id, "frontend."), err)
	}
	return requestScan, format, nil
}

// isScanRequest reports whether a subrequest is our own.
func isScanRequest(id string) bool {
	return id == requestScan || strings.HasPrefix(id, requestScan+".")
}

// scanRequest describes requestScan to those who ask.
func scanRequest() subrequests.Request {
	return subrequests.Request{
		Name:    requestScan,
		Version: "1.1.0",
		Type:    subrequests.TypeRPC,
		Description: "Build, scan and print the findings; export nothing. As " + requestScan + ".FORMAT in another format: " +
			strings.Join(formats.Names(all.List()), ", "),
		Opts: []subrequests.Named{{Name: optTarget, Description: "Target build stage"}},
		Metadata: []subrequests.Named{
			{Name: metaJSON, Description: "The report; a list of reports if several platforms or stages are scanned"},
			{Name: metaText, Description: "The findings as a table, or the reports in the format that was asked for"},
			{Name: metaStatusCode, Description: "0 if the image passes, 4 if the gate fails"},
		},
	}
}

// withScanDescribed adds requestScan to the Dockerfile frontend's list of
// subrequests.
func withScanDescribed(res *client.Result) (*client.Result, error) {
	var all []subrequests.Request
	if err := json.Unmarshal(res.Metadata[metaJSON], &all); err != nil {
		return nil, fmt.Errorf("read the Dockerfile frontend's list of subrequests: %w", err)
	}
	dt, err := json.MarshalIndent(append(all, scanRequest()), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the list of subrequests: %w", err)
	}
	var text bytes.Buffer
	if err := subrequests.PrintDescribe(dt, &text); err != nil {
		return nil, fmt.Errorf("print the list of subrequests: %w", err)
	}
	res.AddMeta(metaJSON, dt)
	res.AddMeta(metaText, text.Bytes())
	return res, nil
}

// maxAnswer bounds an answer: a message of BuildKit's holds at most 16 MiB.
const maxAnswer = 15 << 20

// answer is the result of requestScan. Findings are an answer; a scan that
// could not be done is an error, and never the answer 4.
func (o outcomes) answer(cfg config) (*client.Result, error) {
	deciding := o.deciding(cfg.GateStages)
	if bad := deciding.firstError(); bad != nil {
		return nil, errors.New(notAssessed(bad))
	}
	reports := make([]*report.Report, len(o))
	for i := range o {
		reports[i] = o[i].report
	}
	code := policy.ExitPass
	for _, s := range deciding {
		code = max(code, s.report.Verdict.ExitCode)
	}
	res := client.NewResult()
	res.AddMeta(metaStatusCode, []byte(strconv.Itoa(code)))
	res.AddMeta(metaVersion, []byte(scanRequest().Version))
	size := 0
	for key, format := range answerFormats(cfg.format) {
		var b bytes.Buffer
		if err := format.WriteAll(&b, reports); err != nil {
			return nil, scanError(o[0].target, err)
		}
		dt := b.Bytes()
		if key == metaJSON {
			dt = bytes.TrimSpace(dt) // buildx ends the line
		}
		res.AddMeta(key, dt)
		size += len(dt)
	}
	if size > maxAnswer {
		return nil, fmt.Errorf("microscanner: error: the reports are larger than the %d MiB that an answer can hold. "+
			"This is an error in the scan, not a finding: keep them as files, with --build-arg MICROSCANNER_RESULT=report --output DIR", maxAnswer>>20)
	}
	return res, nil
}

// answerFormats are the formats of an answer by their keys. Where JSON is asked
// for and the answer has none, buildx prints the text: so JSON in another format
// goes there alone.
func answerFormats(asked formats.Format) map[string]formats.Format {
	out := map[string]formats.Format{metaText: asked}
	for _, f := range formats.Native() {
		switch {
		case f.Name == formats.Table && asked.Name == "":
			out[metaText] = f
		case f.Name == formats.JSON && !strings.Contains(asked.MediaType, "json"):
			out[metaJSON] = f
		}
	}
	return out
}
