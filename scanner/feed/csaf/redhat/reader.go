package redhat

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/csaf"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// reader reads what a document says of one vulnerability.
type reader struct {
	doc   *csaf.Document
	vuln  *csaf.Vulnerability
	id    string
	where string
	stats *feed.Stats

	products  map[string]*csaf.Product
	relations map[string]*csaf.Relationship
	platforms map[string]*Platform  // by id of the product; nil if it is none of ours
	parsed    map[string]*component // by id of the product; nil if it is no rpm
	remedies  map[string]remedy     // by id of the product
	ratings   map[string]severity.Severity
	rating    severity.Severity // of products that have none of their own
}

// remedy is what there is to be done about a product.
type remedy struct {
	unfixed    advisory.Status // why there is no fix; empty if nothing says so
	advisories []string
	day        string
}

func newReader(doc *csaf.Document, vuln *csaf.Vulnerability, where string, stats *feed.Stats) *reader {
	r := &reader{
		doc: doc, vuln: vuln, where: where, stats: stats,
		id:       advisory.NormalizeID(cmp.Or(vuln.CVE, doc.Meta.Tracking.ID)),
		products: map[string]*csaf.Product{}, relations: make(map[string]*csaf.Relationship, len(doc.ProductTree.Relationships)),
		platforms: map[string]*Platform{}, parsed: map[string]*component{},
		remedies: map[string]remedy{}, ratings: map[string]severity.Severity{},
	}
	doc.ProductTree.Products(func(p *csaf.Product) { r.products[p.ID] = p })
	for i := range doc.ProductTree.Relationships {
		rel := &doc.ProductTree.Relationships[i]
		r.relations[rel.Product.ID] = rel
	}
	r.readRemedies()
	r.readRatings()
	return r
}

// rejected tells an id that was withdrawn. Red Hat withdraws its document too,
// but not at once.
func (r *reader) rejected() bool {
	text := r.description()
	return strings.HasPrefix(text, "** REJECT") || strings.HasPrefix(text, "Rejected reason:")
}

func (r *reader) readRemedies() {
	for i := range r.vuln.Remediations {
		remediation := &r.vuln.Remediations[i]
		for _, id := range remediation.Products {
			was := r.remedies[id]
			if now := was.with(remediation); !now.equal(was) {
				r.remedies[id] = now
			}
		}
	}
}

func (m remedy) equal(o remedy) bool {
	return m.unfixed == o.unfixed && m.day == o.day && slices.Equal(m.advisories, o.advisories)
}

// with adds a remediation. Mitigations and workarounds leave the package
// vulnerable, and say nothing here.
func (m remedy) with(r *csaf.Remediation) remedy {
	switch r.Category {
	case "vendor_fix":
		if id := advisoryID(r.URL); id != "" && !slices.Contains(m.advisories, id) {
			m.advisories = append(slices.Clone(m.advisories), id)
		}
		if day := day(r.Date); day != "" && (m.day == "" || day < m.day) {
			m.day = day
		}
	case "none_available", "no_fix_planned":
		m.unfixed = unfixedStatus(r.Category, r.Details)
	}
	return m
}

// unfixedStatus reads the words of the details, which are the same in the CVE
// pages: https://access.redhat.com/articles/explaining_redhat_errata.
func unfixedStatus(category, details string) advisory.Status {
	switch strings.ToLower(strings.TrimSpace(details)) {
	case "affected":
		return advisory.StatusAffected
	case "fix deferred", "deferred":
		return advisory.StatusDeferred
	case "out of support scope":
		return advisory.StatusEndOfLife
	}
	if category == "no_fix_planned" {
		return advisory.StatusWillNotFix
	}
	return advisory.StatusAffected
}

// advisoryID reads the id at the end of an advisory's address.
func advisoryID(url string) string {
	_, id, _ := strings.Cut(url, "/errata/")
	if !strings.HasPrefix(id, "RH") || strings.ContainsAny(id, "/?# ") {
		return ""
	}
	return id
}

// day is the date of a time in the form of RFC 3339; empty for anything else, as
// what is wrong with a date takes nothing from the rest.
func day(text string) string {
	if len(text) < len(time.DateOnly) {
		return ""
	}
	text = text[:len(time.DateOnly)]
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return ""
	}
	return text
}

func (r *reader) readRatings() {
	if s := r.doc.Meta.AggregateSeverity; s != nil {
		r.rating, _ = severity.FromVendor(s.Text)
	}
	for i := range r.vuln.Threats {
		threat := &r.vuln.Threats[i]
		if threat.Category != "impact" {
			continue
		}
		rating, known := severity.FromVendor(threat.Details)
		if !known && threat.Details != "" && !strings.EqualFold(threat.Details, "none") {
			r.stats.Report(r.where, "the impact %.100q is not known", threat.Details)
		}
		if len(threat.Products) == 0 {
			r.rating = rating
		}
		for _, id := range threat.Products {
			r.ratings[id] = rating
		}
	}
}

// rated is the rating of a product: its own, or that of the vulnerability.
func (r *reader) rated(id string) severity.Severity {
	if rating, ok := r.ratings[id]; ok && rating != severity.Unknown {
		return rating
	}
	return r.rating
}

// platform gives the platform of that product id, nil if no package of rpm for
// a release that is supported can be on it.
func (r *reader) platform(id string) *Platform {
	p, ok := r.platforms[id]
	if !ok {
		if product := r.products[id]; product != nil {
			if read, isRedHat := parsePlatform(product.Helper.CPE); isRedHat {
				p = &read
			}
		}
		r.platforms[id] = p
	}
	return p
}

// component gives the package of that product id, nil if it is none. One that
// cannot be read is reported once.
func (r *reader) component(id string) *component {
	c, ok := r.parsed[id]
	if !ok {
		purl := ""
		if product := r.products[id]; product != nil {
			purl = product.Helper.PURL
		}
		read, err := parseComponent(id, purl)
		switch {
		case err == nil:
			c = &read
		case !errors.Is(err, errOther):
			r.stats.Report(r.where, "%v", err)
		}
		r.parsed[id] = c
	}
	return c
}
