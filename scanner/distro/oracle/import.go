package oracle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/oval"
)

// Import reads Oracle's OVAL (https://linux.oracle.com/security/oval/): one
// definition for each of its security advisories, ELSA, with the packages that
// fix it by release, architecture and module. The vulnerabilities are an
// advisory's CVEs: one without any is none, and neither are bug fixes, ELBA,
// and enhancements, ELEA. There are no statements on what is not fixed.
func Import(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (stats feed.Stats, err error) {
	file, err := src.Open(ctx, "")
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	doc, err := oval.Read(file, oval.Options{})
	if err != nil {
		return stats, fmt.Errorf("%s: %w", file.Name(), err)
	}
	i := &importer{doc: doc, file: file.Name(), emit: emit, stats: &stats}
	for n := range doc.Definitions {
		if err := ctx.Err(); err != nil {
			return stats, err
		}
		if err := i.definition(&doc.Definitions[n]); err != nil {
			return stats, err
		}
	}
	if stats.Rows == 0 {
		return stats, fmt.Errorf("%s: this is not Oracle's OVAL: no advisory is in it", file.Name())
	}
	return stats, nil
}

type importer struct {
	doc   *oval.Document
	file  string
	emit  func(advisory.Record) error
	stats *feed.Stats
}

// definition hands on the records of an advisory: each of its vulnerabilities
// with each of its fixes.
func (i *importer) definition(d *oval.Definition) error {
	elsa := nameOf(d)
	where := i.file + ": " + cmp.Or(elsa, d.ID)
	cves := vulnerabilities(d)
	switch {
	case d.Class != "patch" || strings.HasPrefix(elsa, "ELBA-") || strings.HasPrefix(elsa, "ELEA-"):
		return nil
	case len(cves) == 0 && strings.HasPrefix(elsa, "ELSA-"):
		return nil
	case !strings.HasPrefix(elsa, "ELSA-"):
		i.stats.Report(where, "there is no reference to an advisory")
		return nil
	}
	fixes, err := i.fixes(where, d)
	if err != nil {
		i.stats.Report(where, "%v", err)
		return nil
	}
	rating := ratingOf(d)
	for _, fix := range fixes {
		for _, cve := range cves {
			rec := advisory.Record{
				ID: cve.id, Distro: ID, Release: fix.major, Package: fix.name, Kind: advisory.Binary,
				Status: advisory.StatusFixed, Fixed: fix.fixed, Severity: rating,
				Arches: slices.Clone(fix.arches), Module: fix.module, Aliases: []string{elsa},
				Published: cve.published, URL: cve.url, CVSS: cve.cvss,
			}
			if product := flavourOf(fix.fixed).product(fix.major); product != "" {
				rec.CPEs = []string{product}
			}
			if err := i.emit(rec); err != nil {
				return err
			}
			i.stats.Rows++
		}
	}
	return nil
}
