// Package secdb reads documents in the form of Alpine's secdb
// (https://secdb.alpinelinux.org/), which Wolfi and Chainguard publish too:
//
//	{distroversion, reponame, packages: [{pkg: {name, secfixes: {fixed version: [ids]}}}]}
package secdb

import (
	"fmt"
	"maps"
	"slices"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// Header is what a document says of itself before its packages.
type Header struct {
	// Distroversion is the branch of the distribution, "v3.20"; empty for a
	// rolling one.
	Distroversion string
	// Reponame is the repository: "main", "os".
	Reponame string
}

// Reader takes what is in a document.
type Reader struct {
	// Start is called once, with what stands before the packages. Its error ends
	// the reading.
	Start func(Header) error
	// Record is what all records of the document have in common.
	Record advisory.Record
	// Page is the address at which the vendor describes a CVE, without the id;
	// empty if there is none.
	Page  string
	Emit  func(advisory.Record) error
	Stats *feed.Stats
}

// Read reads a document. It is an error if it is not one of secdb; a package
// or a fix that cannot be read is reported, and does not stop the rest.
func (r *Reader) Read(doc *feed.Document) error {
	d := &document{Reader: r, name: doc.Name(), json: feed.NewJSON(doc)}
	isObject, err := d.json.Object(d.member)
	if err == nil {
		err = d.json.Finish()
	}
	if err == nil && (!isObject || !d.started) {
		err = fmt.Errorf("%s: this is not a document of secdb: it has no packages", d.name)
	}
	return err
}

// document is a document while it is read.
type document struct {
	*Reader
	name    string
	json    *feed.JSON
	header  Header
	started bool
}

// pkg is an element of packages. What a secfix holds is looked at one by one:
// a list that is none must not take the others with it.
type pkg struct {
	Pkg struct {
		Name     string         `json:"name"`
		Secfixes map[string]any `json:"secfixes"`
	} `json:"pkg"`
}

func (d *document) member(key string) error {
	switch key {
	case "distroversion":
		return d.text(&d.header.Distroversion)
	case "reponame":
		return d.text(&d.header.Reponame)
	case "packages":
		return d.packages()
	}
	return d.json.Skip()
}

func (d *document) text(to *string) error {
	if d.started {
		return d.json.Skip()
	}
	_, err := d.json.Decode(to)
	return err
}

// packages reads the list of packages. An empty branch has null there.
func (d *document) packages() error {
	if d.started {
		return fmt.Errorf("%s: it has packages twice", d.name)
	}
	d.started = true
	if err := d.Start(d.header); err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	_, err := d.json.Array(d.element)
	return err
}

func (d *document) element(i int) error {
	var p pkg
	fits, err := d.json.Decode(&p)
	if err != nil {
		return err
	}
	if !fits || p.Pkg.Name == "" {
		d.Stats.Report(fmt.Sprintf("%s: packages[%d]", d.name, i), "it has no name, or its members are not what secdb has")
		return nil
	}
	for _, version := range slices.Sorted(maps.Keys(p.Pkg.Secfixes)) {
		where := fmt.Sprintf("%s: %s/%s", d.name, p.Pkg.Name, version)
		entries, ok := p.Pkg.Secfixes[version].([]any)
		if !ok && p.Pkg.Secfixes[version] != nil {
			d.Stats.Report(where, "there is no list of ids")
		}
		for _, entry := range entries {
			if err := d.fix(where, p.Pkg.Name, version, entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// fix hands on what one entry of secfixes says.
func (d *document) fix(where, name, version string, entry any) error {
	text, _ := entry.(string)
	ids, aliases := parseIDs(text)
	if len(ids) == 0 {
		d.Stats.Report(where, "there is no id in %q", fmt.Sprint(entry))
		return nil
	}
	for _, id := range ids {
		rec := d.Record
		rec.ID, rec.Aliases = id, slices.Clone(aliases)
		rec.Package, rec.Kind = name, advisory.Source
		rec.Status, rec.Fixed = advisory.StatusFixed, version
		if _, _, isCVE := advisory.SplitCVE(id); isCVE && d.Page != "" {
			rec.URL = d.Page + id
		}
		if err := d.Emit(rec); err != nil {
			return err
		}
		d.Stats.Rows++
	}
	return nil
}
