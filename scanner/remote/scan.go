package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

// Quota is what is left of a token's scans.
type Quota struct {
	Limit, Remaining int // a day
}

// Answer is what a service found.
type Answer struct {
	Report *report.Report
	// Quota is zero if the service does not tell it.
	Quota Quota
}

// Scan asks for the report of an inventory. It sets the request's schema
// version. An answer that was not judged as the request asks is an error.
func (c *Client) Scan(ctx context.Context, req ScanRequest) (Answer, error) {
	req.SchemaVersion = inventory.SchemaVersion
	body, err := json.Marshal(req)
	if err != nil {
		return Answer{}, fmt.Errorf("write the request: %w", err)
	}
	var answer Answer
	err = c.do(ctx, call{method: http.MethodPost, path: PathScan, body: body, read: func(body io.Reader, header http.Header) error {
		r, err := report.Decode(body)
		if err != nil {
			return err
		}
		if err := c.withoutToken(r); err != nil {
			return err
		}
		answer = Answer{r, quota(header)}
		return asAsked(r, req)
	}})
	if err != nil {
		return Answer{}, err
	}
	return answer, nil
}

// asAsked checks that a report is of what was asked for: neither a service that
// does not know a setting nor a cache on the way may let an image pass, and no
// verdict may that does not follow from the report.
func asAsked(r *report.Report, req ScanRequest) error {
	if r.Image != req.Image {
		return fmt.Errorf("the report is of another image, %q", r.Image.Reference)
	}
	for _, key := range policy.Keys() {
		asked, ok := req.Policy[key]
		if got := r.Policy[key].Value; ok && got != asked.Value {
			return fmt.Errorf("the verdict was reached with %s=%s, not with %s as asked", key, got, asked.Value)
		}
	}
	again := *r
	if err := again.Rejudge(); err != nil {
		return err
	}
	if r.Verdict.Pass && !again.Verdict.Pass {
		return fmt.Errorf("the verdict is a pass, but by what the report says: %s", again.Verdict.Reason)
	}
	return nil
}

// withoutToken checks that a service did not put the token into a report, which
// is published: in logs, and attached to the image.
func (c *Client) withoutToken(r *report.Report) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if c.options.Token.inJSON(string(text)) {
		return errors.New("the report repeats the token")
	}
	return nil
}

func quota(h http.Header) Quota {
	limit, err := strconv.ParseUint(h.Get(HeaderLimit), 10, 31)
	left, err2 := strconv.ParseUint(h.Get(HeaderRemaining), 10, 31)
	if err != nil || err2 != nil {
		return Quota{}
	}
	return Quota{int(limit), int(left)}
}

// Terms asks for the terms that a registration accepts.
func (c *Client) Terms(ctx context.Context) (Terms, error) {
	var terms Terms
	err := c.do(ctx, call{method: http.MethodGet, path: PathTerms, read: decode(&terms)})
	if err == nil && (terms.Version == "" || terms.Text == "") {
		err = fmt.Errorf("%s does not answer as a microscanner service does: it has no terms", c.Server())
	}
	return terms, err
}

// Register asks for a token, which comes by e-mail.
func (c *Client) Register(ctx context.Context, req RegisterRequest) error {
	body, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	var said Message
	return c.do(ctx, call{method: http.MethodPost, path: PathRegister, body: body, once: true, read: decode(&said)})
}
