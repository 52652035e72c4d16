package azurelinux

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/oval"
	"github.com/example/microscanner-frontend/scanner/severity"
	"github.com/example/microscanner-frontend/scanner/version"
)

// release is a release with its document and the mark that its builds have in
// their versions: "2.6.7-3.azl3".
type release struct{ key, document, mark string }

func releases() []release {
	return []release{
		{"1.0", "cbl-mariner-1.0-oval.xml", ".cm1"},
		{"2.0", "cbl-mariner-2.0-oval.xml", ".cm2"},
		{"3.0", "azurelinux-3.0-oval.xml", ".azl3"},
	}
}

// Import reads Microsoft's OVAL
// (https://github.com/microsoft/AzureLinuxVulnerabilityData): a document for
// each release, or one of them. A definition is on one vulnerability in one
// source package.
func Import(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (feed.Stats, error) {
	i := &importer{src: src, emit: emit}
	err := i.documents(ctx)
	if err == nil && i.stats.Rows == 0 {
		err = fmt.Errorf("%s: this is not Microsoft's OVAL: no advisory is in it", src.Location())
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
	for _, r := range releases() {
		err := i.document(ctx, r.document)
		if errors.Is(err, fs.ErrNotExist) {
			err = i.document(ctx, r.document+".gz")
		}
		if errors.Is(err, fs.ErrNotExist) {
			i.stats.Report(i.src.Location(), "there is no %s: nothing will be known of release %s", r.document, r.key)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// document reads the document of that name; the only one if it is empty.
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
	if len(doc.Definitions) == 0 {
		return fmt.Errorf("%s: there is no definition in it", file.Name())
	}
	for n := range doc.Definitions {
		if err := ctx.Err(); err != nil {
			return err
		}
		d := &doc.Definitions[n]
		rec, affected, err := record(doc, d, path.Base(file.Name()))
		if err != nil {
			i.stats.Report(file.Name()+": "+cmp.Or(d.Title, d.ID), "%v", err)
			continue
		}
		if !affected {
			continue
		}
		if err := i.emit(rec); err != nil {
			return err
		}
		i.stats.Rows++
	}
	return nil
}

// record is what a definition says; affected is false if it says that the
// package does not have the vulnerability.
func record(doc *oval.Document, d *oval.Definition, document string) (rec advisory.Record, affected bool, err error) {
	// Microsoft takes back a statement, or says that it never held.
	if d.Extra["patchable"] == "Not Applicable" {
		return advisory.Record{}, false, nil
	}
	rec = advisory.Record{Distro: ID, Kind: advisory.Source, Description: d.Description}
	for _, ref := range d.References {
		if strings.EqualFold(ref.Source, "CVE") {
			rec.ID, rec.URL = ref.ID, oval.Page(ref.URL)
		}
	}
	if rec.ID == "" {
		return rec, false, errors.New("it refers to no CVE")
	}
	name, evr, err := statement(doc, d.Criteria)
	if err != nil {
		return rec, false, err
	}
	rec.Package = name
	limit := strings.TrimPrefix(evr.Values[0], "0:")
	if rec.Release = releaseOf(document, limit); rec.Release == "" {
		return rec, false, fmt.Errorf("it cannot be told for which release the version %.64q is", limit)
	}
	switch evr.Operation {
	case oval.LessThan:
		rec.Status, rec.Fixed = advisory.StatusFixed, limit
	case "less than or equal":
		// The version is the newest there was: no fixed one is known.
		rec.Status = advisory.StatusAffected
	default:
		return rec, false, fmt.Errorf("the comparison %.64q of versions cannot be understood", evr.Operation)
	}
	rec.Severity = rating(d.Severity)
	if day, err := time.Parse(time.RFC3339, d.Extra["advisory_date"]); err == nil {
		rec.Published = day.UTC().Format(time.DateOnly)
	}
	return rec, true, nil
}

// statement finds the one test of a definition: that a package is older than a
// version.
func statement(doc *oval.Document, c oval.Criteria) (name string, evr oval.Entity, err error) {
	if len(c.Criterions) != 1 || len(c.Criteria) > 0 || len(c.Extends) > 0 || c.Negate || c.Criterions[0].Negate {
		return "", evr, errors.New("its criteria are not one test")
	}
	test, err := doc.Test(c.Criterions[0])
	if err != nil {
		return "", evr, err
	}
	name = test.Object.Value("name", oval.Equals)
	if test.Kind != oval.KindRpm || name == "" || len(test.States) != 1 {
		return "", evr, fmt.Errorf("the test %s cannot be understood", doc.Ref(c.Criterions[0]))
	}
	evr, _ = test.States[0].Get("evr")
	if len(evr.Values) != 1 {
		return "", evr, fmt.Errorf("the test %s has no version", doc.Ref(c.Criterions[0]))
	}
	// There is a document with "0: 1.20.10-1.azl3".
	evr.Values[0] = strings.ReplaceAll(evr.Values[0], " ", "")
	_, err = version.Rpm.Parse(evr.Values[0])
	return name, evr, err
}

// releaseOf tells the release from the name of the document, or, for a document
// with another name, from the mark in a version.
func releaseOf(document, version string) string {
	list := releases()
	at := slices.IndexFunc(list, func(r release) bool { return strings.HasPrefix(document, r.document) })
	if at < 0 {
		at = slices.IndexFunc(list, func(r release) bool { return strings.HasSuffix(version, r.mark) })
	}
	if at < 0 {
		return ""
	}
	return list[at].key
}

// rating reads the words of Microsoft, which are those of CVSS.
func rating(word string) severity.Severity {
	s, err := severity.Parse(word)
	if err != nil {
		return severity.Unknown
	}
	return s
}
