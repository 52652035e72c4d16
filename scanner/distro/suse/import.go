package suse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/oval"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// documentName is the name of a document that is read. Those that are named
// after a part of SUSE Linux Enterprise, or a service pack, repeat it, except
// in 11, of which there are only those of parts. Like all expressions of the importer
// it is compiled when it is first used.
var documentName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(suse\.linux\.enterprise\.(?:(?:micro\.)?\d+|server\.11)|suse\.linux\.micro\.\d+|opensuse\.(?:1[1-3]\.\d|leap\.\d+\.\d+|tumbleweed))(-affected)?\.xml(\.gz|\.bz2)?$`)
})

// Import reads SUSE's OVAL (https://www.suse.com/support/security/oval/): the
// documents of all products in a directory, or one. A definition is on one
// vulnerability, with its packages by product. The documents called "affected"
// say what is not fixed, too, and are preferred.
func Import(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (feed.Stats, error) {
	i := &importer{src: src, emit: emit}
	err := i.documents(ctx)
	if err == nil && i.stats.Rows == 0 {
		err = fmt.Errorf("%s: this is not SUSE's OVAL: no advisory is in it", src.Location())
	}
	return i.stats, err
}

type importer struct {
	src   *feed.Source
	emit  func(advisory.Record) error
	stats feed.Stats
}

func (i *importer) documents(ctx context.Context) error {
	if strings.Contains(path.Base(i.src.Location()), ".xml") {
		return i.document(ctx, "")
	}
	names, err := i.src.List(ctx)
	if err != nil {
		return err
	}
	for _, name := range choose(names) {
		if err := i.document(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// choose takes one document for each product: one that says what is not fixed
// rather than one that does not, and a small file rather than a large.
func choose(names []string) []string {
	best := map[string]string{}
	rank := func(name string) int {
		m := documentName().FindStringSubmatch(name)
		return 3*len(m[2]) + slices.Index([]string{"", ".bz2", ".gz"}, m[3])
	}
	for _, name := range names {
		m := documentName().FindStringSubmatch(name)
		if m != nil && (best[m[1]] == "" || rank(name) > rank(best[m[1]])) {
			best[m[1]] = name
		}
	}
	return slices.Sorted(maps.Values(best))
}

func (i *importer) document(ctx context.Context, name string) (err error) {
	file, err := i.src.Open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	doc, err := oval.Read(file, oval.Options{Descriptions: true})
	if err != nil {
		return fmt.Errorf("%s: %w", file.Name(), err)
	}
	d := &document{importer: i, doc: doc, name: file.Name(), facts: map[string]leaf{}}
	for n := range doc.Definitions {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.definition(&doc.Definitions[n]); err != nil {
			return err
		}
	}
	return nil
}

// document is a document while its definitions are handed on.
type document struct {
	*importer
	doc   *oval.Document
	name  string
	facts map[string]leaf // by the id of the test
}

// definition hands on what the document says of a vulnerability.
func (d *document) definition(def *oval.Definition) error {
	if def.Class != "vulnerability" || rejected(def.Description) {
		return nil
	}
	where := d.name + ": " + cmp.Or(def.Title, def.ID)
	id := advisory.NormalizeID(def.Title)
	if _, _, ok := advisory.SplitCVE(id); !ok {
		d.stats.Report(where, "the title is not the id of a CVE")
		return nil
	}
	statements, err := d.statements(where, def.Criteria)
	if err != nil {
		d.stats.Report(where, "%v", err)
		return nil
	}
	rating, cvss := rate(def)
	for _, s := range statements {
		rec := advisory.Record{
			ID: id, Distro: ID, Release: s.release, Package: s.name, Kind: advisory.Binary, Status: s.status, Fixed: s.fixed,
			Severity: rating, Arches: s.archList(), CPEs: slices.Clone(s.products), Description: def.Description,
			URL: "https://www.suse.com/security/cve/" + id + "/", CVSS: cvss,
		}
		if err := d.emit(rec); err != nil {
			return err
		}
		d.stats.Rows++
	}
	return nil
}

// rejected tells a CVE that was taken back.
func rejected(description string) bool {
	return strings.HasPrefix(description, "** REJECT") || strings.HasPrefix(description, "Rejected reason:")
}

// rate reads SUSE's rating, and its score, or else that of the NVD.
func rate(def *oval.Definition) (severity.Severity, *advisory.CVSS) {
	var cvss *advisory.CVSS
	for _, cve := range def.CVEs {
		source := ID
		if strings.HasSuffix(cve.Text, " at NVD") {
			source = "nvd"
		}
		if score := cve.Score(source); score != nil && (cvss == nil || source == ID && cvss.Source != ID) {
			cvss = score
		}
	}
	switch strings.ToLower(def.Severity) {
	case "low":
		return severity.Low, cvss
	case "moderate":
		return severity.Medium, cvss
	case "important":
		return severity.High, cvss
	case "critical":
		return severity.Critical, cvss
	}
	return severity.Unknown, cvss
}
