package rebuild

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/osv"
)

// OSV imports a distribution's advisories from an archive of OSV records. They
// carry no architectures, and modules only in the title: the modular packages of
// an advisory whose title names none are left out, and reported. Records that
// name no CVE are bug fixes and enhancements, and no vulnerabilities.
type OSV struct {
	// Distro is the distribution's key in advisory records, Ecosystem the name of
	// it in OSV.
	Distro, Ecosystem string
	// Kind is the kind of package names in the records.
	Kind advisory.Kind
	// Skip tells packages that the distribution itself does not have; nil if
	// there are none.
	Skip func(osv.Package) bool
}

// Import is a feed.Importer.
func (o OSV) Import(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (stats feed.Stats, err error) {
	err = osv.Walk(ctx, src, &stats, func(where string, r *osv.Record) error {
		cves := r.CVEs()
		if len(cves) == 0 {
			return nil
		}
		t := &title{
			OSV: o, where: where, text: r.Summary, streams: Streams(r.Summary), stats: &stats,
			common: advisory.Record{Distro: o.Distro, Kind: o.Kind, Severity: Rating(r.Summary)}, references: r.References,
		}
		for i := range r.Affected {
			if err := t.affected(&r.Affected[i], cves, r.ID, emit); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && stats.Rows == 0 {
		err = fmt.Errorf("%s: this is not the OSV archive of %s: no advisory is in it%s", src.Location(), o.Ecosystem, first(stats))
	}
	return stats, err
}

// first tells of the first record that could not be read, where none could.
func first(stats feed.Stats) string {
	if len(stats.Problems) == 0 {
		return ""
	}
	return "; the first problem: " + stats.Problems[0].String()
}

// title is an advisory while it is read.
type title struct {
	OSV
	where, text string
	streams     []string
	stats       *feed.Stats
	common      advisory.Record
	references  []osv.Reference
	unknown     bool // it was reported that the stream is not known
}

func (t *title) affected(a *osv.Affected, cves []string, id string, emit func(advisory.Record) error) error {
	release, ok := a.Package.Release(t.Ecosystem)
	switch {
	case !ok || t.Skip != nil && t.Skip(a.Package):
		return nil
	case release == "" || a.Package.Name == "":
		t.stats.Report(t.where, "%q of %q: the release or the name is missing", a.Package.Name, a.Package.Ecosystem)
		return nil
	}
	url := page(t.references, id, release)
	for _, fixed := range a.Fixes() {
		// Rocky Linux writes the epoch 0 out.
		fixed = strings.TrimPrefix(fixed, "0:")
		for _, module := range t.modules(fixed) {
			rec := t.common
			rec.Release, rec.Package, rec.Module, rec.URL = release, a.Package.Name, module, url
			rec.Status = advisory.StatusAffected
			if fixed != "" {
				rec.Status, rec.Fixed = advisory.StatusFixed, fixed
			}
			for _, cve := range cves {
				rec.ID, rec.Aliases = cve, []string{id}
				if err := emit(rec); err != nil {
					return err
				}
				t.stats.Rows++
			}
		}
	}
	return nil
}

// modules lists the modules that a fix may belong to; "" stands for none.
func (t *title) modules(fixed string) []string {
	switch {
	case !IsModular(fixed):
		return []string{""}
	case len(t.streams) == 0 && !t.unknown:
		t.unknown = true
		t.stats.Report(t.where, "its packages are of a module, and %q does not name the stream", t.text)
	}
	return t.streams
}

// page is the distribution's own page of an advisory, without a scheme that no
// page has. AlmaLinux's records refer to Red Hat's advisory first, and to a page
// for each release; its own pages have the id in their address.
func page(references []osv.Reference, id, release string) string {
	best, rank := "", 0
	for _, r := range references {
		u, err := url.Parse(r.URL)
		if r.Type != "ADVISORY" || err != nil || u.Scheme != "https" || len(r.URL) > advisory.MaxURL {
			continue
		}
		n := 1
		if strings.Contains(u.Path, id) || strings.Contains(u.Path, strings.ReplaceAll(id, ":", "-")) {
			n++
		}
		if strings.HasPrefix(u.Path, "/"+release+"/") {
			n++
		}
		if n > rank {
			best, rank = r.URL, n
		}
	}
	return best
}
