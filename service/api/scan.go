package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/scan"
	"github.com/example/microscanner-frontend/service/history"
	"github.com/example/microscanner-frontend/service/store"
)

const (
	// maxSuppressions is how many ignore entries and VEX statements a request has.
	maxSuppressions = 10_000
	// largeText is the size of an unpacked request from which on only one is
	// worked on at once: it takes several times its size in memory.
	largeText = 4 << 20
	// maxWord is the length in bytes of what a package and its source are called,
	// and of their versions: each finding has them, of which there can be many.
	maxWord = 512
	// usualPackages is the number of packages for which there is room before they
	// are counted.
	usualPackages = 1000
)

// scan counts a scan, does it, and gives it back if the service failed. It is
// counted before the body is read: who has no scan left costs next to nothing.
func (a *API) scan(w http.ResponseWriter, r *http.Request, owner store.Token) error {
	ctx, cancel := context.WithTimeout(r.Context(), a.Timeout)
	defer cancel()
	r = r.WithContext(ctx)
	now := a.Now().UTC()
	quota, err := a.take(w, r, &owner, now)
	if err != nil {
		return err
	}
	counts := false
	defer func() { // also when the scan panics
		if !counts {
			a.giveBack(w, r, &owner, quota, now)
		}
	}()
	out, err := a.scanBody(w, r, &owner)
	counts = err == nil || !ours(err)
	if err != nil {
		if counts {
			return err
		}
		counts = true // given back here, before the headers are written
		a.giveBack(w, r, &owner, quota, now)
		return err
	}
	out.send(w)
	return nil
}

// scanBody gives the report. While the client sends and receives, the
// scan has no slot.
func (a *API) scanBody(w http.ResponseWriter, r *http.Request, owner *store.Token) (out *reply, err error) {
	body, err := a.readBody(w, r)
	if err != nil {
		return nil, err
	}
	defer body.free()
	if err := a.slots.Acquire(r.Context(), 1); err != nil {
		return nil, unavailable("the service has too much to do", err)
	}
	defer a.slots.Release(1)
	a.Metrics.Scanning.Inc()
	defer a.Metrics.Scanning.Dec()
	err = a.bodies.unpack(r.Header.Get("Content-Encoding"), body.text, func(text []byte) (err error) {
		if len(text) > largeText {
			if !a.large.TryAcquire(1) {
				return unavailable("the service works on another large inventory", nil)
			}
			defer a.large.Release(1)
		}
		out, err = a.scanText(r, text, owner)
		return err
	})
	return out, err
}

// scanText reads a request, scans, and writes the report.
func (a *API) scanText(request *http.Request, text []byte, owner *store.Token) (*reply, error) {
	ctx := request.Context()
	req, err := decodeScan(text)
	if err != nil {
		return nil, err
	}
	name, err := imageName(req)
	if err != nil {
		return nil, err
	}
	p, err := history.Policy(a.Policy, req)
	if err != nil {
		return nil, badRequest("%v", err)
	}
	var kept []byte
	if req.Watch {
		// Before the scan, which writes notes into the inventory.
		if kept, err = history.Pack(req); err != nil {
			return nil, err
		}
	}
	r, err := a.assess(ctx, req, p)
	if err != nil {
		return nil, err
	}
	out, err := a.encode(request, func(w io.Writer) error { return report.WriteJSON(w, r) })
	if err != nil {
		return nil, writeError(err)
	}
	// Last: a scan that is not answered must not be what the next is compared with.
	if err := a.record(ctx, owner, name, req, r, kept); err != nil {
		out.free()
		return nil, err
	}
	a.Metrics.scanned(r, len(req.Inventory.Packages))
	return out, nil
}

// writeError is about a report that cannot be written.
func writeError(err error) error {
	if errors.Is(err, errBudget) {
		return unavailable("the service has too much to do", err)
	}
	return tooLarge("%v", err)
}

func decodeScan(text []byte) (*remote.ScanRequest, error) {
	objects, err := checkShape(text)
	if err != nil {
		return nil, err
	}
	var req remote.ScanRequest
	// Most objects are packages. More than usual images have are not believed.
	req.Inventory.Packages = make([]inventory.Package, 0, min(objects, usualPackages))
	if err := json.Unmarshal(text, &req); err != nil {
		return nil, badRequest("the body is not the JSON document that docs/openapi.yaml describes")
	}
	switch {
	case req.SchemaVersion != inventory.SchemaVersion:
		return nil, badRequest("the inventory has schema version %d; this service reads %d", req.SchemaVersion, inventory.SchemaVersion)
	case len(req.Inventory.Packages) > inventory.MaxPackages:
		return nil, tooLarge("the inventory has %d packages; more than %d are not read", len(req.Inventory.Packages), inventory.MaxPackages)
	case slices.ContainsFunc(req.Inventory.Packages, hasLongWord):
		return nil, tooLarge("the inventory has a package whose name or version is longer than %d bytes", maxWord)
	case len(req.Suppressions) > maxSuppressions:
		return nil, tooLarge("there are %d suppressions; more than %d are not read", len(req.Suppressions), maxSuppressions)
	}
	return &req, nil
}

func hasLongWord(p inventory.Package) bool {
	return max(len(p.Name), len(p.Version), len(p.SourceName), len(p.SourceVersion)) > maxWord
}

// assess makes the report with the newest database.
func (a *API) assess(ctx context.Context, req *remote.ScanRequest, p policy.Policy) (*report.Report, error) {
	inv := &req.Inventory
	_, known := distro.ByID(a.Distros, inv.OS.Distro)
	if !known && inv.Unsupported == "" && !inv.NoPackages {
		return nil, badRequest("the inventory is of %q, which is not a supported distribution", inv.OS.Distro)
	}
	o := scan.Options{
		Policy: p, Suppressions: req.Suppressions, Image: req.Image, Scanner: a.Version, FullOutput: req.FullOutput,
		UnderInvestigation: req.UnderInvestigation, Distros: a.Distros, Now: a.Now, Stop: ctx.Err,
	}
	lent, done := a.Databases.Acquire()
	defer done()
	var advisories *db.DB
	if lent != nil {
		advisories, o.Cache = lent.DB, lent.Cache
	}
	started := time.Now()
	r, err := scan.Assess(inv, advisories, o)
	a.Metrics.Assessment.Observe(time.Since(started).Seconds())
	switch {
	case errors.Is(err, scan.ErrNeedsDatabase):
		return nil, unavailable("the service has no advisory database yet", err)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, tooLarge("the scan takes longer than %s", a.Timeout)
	case errors.Is(err, context.Canceled):
		return nil, badRequest("the client did not wait for the report")
	case errors.Is(err, match.ErrTooMany):
		return nil, tooLarge("%v", err)
	case err != nil:
		return nil, internal(err)
	}
	return r, nil
}
