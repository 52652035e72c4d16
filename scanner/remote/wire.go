// Package remote talks to a service that scans inventories: what goes over the
// wire, and the client. The service's own description is docs/openapi.yaml.
package remote

import (
	"time"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

// The paths of the service's API.
const (
	PathTerms    = "/api/v1/terms"    // GET: Terms
	PathRegister = "/api/v1/register" // POST RegisterRequest: Message
	PathConfirm  = "/api/v1/confirm"  // POST, with a token: TokenInfo
	PathScan     = "/api/v1/scan"     // POST ScanRequest, with a token: report.Report
	PathToken    = "/api/v1/token"    //nolint:gosec // GET TokenInfo, DELETE; with a token. A path, no secret
	PathImages   = "/api/v1/images/"  // GET {name}/changes, with a token: Changes
	PathClient   = "/api/v1/client/"  // GET {os}/{arch}, and with .sha256 behind it
)

// The headers that tell a token's quota in every answer to a scan; Reset is in
// seconds from now (draft-ietf-httpapi-ratelimit-headers, first edition).
const (
	HeaderLimit     = "RateLimit-Limit"
	HeaderRemaining = "RateLimit-Remaining"
	HeaderReset     = "RateLimit-Reset"
)

// ScanRequest asks for the report of an inventory.
type ScanRequest struct {
	SchemaVersion int                     `json:"schema_version"` // inventory.SchemaVersion
	Inventory     inventory.Inventory     `json:"inventory"`
	Image         report.Image            `json:"image"`
	Policy        map[string]policy.Value `json:"policy,omitempty"` // what is not set has the service's default
	Suppressions  []policy.Suppression    `json:"suppressions,omitempty"`
	// FullOutput and UnderInvestigation are those of scan.Options.
	FullOutput         bool `json:"full_output,omitempty"`
	UnderInvestigation bool `json:"under_investigation,omitempty"`
	// Watch asks the service to keep the inventory, and to tell the token's
	// webhooks when it becomes newly affected.
	Watch bool `json:"watch,omitempty"`
}

// Terms are those that a registration accepts.
type Terms struct {
	Version string `json:"version"`
	Text    string `json:"text"`
}

// RegisterRequest asks for a token. The answer is the same whether the address
// is known or not.
type RegisterRequest struct {
	Email        string `json:"email"`
	TermsVersion string `json:"terms_version"` // of the terms that were shown and accepted
}

// Message is an answer for people.
type Message struct {
	Message string `json:"message"`
}

// TokenInfo is what the service tells the owner of a token.
type TokenInfo struct {
	Created   time.Time `json:"created"`
	Confirmed time.Time `json:"confirmed,omitzero"`
	LastUsed  time.Time `json:"last_used,omitzero"`
	Limit     int       `json:"limit"`     // scans a day
	Remaining int       `json:"remaining"` // today
	Reset     time.Time `json:"reset"`     // the next midnight, UTC
}

// Changes is what is new since the last scan but one of an image.
type Changes struct {
	Image    string    `json:"image"`
	Scanned  time.Time `json:"scanned"`
	Previous time.Time `json:"previous,omitzero"` // zero after the first scan
	New      []Change  `json:"new"`
	Gone     []Change  `json:"gone"`
}

// Change is a finding that came or went.
type Change struct {
	ID       string `json:"id"`
	Package  string `json:"package"` // the source package
	Version  string `json:"version"`
	Severity string `json:"severity"`
	Fixed    string `json:"fixed,omitempty"`
}

// Error is the body of every answer that is not a success.
type Error struct {
	Code    string `json:"code"`    // one of the codes
	Message string `json:"message"` // a sentence for people
	// RetryAfter is in how many seconds to try again; 0 if that is no use. The
	// header Retry-After says the same.
	RetryAfter int `json:"retry_after,omitempty"`
}

// The codes of Error.
const (
	CodeBadRequest   = "bad_request"    // 400
	CodeUnauthorized = "unauthorized"   // 401: no token, or none that is known
	CodeRevoked      = "token_revoked"  // 401
	CodeNotFound     = "not_found"      // 404
	CodeTooLarge     = "too_large"      // 413
	CodeQuota        = "quota_exceeded" // 429: the day's scans are used up
	CodeTooMany      = "too_many"       // 429: of registrations, or of requests at once
	CodeInternal     = "internal"       // 500
	CodeUnavailable  = "unavailable"    // 503: no database yet, or stopping
)
