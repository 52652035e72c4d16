// Package alma supports AlmaLinux: releases by their major number.
package alma

import (
	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/internal/rebuild"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// ID is the distribution's key in advisory records.
const ID = "alma"

// Distro describes AlmaLinux. The dates are those of
// https://wiki.almalinux.org/release-notes/.
func Distro() distro.Distro {
	archive := rebuild.OSV{Distro: ID, Ecosystem: "AlmaLinux", Kind: advisory.Binary}
	return rebuild.Distro{
		ID: ID, Name: "AlmaLinux",
		ReleaseID: "almalinux", LineName: "almalinux",
		Vendor: "AlmaLinux",
		Kinds:  []advisory.Kind{advisory.Binary},
		Ends:   map[string]string{"8": "2029-03-01", "9": "2032-05-31", "10": "2035-05-31"},
		Feeds: []feed.Feed{
			{Name: ID, URL: "https://osv-vulnerabilities.storage.googleapis.com/AlmaLinux/all.zip", Records: archive.Import},
			{Name: ID + "-errata", URL: "https://errata.almalinux.org", Records: ImportErrata},
		},
	}.Describe()
}
