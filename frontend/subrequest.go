package frontend

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

// Keys of a subrequest's answer, as buildx reads them.
const (
	metaText       = "result.txt"
	metaJSON       = "result.json"
	metaStatusCode = "result.statuscode"
	metaVersion    = "version"
)

// scanRequest describes requestScan to those who ask.
func scanRequest() subrequests.Request {
	return subrequests.Request{
		Name:        requestScan,
		Version:     "1.0.0",
		Type:        subrequests.TypeRPC,
		Description: "Build, scan and print the findings; export nothing",
		Opts:        []subrequests.Named{{Name: optTarget, Description: "Target build stage"}},
		Metadata: []subrequests.Named{
			{Name: metaJSON, Description: "The report; a list of reports if several platforms are built"},
			{Name: metaText, Description: "The findings as a table"},
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

// answer is the result of requestScan. Findings are an answer; a scan that
// could not be done is an error, and never the answer 4.
func (o outcomes) answer() (*client.Result, error) {
	if bad := o.firstError(); bad != nil {
		return nil, errors.New(notAssessed(bad))
	}
	var text, doc bytes.Buffer
	code := policy.ExitPass
	for i, s := range o {
		if i > 0 {
			text.WriteByte('\n')
		}
		if err := report.WriteTable(&text, s.report); err != nil {
			return nil, scanError(s.target, err)
		}
		code = max(code, s.report.Verdict.ExitCode)
	}
	if err := o.writeJSON(&doc); err != nil {
		return nil, scanError(o[0].target, err)
	}
	res := client.NewResult()
	res.AddMeta(metaText, text.Bytes())
	res.AddMeta(metaJSON, bytes.TrimSpace(doc.Bytes()))
	res.AddMeta(metaStatusCode, []byte(strconv.Itoa(code)))
	res.AddMeta(metaVersion, []byte(scanRequest().Version))
	return res, nil
}

// writeJSON writes the report, or a list of them if there are several.
func (o outcomes) writeJSON(b *bytes.Buffer) error {
	if len(o) == 1 {
		return report.WriteJSON(b, o[0].report)
	}
	b.WriteString("[")
	for i, s := range o {
		if i > 0 {
			b.WriteString(",\n")
		}
		if err := report.WriteJSON(b, s.report); err != nil {
			return err
		}
	}
	b.WriteString("]")
	return nil
}
