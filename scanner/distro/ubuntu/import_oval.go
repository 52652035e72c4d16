package ubuntu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/oval"
)

// ImportOVAL reads Canonical's OVAL by vulnerability
// (https://security-metadata.canonical.com/oval/): a document for each release,
// com.ubuntu.<codename>.cve.oval.xml.bz2, or one of them.
//
// The tests ask for binary packages. The source package and what is said of it
// stand in the comments, in sentences made from the statuses of the CVE
// tracker; they are read from there.
func ImportOVAL(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (feed.Stats, error) {
	return importOVAL(ctx, src, emit, (*ovalReader).tree)
}

// importDocument is ImportOVAL for one document, whatever it is called.
func importDocument(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (feed.Stats, error) {
	return importOVAL(ctx, src, emit, func(o *ovalReader, ctx context.Context) error { return o.open(ctx, "") })
}

func importOVAL(ctx context.Context, src *feed.Source, emit func(advisory.Record) error, read func(*ovalReader, context.Context) error) (feed.Stats, error) {
	o := &ovalReader{src: src, emit: emit}
	err := read(o, ctx)
	if err == nil && o.stats.Rows == 0 {
		err = fmt.Errorf("%s: this is not the OVAL of Ubuntu: no advisory is in it", src.Location())
	}
	return o.stats, err
}

type ovalReader struct {
	src   *feed.Source
	emit  func(advisory.Record) error
	stats feed.Stats
}

// tree reads the document that the source is, or those of all releases. Most
// releases have none any more.
func (o *ovalReader) tree(ctx context.Context) error {
	if strings.Contains(path.Base(o.src.Location()), ".oval.xml") {
		return o.open(ctx, "")
	}
	found := false
	list := releases()
	first := slices.IndexFunc(list, func(r release) bool { return r.codename == "trusty" }) // there was no OVAL before
	for _, r := range list[max(first, 0):] {
		for _, ext := range []string{".bz2", ""} {
			err := o.open(ctx, "com.ubuntu."+r.codename+".cve.oval.xml"+ext)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			found = true
			break
		}
	}
	if !found {
		return fmt.Errorf("%s: there is no com.ubuntu.<codename>.cve.oval.xml.bz2 of any release: %w", o.src.Location(), fs.ErrNotExist)
	}
	return nil
}

func (o *ovalReader) open(ctx context.Context, name string) (err error) {
	doc, err := o.src.Open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	if err := o.document(doc.Name(), doc); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, doc) // into the digest
	return err
}

func (o *ovalReader) document(name string, r io.Reader) error {
	doc, err := oval.Read(r, oval.Options{Comments: true, Descriptions: true})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for i := range doc.Definitions {
		d := &doc.Definitions[i]
		if d.Class != "vulnerability" {
			continue // an inventory: which release it is
		}
		for _, rec := range o.definition(name, doc, d).records() {
			if err := o.emit(rec); err != nil {
				return err
			}
			o.stats.Rows++
		}
	}
	return nil
}

// definition reads what is said of a vulnerability.
func (o *ovalReader) definition(name string, doc *oval.Document, d *oval.Definition) *vulnerability {
	where := name + ": " + d.ID
	id, _, _ := strings.Cut(d.Title, " ")
	v := newVulnerability(advisory.NormalizeID(id))
	release, pro, ok := platform(d.Platforms)
	if !ok {
		return v // another product: FIPS
	}
	if _, _, isCVE := advisory.SplitCVE(v.id); !isCVE {
		o.stats.Report(where, "the title %.64q does not start with a CVE id", d.Title)
		return v
	}
	description, updates, _ := strings.Cut(d.Description, "Update Instructions:")
	v.description, v.published = strings.TrimSpace(description), date(d.Extra["public_date"])
	v.priority = d.Severity
	for _, cve := range d.CVEs {
		v.cvss = rating(cve.Attr["cvss_vector"], ID)
	}
	subscribers := needSubscription(updates)
	for _, comment := range comments(doc, d.Criteria) {
		source, said, err := sentence(comment)
		if err != nil {
			o.stats.Report(where, "%v", err)
			continue
		}
		p := v.pair(subject{source, release})
		if pro || said.fixed != "" && (isExpanded(said.fixed) || slices.Contains(subscribers, said.fixed)) {
			p.addPro(said)
		} else {
			p.base = said
		}
	}
	return v
}

// platform reads the release from "Ubuntu 22.04 LTS" or, with Ubuntu Pro,
// "Ubuntu Pro 16.04 LTS" and "Ubuntu 16.04 ESM".
func platform(names []string) (release string, pro, ok bool) {
	if len(names) == 0 {
		return "", false, false
	}
	rest, ok := strings.CutPrefix(names[0], "Ubuntu ")
	rest, pro = strings.CutPrefix(rest, "Pro ")
	release, suffix, _ := strings.Cut(rest, " ")
	return release, pro || suffix == "ESM", ok && isNumber(release)
}

// comments lists those of all criterions below c that are not about which
// release it is.
func comments(doc *oval.Document, c oval.Criteria) []string {
	var out []string
	for _, leaf := range c.Criterions {
		if text := doc.Comment(leaf); !strings.HasPrefix(text, "The host ") {
			out = append(out, text)
		}
	}
	for _, part := range c.Criteria {
		out = append(out, comments(doc, part)...)
	}
	return out
}

// comment has the source package, the sentence, and the note of the tracker.
var comment = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:\(CVE-[0-9-]+\) )?([^\s:]+)(?: package in [^\s,]+|:)?,? (.*?)(?: \(note: '(.*)'\))?\.?$`)
})

// sentences gives the status of the tracker that a sentence was made from.
func sentences() map[string]string {
	return map[string]string{
		"was vulnerable but has been fixed":                                                       "released",
		"was vulnerable and has been fixed, but no release version available for it":              "released",
		"is related to the CVE in some way and has been fixed":                                    "not-affected",
		"is affected and needs fixing":                                                            "needed",
		"is affected and may need fixing":                                                         "needs-triage",
		"is affected, but a decision has been made to defer addressing it":                        "deferred",
		"is affected. An update containing the fix has been completed and is pending publication": "pending",
		"while related to the CVE in some way, a decision has been made to ignore this issue":     "ignored",
		"while related to the CVE in some way, a decision has been made to ignore it":             "ignored",
		"is not affected": "not-affected",
		"while related to the CVE in some way, is not affected": "not-affected",
		"does not exist": "DNE",
	}
}

// sentence reads the comment of a criterion.
func sentence(text string) (source string, said statement, err error) {
	m := comment().FindStringSubmatch(text)
	if m == nil {
		return "", statement{}, fmt.Errorf("the comment %.128q is of no known form", text)
	}
	word, ok := sentences()[m[2]]
	if !ok {
		return "", statement{}, fmt.Errorf("the comment %.128q says nothing that is known", text)
	}
	said, err = judge(word, m[3])
	return m[1], said, err
}

// isExpanded tells the versions of Expanded Security Maintenance: 2.23-0ubuntu11.3+esm1.
func isExpanded(v string) bool {
	return strings.Contains(v, "+esm") || strings.Contains(v, "~esm")
}

// needSubscription lists the versions that only subscribers get, from the
// instructions in a description: lines "package - version", and below them who
// can have these.
func needSubscription(instructions string) []string {
	var out, group []string
	for line := range strings.Lines(instructions) {
		line = strings.TrimSpace(line)
		_, v, isUpdate := strings.Cut(line, " - ")
		switch {
		case isUpdate:
			group = append(group, v)
		case strings.HasPrefix(line, forSubscribers):
			out, group = append(out, group...), nil
		case strings.HasPrefix(line, forEverybody):
			group = nil
		}
	}
	return out
}
