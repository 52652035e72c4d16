package suse

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed/oval"
	"github.com/example/microscanner-frontend/scanner/version"
)

// fact is what one criterion says: a product that is installed, or a package
// that is vulnerable.
type fact struct {
	product *product
	claim   claim
}

// claim is on which versions and architectures of a package are vulnerable.
type claim struct {
	name   string
	status advisory.Status
	fixed  string
	arches string // "i586|x86_64", empty for all
}

// leaf is a criterion as it was read once.
type leaf struct {
	fact    fact
	verdict oval.Verdict
	err     error
}

// statement is a claim for products of a release.
type statement struct {
	claim
	release  string
	products []string // sorted CPEs
}

func (s *statement) archList() []string {
	if s.arches == "" {
		return nil
	}
	list := strings.Split(s.arches, "|")
	slices.Sort(list)
	return slices.Compact(list)
}

// statements reads the criteria of a definition. A criterion that cannot be
// read is reported, and what it stands with is left out.
func (d *document) statements(where string, c oval.Criteria) ([]statement, error) {
	branches, err := oval.Branches(c, func(c oval.Criterion) (fact, oval.Verdict, error) {
		l, ok := d.facts[d.doc.Ref(c)]
		if c.Negate {
			l = leaf{verdict: oval.False, err: fmt.Errorf("the negated criterion of %s cannot be understood", d.doc.Ref(c))}
		} else if !ok {
			l = d.read(c)
			d.facts[d.doc.Ref(c)] = l
		}
		if l.err != nil {
			d.stats.Report(where, "%v", l.err)
		}
		return l.fact, l.verdict, nil
	})
	if err != nil {
		return nil, err
	}
	products := map[claim]map[string][]string{} // by the release too
	for _, branch := range branches {
		p, claim := join(branch)
		if p == nil || claim.name == "" {
			d.stats.Report(where, "there are criteria without a product, or without a package")
			continue
		}
		if products[claim] == nil {
			products[claim] = map[string][]string{}
		}
		for _, release := range p.releases {
			for _, f := range p.families {
				products[claim][release] = append(products[claim][release], f.product(release))
			}
		}
	}
	return list(products), nil
}

func join(branch []fact) (p *product, c claim) {
	for _, f := range branch {
		if f.product != nil {
			p = f.product
		} else {
			c = f.claim
		}
	}
	return p, c
}

func list(products map[claim]map[string][]string) []statement {
	var out []statement
	for _, c := range slices.SortedFunc(maps.Keys(products), compareClaims) {
		for _, release := range slices.Sorted(maps.Keys(products[c])) {
			cpes := slices.Compact(slices.Sorted(slices.Values(products[c][release])))
			out = append(out, statement{claim: c, release: release, products: cpes})
		}
	}
	return out
}

func compareClaims(a, b claim) int {
	return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.status, b.status), cmp.Compare(a.fixed, b.fixed), cmp.Compare(a.arches, b.arches))
}

// read reads what a criterion asks for.
func (d *document) read(c oval.Criterion) leaf {
	test, err := d.doc.Test(c)
	if err != nil {
		return leaf{verdict: oval.False, err: err}
	}
	name := test.Object.Value("name", oval.Equals)
	if test.Kind != oval.KindRpm || name == "" || len(test.States) != 1 {
		return leaf{verdict: oval.False, err: fmt.Errorf("the test %s cannot be understood", d.doc.Ref(c))}
	}
	state := test.States[0]
	switch {
	case strings.HasSuffix(name, "-release") && state.Value("signature_keyid", oval.Equals) == "":
		return readProduct(name, state)
	case strings.HasPrefix(name, "kernel-livepatch-"), strings.HasPrefix(name, "kgraft-patch-"):
		// Patches of a running kernel, which is the machine's.
		return leaf{verdict: oval.False}
	}
	return readClaim(name, state)
}

// readProduct reads the test of a release package. Products of no interest are
// none of ours, and no error.
func readProduct(name string, state oval.Entities) leaf {
	number := state.Value("version", oval.Equals)
	if number == "" {
		// Tumbleweed is any version from a day on.
		since := strings.TrimPrefix(state.Value("evr", "greater than or equal"), "0:")
		number, _, _ = strings.Cut(since, "-")
	}
	p, ok := installed(name, number)
	if !ok {
		return leaf{verdict: oval.False}
	}
	return leaf{fact: fact{product: &p}}
}

// readClaim reads the test of a package. There are two zeros: that any version
// above 0:0-0 is vulnerable says that there is no fix yet, and that the version
// is 0, which none is, that the package is not affected.
func readClaim(name string, state oval.Entities) leaf {
	if _, signed := state.Get("signature_keyid"); signed {
		return leaf{verdict: oval.True}
	}
	if state.Value("version", oval.Equals) == "0" || state.Value("evr", oval.Equals) == "0" {
		return leaf{verdict: oval.False}
	}
	c := claim{name: name, arches: strings.Trim(state.Value("arch", oval.PatternMatch), "()")}
	fixed := strings.TrimPrefix(state.Value("evr", oval.LessThan), "0:")
	switch {
	case strings.Trim(c.arches, "abcdefghijklmnopqrstuvwxyz0123456789_|") != "":
		return leaf{verdict: oval.False, err: fmt.Errorf("the architectures %.64q of %s cannot be understood", c.arches, name)}
	case state.Value("evr", oval.GreaterThan) == "0:0-0":
		c.status = advisory.StatusAffected
	case fixed != "":
		c.status, c.fixed = advisory.StatusFixed, fixed
		if _, err := version.Rpm.Parse(fixed); err != nil {
			return leaf{verdict: oval.False, err: fmt.Errorf("%s: %w", name, err)}
		}
	default:
		return leaf{verdict: oval.False, err: fmt.Errorf("it cannot be told which versions of %s are vulnerable", name)}
	}
	return leaf{fact: fact{claim: c}}
}
