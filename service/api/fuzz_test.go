package api_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/scan"
	"github.com/example/microscanner-frontend/service/api"
	"github.com/example/microscanner-frontend/service/mail"
	"github.com/example/microscanner-frontend/service/servicetest"
	"github.com/example/microscanner-frontend/service/webhook"
)

// seed adds a good body and bad ones.
func seed(f *testing.F, good any) {
	f.Helper()
	text, err := json.Marshal(good)
	require.NoError(f, err)
	for _, seed := range []string{string(text), "", "{}", "[]", "null", `{"a":`, "\xff", `{"url":"https://example.org/%zz"}`, `{"email":"a@[::1]"}`} {
		f.Add([]byte(seed))
	}
}

// FuzzScan: a body is refused as the client's mistake, or can be scanned.
func FuzzScan(f *testing.F) {
	seed(f, servicetest.Request(image, 2))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := api.DecodeScan(body)
		if err != nil {
			assert.False(t, api.Ours(err), "%v", err)
			return
		}
		if req.Inventory.Unsupported = "not assessed"; len(req.Suppressions) > 0 {
			return // the scanner's own fuzzing is about these
		}
		_, err = scan.Assess(&req.Inventory, nil, scan.Options{Distros: all.List(), Now: time.Now, FullOutput: req.FullOutput})
		assert.NoError(t, err)
	})
}

// FuzzRegister: an address is refused, or is one that a mail can be sent to.
func FuzzRegister(f *testing.F) {
	seed(f, remote.RegisterRequest{Email: "a@example.org", TermsVersion: "1"})
	f.Fuzz(func(t *testing.T, body []byte) {
		var req remote.RegisterRequest
		if err := api.ReadJSON(body, &req); err != nil {
			assert.False(t, api.Ours(err), "%v", err)
			return
		}
		if address, err := mail.ParseAddress(req.Email); err == nil {
			assert.NotRegexp(t, `[\x00-\x20,;<>]`, address)
		}
	})
}

// FuzzWebhook: what is no address outside is refused.
func FuzzWebhook(f *testing.F) {
	seed(f, api.WebhookRequest{URL: "https://hooks.example.org/a"})
	f.Fuzz(func(t *testing.T, body []byte) {
		var req api.WebhookRequest
		if err := api.ReadJSON(body, &req); err != nil {
			assert.False(t, api.Ours(err), "%v", err)
			return
		}
		if new(webhook.Addresses).CheckURL(req.URL) == nil {
			assert.Regexp(t, `^(?i:https)://`, req.URL)
		}
	})
}
