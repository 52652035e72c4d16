package debian

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/osv"
)

// extendedPage is where Freexian describes what it fixed.
const extendedPage = "https://deb.freexian.com/extended-lts/tracker/"

// ImportExtended reads the advisories of Freexian's Extended LTS, the updates of
// Debian's releases from the end of LTS on, in OSV, one record an advisory
// (https://github.com/captn3m0/debian-elts-advisories). They are for the
// packages that Freexian's customers use, and say only what was fixed.
func ImportExtended(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (feed.Stats, error) {
	e := &extended{emit: emit}
	err := osv.Walk(ctx, src, &e.stats, e.record)
	if err == nil && e.stats.Rows == 0 {
		err = fmt.Errorf("%s: these are not the advisories of Debian's Extended LTS: no advisory is in it", src.Location())
	}
	return e.stats, err
}

// extended reads the advisories of Extended LTS.
type extended struct {
	emit  func(advisory.Record) error
	stats feed.Stats
}

func (e *extended) record(where string, r *osv.Record) error {
	ids := r.CVEs()
	if len(ids) == 0 {
		if isCorrection(r) {
			return nil
		}
		ids = []string{r.ID}
	}
	for i := range r.Affected {
		a := &r.Affected[i]
		release, ok := a.Package.Release("Debian")
		if _, known := lifecycle(release); !ok || !known {
			e.stats.Report(where, "there is no release %q of Debian", a.Package.Ecosystem)
			continue
		}
		fixes := a.Fixes()
		if len(fixes) == 0 {
			e.stats.Report(where, "it states no version of %s", a.Package.Name)
		}
		for _, fixed := range fixes {
			if err := e.emitAll(r, ids, release, a.Package.Name, fixed); err != nil {
				return err
			}
		}
	}
	return nil
}

// isCorrection tells an advisory without a CVE that repairs an earlier update.
func isCorrection(r *osv.Record) bool {
	var specific struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(r.DatabaseSpecific, &specific) == nil && !isVulnerability(" - "+specific.Type)
}

func (e *extended) emitAll(r *osv.Record, ids []string, release, source, fixed string) error {
	for _, id := range ids {
		rec := advisory.Record{
			ID: id, Distro: ID, Release: release, Package: source, Kind: advisory.Source,
			Status: advisory.StatusFixed, Fixed: fixed,
			Published: osv.Day(r.Published), Modified: osv.Day(r.Modified), Description: r.Details, URL: extendedPage + id,
		}
		if fixed == "" {
			rec.Status = advisory.StatusAffected
		}
		if id != r.ID {
			rec.Aliases = []string{r.ID}
		}
		if err := e.emit(rec); err != nil {
			return err
		}
		e.stats.Rows++
	}
	return nil
}
