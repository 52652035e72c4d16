// Package secdb reads documents in the form of Alpine's secdb
// (https://secdb.alpinelinux.org/), which Wolfi and Chainguard publish too:
//
//	{distroversion, reponame, packages: [{pkg: {name, secfixes: {fixed version: [ids]}}}]}
package secdb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// maxHeld is about how many bytes of packages are kept in memory while it is
// not known yet what a document is about. The largest real one of a
// distribution with branches has some hundred kilobytes.
const maxHeld = 64 << 20

// Header is what a document says of itself.
type Header struct {
	// Distroversion is the branch of the distribution, "v3.20"; empty for a
	// rolling one.
	Distroversion string
	// Reponame is the repository: "main", "os".
	Reponame string
}

// Reader takes what is in a document.
type Reader struct {
	// Start is called once, before the first record is handed on. Its error ends
	// the reading.
	Start func(Header) error
	// Rolling is set for a distribution without branches: its documents are known
	// by the repository, all others by the branch.
	Rolling bool
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
	switch {
	case err != nil:
		return err
	case !isObject || !d.listed:
		return fmt.Errorf("%s: this is not a document of secdb: it has no packages", d.name)
	case d.started:
		return nil
	}
	if err := d.start(); err != nil {
		return err
	}
	for _, f := range d.held {
		if err := d.emit(f); err != nil {
			return err
		}
	}
	return nil
}

// document is a document while it is read.
type document struct {
	*Reader
	name    string
	json    *feed.JSON
	header  Header
	listed  bool // the packages were read, or are being read
	started bool
	// held are fixes that came before the header: Alpine wrote the members of its
	// documents in any order once.
	held      []fix
	heldBytes int
}

// fix is one entry of secfixes.
type fix struct{ where, name, version, text string }

// pkg is an element of packages.
type pkg struct {
	Pkg struct {
		Name     string   `json:"name"`
		Secfixes secfixes `json:"secfixes"`
	} `json:"pkg"`
}

// secfixes are what stands at each fixed version. They are looked at one by
// one: a list that is none must not take the others with it, and neither must a
// version that is there twice.
type secfixes map[string][]any

// UnmarshalJSON reads an object.
func (s *secfixes) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	switch open, err := dec.Token(); {
	case err != nil || open == nil:
		return err
	case open != json.Delim('{'):
		return &json.UnmarshalTypeError{Value: "value", Type: reflect.TypeFor[secfixes]()}
	}
	*s = secfixes{}
	for dec.More() {
		version, err := dec.Token()
		if err != nil {
			return err
		}
		var value any
		if err := dec.Decode(&value); err != nil {
			return err
		}
		key, _ := version.(string) // The names of members are strings.
		(*s)[key] = append((*s)[key], value)
	}
	return nil
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

// start tells what the document is about, after which fixes are handed on.
func (d *document) start() error {
	d.started = true
	if err := d.Start(d.header); err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	return nil
}

// packages reads the list of packages. An empty branch has null there, or an
// empty object.
func (d *document) packages() error {
	if d.listed {
		return fmt.Errorf("%s: it has packages twice", d.name)
	}
	d.listed = true
	if d.header.Distroversion != "" || d.Rolling && d.header.Reponame != "" {
		if err := d.start(); err != nil {
			return err
		}
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
		for _, list := range p.Pkg.Secfixes[version] {
			if err := d.list(where, p.Pkg.Name, version, list); err != nil {
				return err
			}
		}
	}
	return nil
}

// list reads the ids at a version.
func (d *document) list(where, name, version string, list any) error {
	entries, ok := list.([]any)
	if !ok && list != nil {
		d.Stats.Report(where, "there is no list of ids")
	}
	for _, entry := range entries {
		text, ok := entry.(string)
		if !ok {
			d.Stats.Report(where, "there is no id in %q", fmt.Sprint(entry))
			continue
		}
		if err := d.fix(fix{where, name, version, text}); err != nil {
			return err
		}
	}
	return nil
}

// fix hands on a fix, or keeps it until the document is known.
func (d *document) fix(f fix) error {
	if d.started {
		return d.emit(f)
	}
	const overhead = 64
	if d.heldBytes += len(f.where) + len(f.version) + len(f.text) + overhead; d.heldBytes > maxHeld {
		return errors.New(d.name + ": it does not say before its packages what it is about, and they are too many to be kept")
	}
	d.held = append(d.held, f)
	return nil
}

// emit hands on what a fix says.
func (d *document) emit(f fix) error {
	ids, aliases := parseIDs(f.text)
	if len(ids) == 0 {
		d.Stats.Report(f.where, "there is no id in %q", f.text)
		return nil
	}
	for _, id := range ids {
		rec := d.Record
		rec.ID, rec.Aliases = id, slices.Clone(aliases)
		rec.Package, rec.Kind = f.name, advisory.Source
		rec.Status, rec.Fixed = advisory.StatusFixed, f.version
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
