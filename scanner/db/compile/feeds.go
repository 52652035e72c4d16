package compile

import (
	"slices"

	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// FeedRecords is the name of the feed in the project's own form, which nobody
// publishes.
const FeedRecords = "records"

// Feed names a feed and where it lies: a path, or an http or https address.
type Feed struct{ Name, Location string }

// Names lists the feeds that there are importers for: first those of the
// distributions, sorted.
func Names(distros []distro.Distro) []string {
	var names []string
	for _, d := range distros {
		for _, f := range d.Feeds {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	for _, f := range general() {
		names = append(names, f.Name)
	}
	return names
}

// Defaults lists the feeds that are published, at their publishers' addresses:
// those of the distributions, in their order, and those that are no
// distribution's.
func Defaults(distros []distro.Distro) []Feed {
	var feeds []Feed
	add := func(list []feed.Feed) {
		for _, f := range list {
			if f.URL != "" {
				feeds = append(feeds, Feed{f.Name, f.URL})
			}
		}
	}
	for _, d := range distros {
		add(d.Feeds)
	}
	add(general())
	return feeds
}

// general lists the feeds that are no distribution's.
func general() []feed.Feed {
	return append([]feed.Feed{{Name: FeedRecords, Records: feed.Records}}, feed.General()...)
}

// find finds the importer of a feed.
func find(distros []distro.Distro, name string) (feed.Feed, bool) {
	if f, ok := distro.FeedByName(distros, name); ok {
		return f, true
	}
	for _, f := range general() {
		if f.Name == name {
			return f, true
		}
	}
	return feed.Feed{}, false
}
