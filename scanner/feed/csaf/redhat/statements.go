package redhat

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// oldestRelease is the first release of RHEL that is supported.
const oldestRelease = 5

// product is a package on a platform, as a list of a document has it.
type product struct {
	id       string
	platform string // the id, with which documents group products
	on       *Platform
	component
	release string
}

// statements gives what the document says of packages, in its order.
func (r *reader) statements() []Statement {
	status := &r.vuln.ProductStatus
	var out []Statement
	out = r.fixed(out, r.list(status.Fixed))
	out = r.unfixed(out, r.list(status.KnownAffected), "")
	out = r.unfixed(out, r.list(status.UnderInvestigation), advisory.StatusUnderInvestigation)
	for _, p := range r.list(status.KnownNotAffected) {
		// Of use only beside statements on other streams of the same package.
		if p.on.RHEL {
			out = append(out, r.statement(p, advisory.Source, advisory.StatusNotAffected))
		}
	}
	return out
}

// list finds the packages of product ids. Products that are no rpms of a
// supported release are left out: container images, say.
func (r *reader) list(ids []string) []product {
	out := make([]product, 0, len(ids))
	for _, id := range ids {
		rel := r.relations[id]
		if rel == nil {
			continue
		}
		on := r.platform(rel.Platform)
		if on == nil {
			continue
		}
		c := r.component(rel.Component)
		if c == nil || isDebug(c.name) {
			continue
		}
		// Most layered products do not say which release they are for; the
		// versions of their packages do.
		release := on.Release
		if release == "" {
			release = releaseOf(c.version)
		}
		if n, err := strconv.Atoi(release); err != nil || n < oldestRelease {
			continue
		}
		out = append(out, product{id, rel.Platform, on, *c, release})
	}
	return out
}

// isDebug tells packages with nothing but symbols and source text, of which
// there are as many as of all others. They cannot be run, and what is installed
// beside them has the vulnerability.
func isDebug(name string) bool {
	return strings.HasSuffix(name, "-debuginfo") || strings.HasSuffix(name, "-debugsource") || strings.Contains(name, "-debuginfo-common")
}

func (r *reader) statement(p product, kind advisory.Kind, status advisory.Status) Statement {
	s := Statement{
		Platform: *p.on, Kind: kind, Package: p.name, Module: p.module, Arch: p.arch,
		Status: status, Severity: r.rated(p.id),
	}
	s.Release = p.release
	if status == advisory.StatusFixed {
		s.Fixed = p.version
		remedy := r.remedies[p.id]
		s.Advisories, s.Day = remedy.advisories, remedy.day
		// Those who stay with a minor release need what was fixed up to it.
		if minor := cmp.Or(p.on.minor, minorOf(p.release, p.platform, p.version)); s.Stream == StreamBase && minor != "" {
			s.CPEs = append(slices.Clone(s.CPEs), minorCPE(p.release, minor))
		}
	}
	return s
}

// fixed takes the packages with a fix. Where a document lists what is built of a
// source package, the source package is not needed; where it lists no binary
// packages, a package may be either.
func (r *reader) fixed(out []Statement, products []product) []Statement {
	binaries := map[string]bool{} // by platform
	for _, p := range products {
		if p.arch != "" && p.arch != "src" {
			binaries[p.platform] = true
		}
	}
	for _, p := range products {
		switch {
		case p.version == "":
			r.stats.Report(r.where, "%.200q is fixed, but has no version", p.id)
		case moduleBuild().MatchString(p.version):
			r.stats.Report(r.where, "%.200q is the version of a module; it cannot be told which packages of it are fixed", p.id)
		case p.arch == "":
			out = append(out, r.statement(p, advisory.Binary, advisory.StatusFixed), r.statement(p, advisory.Source, advisory.StatusFixed))
		case p.arch != "src":
			out = append(out, r.statement(p, advisory.Binary, advisory.StatusFixed))
		case !binaries[p.platform]:
			out = append(out, r.statement(p, advisory.Source, advisory.StatusFixed))
		default:
			s := r.statement(p, advisory.Source, advisory.StatusFixed)
			s.covered = true
			out = append(out, s)
		}
	}
	return out
}

// unfixed takes the packages without a fix, which have the given status, or
// that of their remediation.
//
// A name without architecture and version is that of a binary package if a
// source package stands beside it on the platform: then it is one of those that
// are built of it, and adds nothing. Otherwise it may be either.
func (r *reader) unfixed(out []Statement, products []product, status advisory.Status) []Statement {
	type group struct{ platform, module string }
	sources := map[group]bool{}
	for _, p := range products {
		if p.arch == "src" {
			sources[group{p.platform, p.module}] = true
		}
	}
	for _, p := range products {
		status := status
		if status == "" {
			if status = r.remedies[p.id].unfixed; status == "" {
				status = advisory.StatusAffected
			}
		}
		if p.arch == "" && p.version == "" && sources[group{p.platform, p.module}] {
			continue
		}
		if p.arch != "src" {
			out = append(out, r.statement(p, advisory.Binary, status))
		}
		if p.arch == "" || p.arch == "src" {
			out = append(out, r.statement(p, advisory.Source, status))
		}
	}
	return out
}

// subject is what statements on different streams have in common.
type subject struct{ release, name, module string }

func (s *Statement) subject() subject { return subject{s.Release, s.Package, s.Module} }

// reduce leaves out what other statements say better.
//
// A package with a fix in a stream is not also without one in it: the
// statements that say so are older. A statement on the base product without a
// version holds for all streams of the release, as the documents of the folder
// vex name no other until there is a fix; it holds for the base product alone if
// the document says something else of the package in another stream.
func reduce(statements []Statement) []Statement {
	fixed := map[subject][]string{} // streams
	others := map[subject]bool{}    // those with a word on streams beside the base
	for i := range statements {
		s := &statements[i]
		if streams := fixed[s.subject()]; s.Status == advisory.StatusFixed && !slices.Contains(streams, s.Stream) {
			fixed[s.subject()] = append(streams, s.Stream)
		}
		if s.RHEL && s.Stream != StreamBase {
			others[s.subject()] = true
		}
	}
	for i := range statements {
		if s := &statements[i]; s.Stream == StreamBase && s.Status != advisory.StatusFixed && !others[s.subject()] {
			s.CPEs = nil
		}
	}
	return slices.DeleteFunc(statements, func(s Statement) bool {
		return s.covered || s.Status == advisory.StatusNotAffected ||
			s.Status != advisory.StatusFixed && slices.Contains(fixed[s.subject()], s.Stream)
	})
}
