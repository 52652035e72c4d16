package alma

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/internal/rebuild"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// releases lists those that have errata.
func releases() []string { return []string{"8", "9", "10"} }

// ImportErrata reads <release>/errata.full.json below the source:
//
//	{data: [{id, severity, type, title, packages: [{name, epoch, version, release, arch, module}], references: [{id, type, href}]}]}
//
// Unlike the OSV records it names the module of each package. The architectures
// are left out: the OSV records say the same of all.
func ImportErrata(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (stats feed.Stats, err error) {
	for _, release := range releases() {
		err := importRelease(ctx, src, release, &stats, emit)
		if errors.Is(err, fs.ErrNotExist) {
			stats.Report(src.Location(), "there is no %s", errataName(release))
			continue
		}
		if err != nil {
			return stats, err
		}
	}
	if stats.Rows == 0 {
		return stats, fmt.Errorf("%s: these are not AlmaLinux's errata: no advisory is in them; looked for %s and the like", src.Location(), errataName(releases()[0]))
	}
	return stats, nil
}

func errataName(release string) string { return release + "/errata.full.json" }

func importRelease(ctx context.Context, src *feed.Source, release string, stats *feed.Stats, emit func(advisory.Record) error) (err error) {
	doc, err := src.Open(ctx, errataName(release))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	r := &errataReader{json: feed.NewJSON(doc), name: doc.Name(), release: release, stats: stats, emit: emit}
	isObject, err := r.json.Object(r.member)
	if err == nil {
		err = r.json.Finish()
	}
	if err == nil && (!isObject || !r.hasData) {
		err = fmt.Errorf("%s: these are not AlmaLinux's errata: there is no data", r.name)
	}
	return err
}

// errataReader reads the errata of a release.
type errataReader struct {
	json          *feed.JSON
	name, release string
	hasData       bool
	stats         *feed.Stats
	emit          func(advisory.Record) error
}

// erratum is an element of data.
type erratum struct {
	ID         string `json:"id"`
	Severity   string `json:"severity"`
	Title      string `json:"title"`
	Packages   []pkg  `json:"packages"`
	References []struct {
		ID   string `json:"id"`
		Type string `json:"type"` // "cve", "self", "bugzilla"
		Href string `json:"href"`
	} `json:"references"`
}

// pkg is a package that an erratum brings.
type pkg struct {
	Name    string `json:"name"`
	Epoch   string `json:"epoch"`
	Version string `json:"version"`
	Release string `json:"release"`
	Arch    string `json:"arch"`
	Module  string `json:"module"` // "mariadb:10.3:8050020220427075058:c5368500:x86_64"
}

func (r *errataReader) member(key string) error {
	if key != "data" {
		return r.json.Skip()
	}
	isArray, err := r.json.Array(r.element)
	r.hasData = r.hasData || isArray
	return err
}

func (r *errataReader) element(i int) error {
	var e erratum
	fits, err := r.json.Decode(&e)
	where := fmt.Sprintf("%s: data[%d]", r.name, i)
	switch {
	case err != nil:
		return err
	case !fits || e.ID == "":
		r.stats.Report(where, "it has no id, or its members are not what AlmaLinux's errata have")
		return nil
	}
	cves := e.cves()
	if len(cves) == 0 {
		return nil
	}
	fixes := e.fixes(func(format string, args ...any) { r.stats.Report(where+": "+e.ID, format, args...) })
	common := advisory.Record{
		Distro: ID, Release: r.release, Kind: advisory.Binary, Status: advisory.StatusFixed,
		URL: fmt.Sprintf("https://errata.almalinux.org/%s/%s.html", r.release, strings.ReplaceAll(e.ID, ":", "-")),
	}
	common.Severity, _ = severity.FromVendor(e.Severity)
	for _, f := range fixes {
		for _, cve := range cves {
			rec := common
			rec.ID, rec.Aliases = cve, []string{e.ID}
			rec.Package, rec.Fixed, rec.Module = f.name, f.fixed, f.module
			if err := r.emit(rec); err != nil {
				return err
			}
			r.stats.Rows++
		}
	}
	return nil
}

func (e *erratum) cves() []string {
	var out []string
	for _, ref := range e.References {
		if id := advisory.NormalizeID(ref.ID); strings.HasPrefix(id, "CVE-") {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// fix is what an erratum says of a package on all architectures.
type fix struct{ name, fixed, module string }

// fixes lists the fixes of an erratum, each once, in the order of its packages.
func (e *erratum) fixes(report func(format string, args ...any)) []fix {
	var out []fix
	seen := map[fix]bool{}
	unknown := false
	for _, p := range e.Packages {
		if p.Arch == "src" {
			continue
		}
		if p.Name == "" || p.Version == "" || p.Release == "" {
			report("a package has no name or no version")
			continue
		}
		modules := p.modules(e.Title)
		if len(modules) == 0 && !unknown {
			unknown = true
			report("%s is of a module, and neither it nor the title names the stream", p.Name)
		}
		for _, module := range modules {
			f := fix{p.Name, p.evr(), module}
			if !seen[f] {
				seen[f] = true
				out = append(out, f)
			}
		}
	}
	return out
}

// evr is the version with its epoch, unless that is 0.
func (p *pkg) evr() string {
	evr := p.Version + "-" + p.Release
	if p.Epoch == "" || p.Epoch == "0" {
		return evr
	}
	return p.Epoch + ":" + evr
}

// modules lists the module that a package belongs to, or may belong to; "" if
// it belongs to none.
func (p *pkg) modules(title string) []string {
	label := inventory.Package{Module: p.Module}
	switch {
	case label.Stream() != "":
		return []string{label.Stream()}
	case rebuild.IsModular(p.Release):
		return rebuild.Streams(title)
	}
	return []string{""}
}
