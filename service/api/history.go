package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/service/history"
	"github.com/example/microscanner-frontend/service/store"
)

// maxImageName is the length of an image's name in bytes. That of a reference
// is at most 255 and 128 for the tag.
const maxImageName = 400

// imageName is the name that the history of an image has: the reference as it
// was given, with its tag and without a digest, which would be another one each
// time. It is empty for a scan that the history leaves out.
func imageName(req *remote.ScanRequest) (string, error) {
	name, _, _ := strings.Cut(req.Image.Reference, "@")
	switch {
	case len(name) > maxImageName:
		return "", badRequest("image.reference is longer than %d bytes", maxImageName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unprintable):
		return "", badRequest("image.reference has characters that are not printable")
	case len(req.Image.Platform) > maxImageName || strings.ContainsFunc(req.Image.Platform, unprintable):
		return "", badRequest("image.platform is no platform")
	case name == "" && req.Watch:
		return "", badRequest("only an image with a name can be watched: set image.reference")
	}
	return name, nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// record keeps a scan in the history. That it cannot is no reason to withhold
// the report, unless the image is to be watched.
func (a *API) record(ctx context.Context, owner *store.Token, name string, req *remote.ScanRequest, r *report.Report, kept []byte) error {
	if name == "" {
		return nil
	}
	_, err := a.Store.AddScan(ctx, store.ScanRecord{
		TokenID: owner.ID, Image: name, Platform: req.Image.Platform, At: a.Now().UTC(),
		OS: strings.TrimSpace(r.OS + " " + r.Version), Packages: len(req.Inventory.Packages),
		Pass: r.Verdict.Pass, Database: r.Database.Digest, Findings: history.Findings(r), Inventory: kept,
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrLimit):
		return tooMany("the token watches as many images as it can; stop watching another one first", 0)
	case req.Watch:
		return storeFailed("keep the scan", err)
	}
	a.Metrics.HistoryFailed.Inc()
	a.Log.ErrorContext(ctx, "a scan is missing in the history", "error", err)
	return nil
}

// changes answers GET {name}/changes. A name may hold slashes, so that the
// pattern takes all that follows.
func (a *API) changes(w http.ResponseWriter, r *http.Request, owner store.Token) error {
	name, ok := strings.CutSuffix(r.PathValue("path"), "/changes")
	if !ok || name == "" {
		return noSuchPath(w, r)
	}
	out, err := a.compare(r, &owner, name)
	if err != nil {
		return err
	}
	out.send(w)
	return nil
}

// compare makes the answer about an image. It has a slot, as a scan has: two
// scans with all that they can find take as much memory as making one.
func (a *API) compare(r *http.Request, owner *store.Token, name string) (*reply, error) {
	ctx, cancel := context.WithTimeout(r.Context(), a.Timeout)
	defer cancel()
	if err := a.slots.Acquire(ctx, 1); err != nil {
		return nil, unavailable("the service has too much to do", err)
	}
	defer a.slots.Release(1)
	last, err := a.Store.LastScans(ctx, owner.ID, name, r.URL.Query().Get("platform"), 2)
	if err != nil {
		return nil, storeFailed("read the history", err)
	}
	if len(last) == 0 {
		return nil, notFound("the token has no scan of an image of that name")
	}
	out := remote.Changes{Image: name, Scanned: last[0].At, New: []remote.Change{}, Gone: []remote.Change{}}
	if len(last) > 1 {
		out.Previous = last[1].At
		out.New = history.Added(last[1].Findings, last[0].Findings)
		out.Gone = history.Added(last[0].Findings, last[1].Findings)
	}
	answer, err := a.encode(r, func(w io.Writer) error { return json.NewEncoder(w).Encode(out) })
	if err != nil {
		return nil, writeError(err)
	}
	return answer, nil
}

// unwatch answers DELETE {name}/watch.
func (a *API) unwatch(w http.ResponseWriter, r *http.Request, owner store.Token) error {
	name, ok := strings.CutSuffix(r.PathValue("path"), "/watch")
	if !ok || name == "" {
		return noSuchPath(w, r)
	}
	if err := a.Store.Unwatch(r.Context(), owner.ID, name); err != nil && !errors.Is(err, store.ErrNotFound) {
		return storeFailed("stop watching the image", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
