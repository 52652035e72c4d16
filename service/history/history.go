// Package history is what the service keeps of a scan, and what it tells by it.
package history

import (
	"encoding/json"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/service/store"
)

// Findings are those of a report that count, as the history keeps them.
func Findings(r *report.Report) []store.Finding {
	found := r.Findings()
	out := make([]store.Finding, 0, len(found))
	for i := range found {
		f := &found[i]
		out = append(out, store.Finding{
			ID: f.ID, Package: f.Source.Name, Version: f.Source.Version, Severity: f.Severity.String(), Fixed: f.Fixed,
		})
	}
	return out
}

// Pack is the form in which the request of a watched image is kept: with its
// inventory, and with what decides which findings count.
func Pack(req *remote.ScanRequest) ([]byte, error) {
	text, err := json.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("keep the inventory: %w", err)
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("keep the inventory: %w", err)
	}
	defer z.Close()
	return z.EncodeAll(text, nil), nil
}

// Unpack reads what Pack made.
func Unpack(packed []byte) (*remote.ScanRequest, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(2*inventory.MaxSize))
	if err != nil {
		return nil, fmt.Errorf("read a kept inventory: %w", err)
	}
	defer z.Close()
	text, err := z.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("read a kept inventory: %w", err)
	}
	var req remote.ScanRequest
	if err := json.Unmarshal(text, &req); err != nil {
		return nil, fmt.Errorf("read a kept inventory: %w", err)
	}
	return &req, nil
}

// Policy is the service's policy with what a request sets. The error is a
// *policy.SettingError.
func Policy(base policy.Policy, req *remote.ScanRequest) (policy.Policy, error) {
	for _, key := range policy.Keys() {
		if v, ok := req.Policy[key]; ok {
			if err := base.Set(key, v.Value, v.From); err != nil {
				return base, err
			}
		}
	}
	for key := range req.Policy {
		if policy.Allowed(key) == nil {
			return base, &policy.SettingError{Key: key, Allowed: policy.Keys(), UnknownKey: true}
		}
	}
	return base, nil
}

// Added lists what is in the second list and not in the first. A finding is the
// same in another version of its package, and with another severity or fix.
func Added(before, after []store.Finding) []remote.Change {
	type key struct{ id, pkg string }
	known := make(map[key]bool, len(before))
	for _, f := range before {
		known[key{f.ID, f.Package}] = true
	}
	out := []remote.Change{}
	for _, f := range after {
		if !known[key{f.ID, f.Package}] {
			out = append(out, remote.Change(f))
		}
	}
	return out
}
