//go:build !scanonly

package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/db/compile"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/feed"
)

func distroIDs() []string {
	var ids []string
	for _, d := range all.List() {
		ids = append(ids, d.ID)
	}
	return ids
}

func hasAddress(feeds []compile.Feed) bool {
	return slices.ContainsFunc(feeds, func(f compile.Feed) bool { return feed.IsAddress(f.Location) })
}

// chooseFeeds lists the feeds to read: those of --feed, or else the published
// ones, narrowed by --distro, with those of --mirror in their place.
func (f *buildFlags) chooseFeeds() ([]compile.Feed, error) {
	if len(f.feeds) > 0 {
		if len(f.distros) > 0 || len(f.mirrors) > 0 {
			return nil, f.wrong("--feed names all feeds that are read: --distro and --mirror have nothing to choose from")
		}
		return f.parseFeeds("--feed", f.feeds)
	}
	distros := all.List()
	if len(f.distros) > 0 {
		var chosen []distro.Distro
		for _, id := range f.distros {
			d, ok := distro.ByID(distros, id)
			if !ok {
				return nil, f.wrong(fmt.Sprintf("--distro %q: there is no such distribution; there are %s", id, strings.Join(distroIDs(), ", ")))
			}
			if !slices.ContainsFunc(chosen, func(c distro.Distro) bool { return c.ID == d.ID }) {
				chosen = append(chosen, d)
			}
		}
		distros = chosen
	}
	feeds := compile.Defaults(distros)
	mirrors, err := f.parseFeeds("--mirror", f.mirrors)
	if err != nil {
		return nil, err
	}
	return f.redirect(feeds, mirrors)
}

// redirect replaces where feeds lie. A feed that nobody publishes, such as a
// table of severities, is added.
func (f *buildFlags) redirect(feeds, mirrors []compile.Feed) ([]compile.Feed, error) {
	published := compile.Defaults(all.List())
	for n, m := range mirrors {
		named := func(o compile.Feed) bool { return o.Name == m.Name }
		i := slices.IndexFunc(feeds, named)
		isPublished := slices.ContainsFunc(published, named)
		switch {
		case isPublished && slices.ContainsFunc(mirrors[:n], named):
			return nil, f.wrong(fmt.Sprintf("--mirror %q: the feed has another mirror already", shown(m.Name+"="+m.Location)))
		case i >= 0 && isPublished:
			feeds[i] = m
		case isPublished:
			return nil, f.wrong(fmt.Sprintf("--mirror %s: the feed is not of the distributions that --distro names", m.Name))
		default:
			feeds = append(feeds, m)
		}
	}
	return feeds, nil
}

// parseFeeds reads the values of the flag of that name.
func (f *buildFlags) parseFeeds(flag string, values []string) ([]compile.Feed, error) {
	names := compile.Names(all.List())
	var feeds []compile.Feed
	for _, v := range values {
		name, location, found := strings.Cut(v, "=")
		if !found || location == "" || feed.IsAddress(name) {
			return nil, f.wrong(fmt.Sprintf("%s %q is not NAME=PATH_OR_URL", flag, shown(v)))
		}
		if !slices.Contains(names, name) {
			return nil, f.wrong(fmt.Sprintf("%s %q: there is no feed %q; the names are %s", flag, shown(v), name, strings.Join(names, ", ")))
		}
		spec := compile.Feed{Name: name, Location: location}
		if slices.Contains(feeds, spec) {
			return nil, f.wrong(fmt.Sprintf("%s %q is there twice", flag, shown(v)))
		}
		feeds = append(feeds, spec)
	}
	return feeds, nil
}

// shown is the value of a flag for a message, without what is secret in an
// address: logs are read by many.
func shown(value string) string {
	name, location, found := strings.Cut(value, "=")
	if !found || feed.IsAddress(name) {
		return feed.Redact(value)
	}
	return name + "=" + feed.Redact(location)
}
