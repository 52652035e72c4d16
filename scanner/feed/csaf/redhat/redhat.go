// Package redhat reads Red Hat's VEX documents: what it says of a vulnerability
// in each package of each of its products
// (https://redhatproductsecurity.github.io/security-data-guidelines/csaf-vex/).
//
// There are two kinds of them. Those of the folder vex name a fixed package once
// for each architecture, and a vulnerable one by its source package, mostly
// followed by all that is built of it. Those of the folder vex-feed name source
// packages only, which may or may not say "arch=src", and every minor release.
package redhat

import (
	"context"
	"fmt"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/csaf"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// URL is the folder of the documents.
const URL = "https://security.access.redhat.com/data/csaf/v2/vex"

// The archive of all documents has about 300 MB, and up to a hundred times that
// unpacked.
const (
	maxUnpacked = 64 << 30
	timeout     = 30 * time.Minute
)

// Feed gives the feed of the documents for a distribution, see Importer. It is
// fetched once for all distributions.
func Feed(distro string, adapt Adapt) feed.Feed {
	return feed.Feed{Name: distro, URL: URL, Records: Importer(distro, adapt), MaxUnpacked: maxUnpacked, Timeout: timeout}
}

// Statement is what a document says of one package on one platform.
type Statement struct {
	Platform
	Kind    advisory.Kind
	Package string
	Module  string // "name:stream"; empty for a package of no module
	Arch    string // empty if the document does not say
	Status  advisory.Status
	Fixed   string // with epoch; set with advisory.StatusFixed
	// Severity is the product's own rating, or that of the vulnerability.
	Severity severity.Severity
	// Advisories are the ids of the updates that have the fix: "RHSA-2024:5079".
	Advisories []string
	// Day is when the first of them was published, YYYY-MM-DD; empty if the
	// document does not say.
	Day string

	// covered is set for a fixed source package beside all that is built of it.
	// It is there for what other statements say of the source.
	covered bool
}

// Adapt makes a distribution's statements of those of one document, which it
// may change.
type Adapt func([]Statement) []Statement

// Importer gives the importer of the documents for a distribution that has Red
// Hat's packages, or its own builds of them.
func Importer(distro string, adapt Adapt) feed.Importer {
	return func(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (stats feed.Stats, err error) {
		err = csaf.Visit(ctx, src, &stats, func(name string, doc *csaf.Document) error {
			if doc.Meta.Category != csaf.CategoryVEX {
				stats.Report(name, "it is of the category %.100q, not %s", doc.Meta.Category, csaf.CategoryVEX)
				return nil
			}
			for i := range doc.Vulnerabilities {
				where := fmt.Sprintf("%s: vulnerabilities[%d]", name, i)
				r := newReader(doc, &doc.Vulnerabilities[i], where, &stats)
				if r.id == "" {
					stats.Report(where, "it has no id")
					continue
				}
				if r.rejected() {
					continue
				}
				for _, rec := range r.records(distro, reduce(adapt(r.statements()))) {
					if err := emit(rec); err != nil {
						return err
					}
					stats.Rows++
				}
			}
			return nil
		})
		if err == nil && stats.Rows == 0 {
			err = fmt.Errorf("%s: this is not Red Hat's VEX: no advisory for %s is in it", src.Location(), distro)
		}
		return stats, err
	}
}
