package amazon

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// maxUpdate is the size of the largest update that is read, in bytes. Those of
// kernels have some hundred thousand.
const maxUpdate = 16 << 20

// updates reads the advisories of one repository.
type updates struct {
	*importer
	release, topic string
}

// update is one advisory. Besides security there are bugfix and others.
type update struct {
	Type       string `xml:"type,attr"`
	ID         string `xml:"id"`
	Severity   string `xml:"severity"`
	References []struct {
		ID   string `xml:"id,attr"`
		Type string `xml:"type,attr"`
	} `xml:"references>reference"`
	Packages []pkg `xml:"pkglist>collection>package"`
}

type pkg struct {
	Name    string `xml:"name,attr"`
	Epoch   string `xml:"epoch,attr"`
	Version string `xml:"version,attr"`
	Release string `xml:"release,attr"`
	Arch    string `xml:"arch,attr"`
}

// updateinfo reads a document with the advisories of a repository:
//
//	<updates><update type="security"><id/><severity/><references/><pkglist/></update>…</updates>
//
// A sum that is not empty is the SHA-256 that the document must have.
func (i *importer) updateinfo(ctx context.Context, name, sum string, u *updates) (err error) {
	doc, err := i.src.OpenVerified(ctx, name, sum)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	return u.read(doc)
}

func (u *updates) read(doc *feed.Document) error {
	budget := &budgetReader{r: doc, left: maxUpdate}
	dec := xml.NewDecoder(budget)
	root, err := nextElement(dec)
	if err != nil {
		return fmt.Errorf("%s: this is not updateinfo: %w", doc.Name(), err)
	}
	if root.Name.Local != "updates" {
		return fmt.Errorf("%s: this is not updateinfo: it starts with <%.64s>", doc.Name(), root.Name.Local)
	}
	for n := 0; ; n++ {
		budget.left = maxUpdate
		var up update
		start, err := nextElement(dec)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = dec.DecodeElement(&up, &start)
		}
		if err != nil {
			return fmt.Errorf("%s: read update[%d]: %w", doc.Name(), n, err)
		}
		if start.Name.Local != "update" {
			continue
		}
		if err := u.take(fmt.Sprintf("%s: update[%d] %.64s", doc.Name(), n, up.ID), &up); err != nil {
			return err
		}
	}
}

// nextElement finds where the next element starts. The error is io.EOF at the
// end of a document that is whole.
func nextElement(dec *xml.Decoder) (xml.StartElement, error) {
	for {
		token, err := dec.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if start, ok := token.(xml.StartElement); ok {
			return start, nil
		}
	}
}

// take hands on what an advisory says: under its CVE ids, or its own id if it
// has none.
func (u *updates) take(where string, up *update) error {
	if up.Type != "security" {
		return nil
	}
	if up.ID == "" || len(up.Packages) == 0 {
		u.stats.Report(where, "it has no id, or no packages")
		return nil
	}
	common := advisory.Record{
		Distro: ID, Release: u.release, Kind: advisory.Binary, Status: advisory.StatusFixed,
		URL: u.page(up.ID),
	}
	var known bool
	if common.Severity, known = severity.FromVendor(up.Severity); !known && up.Severity != "" {
		u.stats.Report(where, "the severity %.64q is not known", up.Severity)
	}
	ids, aliases := up.cves(), []string{up.ID}
	if len(ids) == 0 {
		ids, aliases = []string{up.ID}, nil
	}
	for _, f := range up.fixes(func(reason string) { u.stats.Report(where, "%s", reason) }) {
		rec := common
		rec.Package, rec.Fixed, rec.Arches = f.name, f.fixed, f.arches
		if u.topic != "" {
			rec.CPEs = cpesOf(u.topic, lineFor(u.topic, f.fixed, u.coreNames[f.name]))
		} else if u.release == "2" {
			u.coreNames[f.name] = true
		}
		for _, id := range ids {
			rec.ID, rec.Aliases = id, slices.Clone(aliases)
			if err := u.emit(rec); err != nil {
				return err
			}
			u.stats.Rows++
		}
	}
	return nil
}

// page is where the vendor describes an advisory: each release has a folder of
// its own, except the first.
func (u *updates) page(id string) string {
	folder := ""
	if u.release != "1" {
		folder = "AL" + u.release + "/"
	}
	return "https://alas.aws.amazon.com/" + folder + url.PathEscape(id) + ".html"
}

// cves lists the CVE ids that an advisory refers to, sorted.
func (up *update) cves() []string {
	var out []string
	for _, ref := range up.References {
		if id := advisory.NormalizeID(ref.ID); strings.HasPrefix(id, "CVE-") {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// fix is the version of a package that an advisory brings, on some
// architectures.
type fix struct {
	name, fixed string
	arches      []string // sorted
}

// fixes lists the fixes of an advisory in the order of its packages. The
// packages with debugging symbols are left out: no code is in them.
func (up *update) fixes(report func(reason string)) []fix {
	var out []fix
	at := map[[2]string]int{}
	for _, p := range up.Packages {
		switch {
		case p.Name == "" || p.Version == "" || p.Release == "":
			report("a package has no name or no version")
			continue
		case p.Arch == "src" || isDebug(p.Name):
			continue
		}
		key := [2]string{p.Name, p.evr()}
		n, ok := at[key]
		if !ok {
			n = len(out)
			at[key] = n
			out = append(out, fix{name: key[0], fixed: key[1]})
		}
		if p.Arch != "" && !slices.Contains(out[n].arches, p.Arch) {
			out[n].arches = append(out[n].arches, p.Arch)
			slices.Sort(out[n].arches)
		}
	}
	return out
}

func isDebug(name string) bool {
	return strings.HasSuffix(name, "-debuginfo") || strings.HasSuffix(name, "-debugsource") || strings.Contains(name, "-debuginfo-common")
}

// evr is the version with its epoch, unless that is 0.
func (p *pkg) evr() string {
	evr := p.Version + "-" + p.Release
	if p.Epoch == "" || p.Epoch == "0" {
		return evr
	}
	return p.Epoch + ":" + evr
}

// budgetReader ends the reading of an element that is too large to be an
// update.
type budgetReader struct {
	r    io.Reader
	left int
}

func (b *budgetReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("an element of more than %d bytes", maxUpdate)
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
