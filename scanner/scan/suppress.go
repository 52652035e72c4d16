package scan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/package-url/packageurl-go"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

// What a hostile list of suppressions can cost. Real entries have few ids and
// few packages.
const (
	maxReferences = 200_000 // pairs of an id and a package, of all entries
	maxOfOne      = 1_000   // entries for one id and package
	maxNotices    = 100
	maxSaid       = 1_000 // bytes of a text that the report repeats at each finding
)

// suppressor finds the entries of ignore lists, and the statements of VEX
// documents, that speak of a finding.
type suppressor struct {
	os      *inventory.OS
	now     time.Time
	entries []suppression // ignore lists first, then VEX statements by their time
	index   map[suppressionKey][]int
}

// suppression is an entry as it is compared with packages.
type suppression struct {
	policy.Suppression
	purls  []packageurl.PackageURL
	result *report.Suppressed // nil if the entry does not suppress
	used   bool               // it speaks of a finding
}

// suppressionKey is what an entry is looked up by.
type suppressionKey struct {
	id   string // in capitals
	name string // of a package or source package, in small letters; empty for all
}

// newSuppressor checks and indexes suppressions. It is nil if there are none.
func newSuppressor(os *inventory.OS, list []policy.Suppression, now time.Time) (*suppressor, error) {
	if len(list) == 0 {
		return nil, nil
	}
	if err := policy.ValidateSuppressions(list); err != nil {
		return nil, err
	}
	s := &suppressor{os: os, now: now, entries: make([]suppression, len(list)), index: map[suppressionKey][]int{}}
	for i := range list {
		if err := s.entries[i].set(&list[i], now); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(s.entries, func(a, b suppression) int {
		return cmp.Or(cmp.Compare(a.By, b.By), a.Timestamp.Compare(b.Timestamp)) // "ignore" comes before "vex"
	})
	return s, s.buildIndex()
}

func (e *suppression) set(s *policy.Suppression, now time.Time) error {
	e.Suppression = *s
	for _, text := range s.PURLs {
		p, err := packageurl.FromString(text)
		if err != nil {
			return fmt.Errorf("%s names the package %q, which is no package URL: %w", s.Name(), text, err)
		}
		p.Namespace = purlNamespace(p.Namespace)
		e.purls = append(e.purls, p)
	}
	if s.Suppresses(now) {
		e.result = &report.Suppressed{
			By: s.By, Reason: cut(s.Reason, maxSaid), Expires: s.Expires, Status: s.Status, Justification: cut(s.Justification, maxSaid),
			Source: cut(s.Source, maxSaid), Author: cut(s.Author, maxSaid),
		}
	}
	return nil
}

func (s *suppressor) buildIndex() error {
	references := 0
	for i := range s.entries {
		e := &s.entries[i]
		for _, key := range e.keys() {
			if references++; references > maxReferences {
				return fmt.Errorf("the ignore lists and VEX documents name more than %d packages and vulnerabilities together", maxReferences)
			}
			if s.index[key] = append(s.index[key], i); len(s.index[key]) > maxOfOne {
				return fmt.Errorf("the ignore lists and VEX documents have more than %d entries for %s in one package", maxOfOne, key.id)
			}
		}
	}
	return nil
}

// keys lists what an entry is found by, each once.
func (e *suppression) keys() []suppressionKey {
	names := []string{strings.ToLower(e.Package)}
	if len(e.purls) > 0 {
		names = names[:0]
		for i := range e.purls {
			names = append(names, strings.ToLower(e.purls[i].Name))
		}
		slices.Sort(names)
		names = slices.Compact(names)
	}
	seen := map[string]bool{}
	var keys []suppressionKey
	for _, id := range e.IDs {
		id = strings.ToUpper(strings.TrimSpace(id))
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		for _, name := range names {
			// One more than are allowed is enough for the error.
			if keys = append(keys, suppressionKey{id, name}); len(keys) > maxReferences {
				return keys
			}
		}
	}
	return keys
}

// matched is a package as entries are compared with it.
type matched struct {
	*inventory.Package
	purls []packageurl.PackageURL // of the package and its source, once needed
	names []string
}

// of finds the entry that suppresses a vulnerability of a package; nil if none
// does.
func (s *suppressor) of(v *report.Vulnerability, p *matched) *report.Suppressed {
	newest := -1
	var ignored *report.Suppressed
	visit := func(id string) {
		id = strings.ToUpper(id)
		for _, name := range p.names {
			for _, i := range s.index[suppressionKey{id, name}] {
				e := &s.entries[i]
				if !e.speaksOf(p, s.os) {
					continue
				}
				e.used = true
				if e.By == policy.SuppressedByVEX {
					newest = max(newest, i)
				} else {
					ignored = cmp.Or(ignored, e.result)
				}
			}
		}
	}
	visit(v.Name)
	for _, alias := range v.Aliases {
		visit(alias)
	}
	if newest >= 0 && s.entries[newest].result != nil {
		return s.entries[newest].result
	}
	return ignored
}

// speaksOf reports whether an entry is about a package.
func (e *suppression) speaksOf(p *matched, os *inventory.OS) bool {
	if e.Package != "" && e.Package != p.Name && e.Package != p.SourceName {
		return false
	}
	if len(e.purls) == 0 {
		return true
	}
	if p.purls == nil {
		p.purls = comparablePURLs(os, p.Package)
	}
	return slices.ContainsFunc(e.purls, func(stated packageurl.PackageURL) bool {
		return slices.ContainsFunc(p.purls, func(is packageurl.PackageURL) bool { return purlMatches(&stated, &is) })
	})
}

// subjectSuppressor marks the vulnerabilities that packages share.
type subjectSuppressor struct {
	*suppressor
	list   []report.Vulnerability
	marks  []*report.Suppressed // of list, for the package before
	marked []report.Vulnerability
}

// of gives the vulnerabilities of a package, those marked that do not count.
// Packages with the same marks share one list.
func (s *subjectSuppressor) of(p *inventory.Package) []report.Vulnerability {
	if s.suppressor == nil {
		return s.list
	}
	m := matched{Package: p, names: []string{"", strings.ToLower(p.Name), strings.ToLower(p.SourceName)}}
	m.names = slices.Compact(m.names)
	marks := make([]*report.Suppressed, len(s.list))
	for i := range s.list {
		marks[i] = s.suppressor.of(&s.list[i], &m)
	}
	if s.marked != nil && slices.Equal(marks, s.marks) {
		return s.marked
	}
	s.marks, s.marked = marks, s.list
	if slices.ContainsFunc(marks, func(m *report.Suppressed) bool { return m != nil }) {
		s.marked = slices.Clone(s.list)
		for i := range marks {
			s.marked[i].Suppressed = marks[i]
		}
	}
	return s.marked
}

// notices says which entries have expired, expire soon, have nothing to
// suppress, or leave a finding with a part of its packages. assessed says that
// packages were compared with advisories: else there is nothing that an entry
// could have matched. Statements of VEX documents may well be about packages
// that an image does not have, and about some packages of several.
func (s *suppressor) notices(assessed bool, resources []report.Resource) []string {
	if s == nil {
		return nil
	}
	var out []string
	more := 0
	add := func(text string) {
		switch {
		case text == "":
		case len(out) < maxNotices:
			out = append(out, text)
		default:
			more++
		}
	}
	partial := partlyIgnored(resources)
	for i := range s.entries {
		e := &s.entries[i]
		if e.By == policy.SuppressedByIgnore && assessed && !e.used && e.result != nil {
			add(e.Name() + " matches no finding; remove it if no image needs it any more")
			continue
		}
		add(e.Notice(s.now))
		if p := partial[e.result]; p != nil {
			add(e.Name() + p.String())
		}
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("%d more notes on entries that have expired, expire soon, match no finding, or cover a part of one", more))
	}
	return out
}
